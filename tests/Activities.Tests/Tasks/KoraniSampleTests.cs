using XInstruct.Activities.Tables;
using XInstruct.Domain.Tasks;
using XInstruct.Tests;
using Xunit.Abstractions;

namespace XInstruct.Activities.Tests.Tasks;

/// <summary>The traps of KORANI's published samples, which methods.md counts.</summary>
public sealed class KoraniSampleTests(ITestOutputHelper output)
{
    [SharedFact("data/korani")]
    public async Task Check_PublishedSamples_FindsTheirTraps()
    {
        var korean = await ReadAsync("sample_ko/train.csv");
        var koreanHeld = await ReadAsync("sample_ko/dev.csv");
        var (english, englishHeld) = (await ReadAsync("sample_en/train.csv"), await ReadAsync("sample_en/dev.csv"));
        new[] { korean.Count, koreanHeld.Count, english.Count, englishHeld.Count }.ShouldBe([1000, 200, 1000, 200]);
        new[] { koreanHeld, english, englishHeld }.Select(rows => rows.Count(row => row.Choices.Count > 0)).ShouldBe([98, 696, 143]);
        new[] { koreanHeld, english, englishHeld }.Select(rows => Count(rows, TaskTrap.AnswerNotAmongChoices)).ShouldBe([20, 5, 3]);
        Count(english, TaskTrap.FractionalId).ShouldBe(1000);
        // All choices of the Korean training file are missing; the other file knows which data sets have some.
        Count(korean, TaskTrap.NoChoices).ShouldBe(0);
        var classified = koreanHeld.Where(row => row.Choices.Count > 0).Select(row => row.Dataset).ToHashSet(StringComparer.Ordinal);
        TaskRows.Check(korean, classified).Count(p => p.Trap == TaskTrap.NoChoices).ShouldBeGreaterThan(300);
        Count(korean, TaskTrap.TemplateLeft).ShouldBeInRange(5, 9);
        foreach (var problem in TaskRows.Check(koreanHeld, classified).Take(5)) output.WriteLine(problem.ToString());
    }

    private static int Count(IReadOnlyList<TaskRow> rows, TaskTrap trap) => TaskRows.Check(rows, new HashSet<string>()).Count(p => p.Trap == trap);

    private static async Task<List<TaskRow>> ReadAsync(string file)
    {
        var rows = new List<TaskRow>();
        await foreach (var row in TableReader.ReadAsync(Path.Combine(SharedData.Folder, "data/korani", file), new TableReadOptions(), default))
        {
            string Column(string name) => row.Columns.ShouldNotBeNull(row.Problem).GetValueOrDefault(name, "");
            rows.Add(new TaskRow(row.Number + 1, Column("input"), Column("output"), TaskRow.ChoicesOf(Column("choices")), Column("dataset_name"), Column("id")));
        }

        return rows;
    }
}
