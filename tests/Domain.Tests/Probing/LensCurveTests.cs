using XInstruct.Domain.Probing;

namespace XInstruct.Domain.Tests.Probing;

public sealed class LensCurveTests
{
    [Fact]
    public void Of_Items_MeansThoseThatWereNotDropped_WithTheirInterval()
    {
        LensItem[] items =
        [
            new(1, "1", "good", [new(0.1, 0.2, 0.3, 0.4, 8), new(0.5, 0.6, 0.7, 0.8, 2)], Ambiguous: 2),
            new(2, "2", "bad", [new(0.3, 0.2, 0.3, 0.4, 6), new(0.5, 0.6, 0.7, 0.8, 2)]),
            new(3, "3", "bad", Dropped: "shared-ids"),
            new(4, "4", "bad", Dropped: "shared-ids"),
            new(5, "5", "bad", Dropped: "no-ids"),
            new(6, "6", Error: "no-column text"),
        ];
        var curve = LensCurve.Of("m", "t", "sw", items);
        (curve.Items, curve.Used, curve.SharedIds, curve.WithoutIds, curve.Unread, curve.Ambiguous).ShouldBe((6, 2, 2, 1, 1, 2));
        curve.Layers.Select(l => l.Layer).ShouldBe([1, 2]);
        var mean = curve.Layers[0].GoldEnglish!;
        mean.Mean.ShouldBe(0.2, 1e-12);
        // Standard deviation √(2 · 0.1² / 1), over √2.
        mean.High.ShouldBe(0.2 + (1.96 * 0.1), 1e-12);
        mean.Low.ShouldBe(0.2 - (1.96 * 0.1), 1e-12);
        curve.Layers[0].Entropy!.Mean.ShouldBe(7);
        curve.Layers[1].AllLocal.ShouldBe(new LensMean(0.8, 0.8, 0.8));
    }

    [Fact]
    public void Of_English_HasNoOtherLabels() =>
        LensCurve.Of("m", "t", "en", [new(1, "1", "good", [new(0.1, null, 0.3, null, 8)])]).Layers[0].ShouldSatisfyAllConditions(l => l.GoldLocal.ShouldBeNull(), l => l.AllLocal.ShouldBeNull(), l => l.AllEnglish!.Mean.ShouldBe(0.3));

    [Fact]
    public void Of_NothingUsed_HasNoLayers() => LensCurve.Of("m", "t", "id", [new(1, "1", "good", Dropped: "no-ids")]).Layers.ShouldBeEmpty();

    [Theory]
    [InlineData("en/de", "en", "de")]
    [InlineData("zh-Hans/en", "zh-Hans", "en")]
    public void Find_Pair_HasTwoLanguages(string text, string first, string second) => LanguagePair.Find(text).ShouldBe(new LanguagePair(first, second));

    [Theory]
    [InlineData("en")]
    [InlineData("en/")]
    [InlineData("en/de/fr")]
    [InlineData("")]
    public void Find_NoPair_IsNull(string text) => LanguagePair.Find(text).ShouldBeNull();
}
