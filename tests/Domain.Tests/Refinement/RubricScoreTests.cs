using XInstruct.Domain.Refinement;

namespace XInstruct.Domain.Tests.Refinement;

public sealed class RubricScoreTests
{
    [Theory]
    [InlineData("It fits.\nScore: 4", 4)]
    [InlineData("Score: 0", 0)]
    [InlineData("Why not.\r\n\r\n**Score: 5**\r\n", 5)]
    [InlineData("x\n  score = 3/5. ", 3)]
    [InlineData("x\n**Score:** 2", 2)]
    public void Parse_LastLineIsScore_IsRead(string reply, int points) => RubricScore.Parse(reply).ShouldBe(points);

    [Theory]
    [InlineData("")]
    [InlineData("Score: 5\nBut I may be wrong.")]
    [InlineData("The text says Score: 5")]
    [InlineData("Score: 6")]
    [InlineData("Score: 45")]
    [InlineData("Score: 4.5")]
    [InlineData("Score: -1")]
    [InlineData("Score: 4 of 10")]
    [InlineData("Score:\n4")]
    [InlineData("Underscore: 4")]
    public void Parse_NoScoreInLastLine_IsNull(string reply) => RubricScore.Parse(reply).ShouldBeNull();

    [Fact]
    public void Probabilities_AllPoints_AreSplitBetweenNeighboursAndAgreeWithTheLevel()
    {
        RubricScore.Probabilities(4).ShouldBe([0, 0.4, 0.6]);
        RubricScore.Probabilities(1).ShouldBe([0.6, 0.4, 0]);
        for (var points = 0; points <= RubricScore.Most; points++)
        {
            var p = RubricScore.Probabilities(points);
            p.Sum().ShouldBe(1, 1e-9);
            p.ToList().IndexOf(p.Max()).ShouldBe(RubricScore.Level(points));
        }
    }
}
