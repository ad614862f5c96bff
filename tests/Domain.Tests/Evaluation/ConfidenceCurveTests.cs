using XInstruct.Domain.Evaluation;

namespace XInstruct.Domain.Tests.Evaluation;

public sealed class ConfidenceCurveTests
{
    [Fact]
    public void Of_Labels_CountsTheSurestFirst()
    {
        // Twenty items: the five surest (0.9) are all right, of the next five (0.8) three, of the last ten (0.6) none.
        var curve = ConfidenceCurve.Of("m", "t", [.. Labels(10, 0.06, 0), .. Labels(5, 0.08, 3), .. Labels(5, 0.09, 5)])!;
        (curve.Items, curve.Chance).ShouldBe((20, 50));
        curve.At(25).ShouldBe(100, 1e-9);
        // Equally sure items count with the share of them that is right, whichever comes first.
        curve.At(30).ShouldBe(100 * 5.6 / 6, 1e-9);
        curve.At(50).ShouldBe(80, 1e-9);
        curve.At(100).ShouldBe(40, 1e-9);
        // Bins of two: 0.9 and right twice; 0.9, 0.8 and 1.6 right; 0.8 and 1.2 right twice; 0.6 and none right five times.
        curve.CalibrationError.ShouldBe(100 * ((0.2 * 2) + 0.1 + (0.4 * 2) + (1.2 * 5)) / 20, 1e-9);
    }

    [Fact]
    public void Of_Choices_TakesTheChosenOnesShareOfAll()
    {
        ItemScore Choice(int predicted, params double[] scores) => new() { Choices = ["a", "b", "c"], Scores = scores, Tokens = [1, 1, 1], Predicted = predicted, Answer = 0 };
        // e⁻¹ against 2e⁻³, and e⁻² against e⁻² and e⁻⁸: the first is surer though its answer is less probable than others' may be.
        var curve = ConfidenceCurve.Of("m", null, [Choice(1, -2, -2, -8), Choice(0, -1, -3, -3)])!;
        curve.At(50).ShouldBe(100);
        curve.At(100).ShouldBe(50);
        curve.Chance.ShouldBe(100 / 3.0, 1e-9);
        var (first, second) = (1 / (1 + (2 * Math.Exp(-2))), 1 / (2 + Math.Exp(-6)));
        curve.CalibrationError.ShouldBe(100 * (1 - first + second) / 2, 1e-9);
    }

    [Fact]
    public void Of_NoMassOnAnyLabel_IsAGuess() =>
        ConfidenceCurve.Of("m", null, [Label(0, 1, 0, 0)])!.CalibrationError.ShouldBe(50, 1e-9);

    [Fact]
    public void Of_NothingToChoose_IsNone() =>
        ConfidenceCurve.Of("m", null, [new ItemScore { Output = "a", Reference = "a" }, Label(0, 0, 1, 0) with { Error = "prompt-too-long" }]).ShouldBeNull();

    // Two labels of which the first is chosen with a tenth of the mass's share.
    private static IEnumerable<ItemScore> Labels(int count, double mass, int right) => Enumerable.Range(0, count).Select(i => Label(0, i < right ? 0 : 1, mass, 0.1 - mass));

    private static ItemScore Label(int predicted, int answer, params double[] masses) => new() { Choices = ["yes", "no"], Scores = masses, Predicted = predicted, Answer = answer };
}
