using XInstruct.Activities.Reports;
using XInstruct.Activities.Tests.Recipes;
using XInstruct.Activities.Truth;

namespace XInstruct.Activities.Tests.Truth;

public sealed class TruthComparisonTests : IDisposable
{
    private const string Recipe = RecipeFolder.Good + "truth: {path: 'truth/{lang}.jsonl', id: id, fields: [topic], spoilt: spoilt}\n";

    private readonly RecipeFolder _folder = new();

    public TruthComparisonTests()
    {
        foreach (var language in new[] { "sw", "th" })
        {
            _folder.Write($"truth/{language}.jsonl", """
                {"id":"a","topic":"food","spoilt":null}
                {"id":"b","topic":"farm"}
                {"id":"c","topic":"food","spoilt":"too-short"}
                {"id":"d","topic":"farm","spoilt":"duplicate"}
                """);
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Score_TwoIterations_CountsWhatStoodAtTheEndOfEach()
    {
        var truth = (await TruthComparison.LoadAsync(_folder.Load(Recipe), CancellationToken.None))!;
        var history = new RunHistory(
            [
                new TextHistory("sw", 0, "a") { Kept = { [0] = true }, Instructions = { [0] = "food" } },
                new TextHistory("sw", 1, "b") { Kept = { [1] = true }, Instructions = { [0] = "food", [1] = "farm" } },
                new TextHistory("sw", 2, "c") { Instructions = { [0] = "food" } },
                new TextHistory("th", 0, "a") { Kept = { [0] = true }, Instructions = { [0] = "farm" } },
                new TextHistory("th", 5, "unknown") { Instructions = { [0] = "food" } },
            ],
            new Dictionary<(string, long), string>());
        var result = new TruthResult(
            truth.Score(history, [0, 1], new Dictionary<string, string>(StringComparer.Ordinal) { ["food"] = "Write about food.", ["farm"] = "Write about a farm." }), null);
        // b is right only from iteration 1 on; c is spoilt, and nobody knows the row "unknown": both are wrong.
        result.Of(0, "sw").ShouldBe((1, 0.3333));
        result.Of(1, "sw").ShouldBe((1, 0.6667));
        result.Of(0, "th").ShouldBe((0, 0));
        result.Of(1, null).ShouldBe((0.6667, 0.4));
        result.Of(2, null).ShouldBe((null, null));
    }

    [Fact]
    public async Task Screen_RejectedRows_AreFoundByTheIdOfTheirCorpusRow()
    {
        var truth = (await TruthComparison.LoadAsync(_folder.Load(Recipe), CancellationToken.None))!;
        var history = new RunHistory(
            [new TextHistory("sw", 9, "a")],
            new Dictionary<(string, long), string> { [("sw", 3)] = "too-short", [("sw", 4)] = "too-short", [("sw", 5)] = "wrong-language", [("th", 3)] = "duplicate" });
        var keys = new Dictionary<long, string> { [3] = "c", [4] = "d", [5] = "b" };
        truth.Screen("sw", history, keys).ShouldBe(new ScreeningReport("sw", Spoilt: 2, Found: 1, Clean: 2, FalselyRejected: 1));
    }

    [Fact]
    public async Task LoadAsync_TruthGoneOrUnusable_SaysSoAndARecipeStillLoadsWithAWarning()
    {
        File.Delete(Path.Combine(_folder.Root, "truth/th.jsonl"));
        var loaded = _folder.Load(Recipe);
        loaded.Warnings.ShouldHaveSingleItem().Key.ShouldBe("truth.path");
        (await Should.ThrowAsync<TruthException>(() => TruthComparison.LoadAsync(loaded, CancellationToken.None))).Message.ShouldContain("th.jsonl");
        (await TruthComparison.LoadAsync(_folder.Load(RecipeFolder.Good), CancellationToken.None)).ShouldBeNull();
        _folder.Write("truth/th.jsonl", """{"id":"a","theme":"food"}""");
        _folder.Load(Recipe).Warnings.Select(w => w.Message).ShouldContain(m => m.Contains("no column 'topic'. Did you mean", StringComparison.Ordinal));
        _folder.Load(RecipeFolder.Good).Warnings.ShouldBeEmpty();
        _folder.Write("truth/th.jsonl", """{"id":"a","topic":"food"}""");
        _folder.Load(Recipe).Warnings.ShouldHaveSingleItem().Message.ShouldContain("th.jsonl has a column 'spoilt'");
    }
}
