using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Tests.Statistics;

public sealed class NaiveBayesClassifierTests
{
    private static readonly (string Text, string Label)[] Examples =
    [
        ("bidhaa nzuri sana, ninaipenda", "good"), ("nzuri kabisa, furaha tele", "good"), ("mbaya sana, imeharibika", "bad"), ("haifai, mbaya kabisa", "bad"),
    ];

    [Theory]
    [InlineData("nzuri! furaha", "good")]
    [InlineData("mbaya, haifai", "bad")]
    public void Classify_Text_IsTheLikelierLabel(string text, string label) => new NaiveBayesClassifier(Examples).Classify(text).ShouldBe(label);

    [Fact]
    public void Classify_ExamplesInAnotherOrder_GivesTheSame()
    {
        var turned = new NaiveBayesClassifier([.. Examples.Reverse()]);
        var straight = new NaiveBayesClassifier(Examples);
        foreach (var (text, _) in Examples) turned.Classify(text).ShouldBe(straight.Classify(text));
        turned.Labels.ShouldBe(["bad", "good"]);
    }

    [Fact]
    public void Classify_UnknownText_FollowsTheCommonerLabel() =>
        new NaiveBayesClassifier([.. Examples, ("safi", "good")]).Classify("777").ShouldBe("good");

    [Fact]
    public void Build_NoExamples_Throws() => Should.Throw<ArgumentException>(() => new NaiveBayesClassifier([]));

    [Fact]
    public void Of_Values_HasMeanAndSampleDeviation()
    {
        Summary.Of([2, 4, 4, 4, 5, 5, 7, 9]).ShouldBe(new Summary(8, 5, Math.Sqrt(32.0 / 7)));
        Summary.Of([3]).ShouldBe(new Summary(1, 3, 0));
        Summary.Of([]).Mean.ShouldBe(double.NaN);
    }
}
