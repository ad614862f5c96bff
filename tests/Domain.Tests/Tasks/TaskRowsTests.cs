using XInstruct.Domain.Tasks;

namespace XInstruct.Domain.Tests.Tasks;

public sealed class TaskRowsTests
{
    private static readonly HashSet<string> None = [];

    [Fact]
    public void Check_EachTrap_IsToldWithItsRow()
    {
        TaskRow[] rows =
        [
            new(1, "Sentiment of: good", "positive", TaskRow.ChoicesOf("positive|||negative"), "reviews", "1"),
            new(2, "Sentiment of: bad", "negative.", TaskRow.ChoicesOf("positive|||negative"), "reviews", "2"),
            new(3, "Sentiment of: fine", "positive", TaskRow.ChoicesOf(""), "reviews", "3282.0"),
            new(4, "Sentiment of: poor}\n", "negative", TaskRow.ChoicesOf("negative|||negative"), "reviews", "1"),
            new(5, "Fill in: {\"colour\": {\"of\": \"sky\"}}", " ", [], "facts", "1"),
            new(6, "{ { plot } } is the plot", "x", [], "facts", "1.5"),
            new(7, "Is {a_note} good?", "", TaskRow.ChoicesOf("yes|||no"), "others", "1"),
        ];
        TaskRows.Check(rows, None).Select(p => (p.Row, p.Trap)).ShouldBe(
        [
            (1, TaskTrap.RepeatedId),
            (2, TaskTrap.AnswerNotAmongChoices),
            (3, TaskTrap.NoChoices),
            (3, TaskTrap.FractionalId),
            (4, TaskTrap.ChoicesAlike),
            (4, TaskTrap.RepeatedId),
            (4, TaskTrap.TemplateLeft),
            (5, TaskTrap.Empty),
            (6, TaskTrap.TemplateLeft),
            (7, TaskTrap.Empty),
            (7, TaskTrap.TemplateLeft),
        ]);
        TaskRows.Check(rows[..1], None).ShouldBeEmpty();
        TaskRows.Check(rows[4..5], new HashSet<string> { "facts" }).ShouldContain(p => p.Trap == TaskTrap.NoChoices);
    }
}
