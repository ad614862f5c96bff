using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using XInstruct.Domain.Texts;

namespace XInstruct.Domain.Tests.Texts;

/// <summary>Sample ids stand on this: a change of any expectation breaks every stored release.</summary>
public sealed class TextNormalizerTests
{
    // Letters and marks that compose, controls, every kind of space, a pair.
    private static readonly Arbitrary<string> Nasty = Gen.Elements("a", "e", "\u0301", "\u0327", "\u0323", "\u1100", "\u1161", "\u11A8", " ", "\t", "\n", "\u0085", "\u00A0",
        "\u2000", "\u2028", "\u3000", "\uFEFF", "\u0001", "\u007F", "\u009F", "\u200B", "\u200D", "ﬁ", "Å", "\u212B", "\u0958", "😀", "ไ", "।").ArrayOf().Select(string.Concat).ToArbitrary();

    [Theory]
    [InlineData("", "")]
    [InlineData(" \t\r\n\u3000", "")]
    [InlineData("plain text", "plain text")]
    [InlineData("  a \n\n b\u00A0\u2003c\u3000", "a b c")]
    [InlineData("\uFEFFa\uFEFFb", "ab")]
    [InlineData("a\u0000b\u0007c\u007Fd\u009Fe", "abcde")]
    [InlineData("a\u0085b\u000Bc\u2028d\u2029e", "a b c d e")]
    [InlineData("e\u0301", "é")]
    [InlineData("e\u0001\u0301", "é")]
    [InlineData("e\uFEFF\u0301", "é")]
    [InlineData("\u1100\u1161\u11A8", "각")]
    [InlineData("\u0958", "\u0915\u093C")]
    [InlineData("ﬁ", "ﬁ")]
    [InlineData("zero\u200Bwidth\u200Djoiner\u00ADhyphen", "zero\u200Bwidth\u200Djoiner\u00ADhyphen")]
    [InlineData("😀\t😀", "😀 😀")]
    public void Normalize_Text_IsItsPermanentForm(string text, string normal) => TextNormalizer.Normalize(text).ShouldBe(normal);

    [Fact]
    public void Normalize_AnyText_IsIdempotent() =>
        Prop.ForAll(Nasty, text => TextNormalizer.Normalize(TextNormalizer.Normalize(text)) == TextNormalizer.Normalize(text)).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Normalize_AnyText_LeavesSingleInnerSpacesAndNoControls() => Prop.ForAll(Nasty, text =>
    {
        var normal = TextNormalizer.Normalize(text);
        return normal.IsNormalized() && normal == normal.Trim(' ') && !normal.Contains("  ", StringComparison.Ordinal)
            && normal.All(c => c == ' ' || (!char.IsWhiteSpace(c) && !char.IsControl(c) && c != '\uFEFF'));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Normalize_CanonicallyEqualTexts_AreOne() => Prop.ForAll(Nasty, text =>
        TextNormalizer.Normalize(text.Normalize(NormalizationForm.FormD)) == TextNormalizer.Normalize(text)).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Normalize_EveryUnit_GoesAwayOnlyWhenItIsBomOrControl()
    {
        for (var unit = '\0'; unit < char.MaxValue; unit++)
        {
            if (char.IsSurrogate(unit) || CharUnicodeInfo.GetUnicodeCategory(unit) is UnicodeCategory.OtherNotAssigned) continue;
            var normal = TextNormalizer.Normalize($"x{unit}y");
            if (char.IsWhiteSpace(unit)) normal.ShouldBe("x y", $"U+{(int)unit:X4}");
            else if (unit == '\uFEFF' || char.IsControl(unit)) normal.ShouldBe("xy", $"U+{(int)unit:X4}");
            else normal.Length.ShouldBeGreaterThanOrEqualTo(2, $"U+{(int)unit:X4}");
        }
    }

    [Fact]
    public void Normalize_LoneSurrogate_Throws() => Should.Throw<ArgumentException>(() => TextNormalizer.Normalize("a\uD800b"));

    [Fact]
    public void Malformation_Text_IsNamed()
    {
        TextNormalizer.Malformation("fine 😀 text").ShouldBeNull();
        TextNormalizer.Malformation("a\0b").ShouldBe(RejectionReason.Nul);
        foreach (var text in new[] { "a\uD83D", "\uDE00a", "\uD83D\uD83D\uDE00", "\uDE00\uD83D" }) TextNormalizer.Malformation(text).ShouldBe(RejectionReason.LoneSurrogate);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("abc", 3)]
    [InlineData("a😀b", 3)]
    [InlineData("e\u0301", 2)]
    public void CodePoints_Text_CountsPairsOnce(string text, int count) => TextNormalizer.CodePoints(text).ShouldBe(count);
}
