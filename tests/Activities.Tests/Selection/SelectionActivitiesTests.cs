using Marten;
using Temporalio.Testing;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Selection;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tests.Audit;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Selection;

namespace XInstruct.Activities.Tests.Selection;

/// <summary>What is kept and rejected of five texts: three are rated, of one the rating failed, of one the instruction.</summary>
public sealed class SelectionActivitiesTests : IAsyncLifetime
{
    private const string Id = "kept";

    // By text: its rating, worst to best; text 1 is the best, then 0.
    private static readonly double[][] Ratings = [[0, 0.2, 0.8], [0, 0.1, 0.9], [0.9, 0.1, 0]];
    private AuditedRuns _runs = null!;

    public async Task InitializeAsync() => _runs = await AuditedRuns.CreateAsync();

    public async Task DisposeAsync() => await _runs.DisposeAsync();

    [Fact]
    public async Task Keep_LastIteration_KeepsTheBestAndSaysWhyNotTheOthers()
    {
        var language = await RateAsync();
        var kept = await KeepAsync(new KeepInput(language, 0, IsLast: true));
        (kept.Rated, kept.Kept, kept.KeptInAll).ShouldBe((4, 2, 2));
        kept.Levels.ShouldBe([1, 0, 2]);
        (await EndsAsync()).ShouldBe(["kept 2", "kept 1", "not-kept", "not-rated", "no-instruction"]);
    }

    [Fact]
    public async Task Keep_WorkerDiedOnTheWay_GoesOnToTheSameEnd()
    {
        var language = await RateAsync();
        await EachAsync("keep", (s, i) => i == 1 ? s!.Keep(0, 1) : null);
        for (var attempt = 2; attempt < 4; attempt++)
        {
            (await KeepAsync(new KeepInput(language, 0, IsLast: true))).KeptInAll.ShouldBe(2);
            (await EndsAsync()).ShouldBe(["kept 2", "kept 1", "not-kept", "not-rated", "no-instruction"]);
        }
    }

    [Fact]
    public async Task Keep_LaterIteration_KeepsMoreBesideWhatStays()
    {
        var language = await RateAsync();
        await KeepAsync(new KeepInput(language, 0, IsLast: false));
        (await EndsAsync()).ShouldBe(["kept 2", "kept 1", "", "", ""]);
        await EachAsync("rate", (s, i) => i == 3 ? s!.Rate(1, 2, [0, 0.4, 0.6]) : null);
        var kept = await KeepAsync(new KeepInput(language, 1, IsLast: true));
        (kept.Rated, kept.Kept, kept.KeptInAll).ShouldBe((1, 1, 3));
        kept.Levels.ShouldBe([1, 0, 3]);
        (await EndsAsync()).ShouldBe(["kept 2", "kept 1", "not-kept", "kept 1", "no-instruction"]);
    }

    private Task<LanguageIteration> KeepAsync(KeepInput input) => new ActivityEnvironment().RunAsync(() => _runs.Get<SelectionActivities>().KeepAsync(input));

    // By text: how it ended. One event a text and end: a second one would be its last too.
    private async Task<IReadOnlyList<string>> EndsAsync()
    {
        await using var session = _runs.Get<IDocumentStore>().QuerySession();
        var ends = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            var events = (await session.Events.FetchStreamAsync(Identity.Stream(Id, AuditedRuns.Sample("sw", i)))).Select(e => e.Data).Where(e => e is SampleKept or SampleRejected).ToList();
            events.Count.ShouldBeLessThan(2);
            ends.Add(events.SingleOrDefault() switch { SampleKept e => $"kept {e.Rank}", SampleRejected e => e.Reason, _ => "" });
        }

        return ends;
    }

    private async Task<LanguageInput> RateAsync()
    {
        var options = new RefineOptions { Iterations = 1, Keep = [0.4, 0.6], Rank = Ranking.Evaluator, Regenerate = Regenerate.Unkept };
        var document = RecipeDocument.Of(new Recipe { Name = Id, Languages = ["sw"], Refine = options, Plan = new() { ShardSize = 1 } }, []);
        var (recipe, stream) = (Content.Of(Guid.Empty, document.Json), Identity.RunStream(Id));
        await _runs.Get<EventWriter>().WriteAsync<Run>(
            Id, new Act("start", "1"), [new Change<Run>(stream, stream, _ => new Fact(new RunStarted(Id, recipe.Hash, document.SettingsHash, ["sw"], []), [recipe]))], default);
        await EachAsync("ingest", (_, i) => new TextAccepted(AuditedRuns.Sample("sw", i), "sw", Guid.NewGuid(), i, null, ContentHash.Of("t"), 1, "profile"));
        await EachAsync("generate", (s, i) => i < 4 ? s!.Generate(0, ContentHash.Of($"Andika {i}."), -1, 2) : s!.FailGeneration(0, "empty"));
        await EachAsync("rate", (s, i) => i < 3 ? s!.Rate(0, Array.IndexOf(Ratings[i], Ratings[i].Max()), Ratings[i]) : i == 3 ? s!.FailRating(0, "unreadable") : null);
        var ids = Enumerable.Range(0, 5).Select(i => AuditedRuns.Sample("sw", i)).Order(Comparer<Guid>.Create(Identity.Compare));
        await _runs.Get<FileStore>().WriteWorkAsync(Id, "sw/plan.json", new SamplePlan([.. ids]), default);
        return new LanguageInput(new RunInput(Id, recipe.Hash), "sw");
    }

    private Task EachAsync(string stage, Func<Sample?, int, object?> decide) => _runs.Get<EventWriter>().WriteAsync(Id, new Act(stage, "1"), [.. Enumerable.Range(0, 5).Select(i => new Change<Sample>(
        Identity.Stream(Id, AuditedRuns.Sample("sw", i)), AuditedRuns.Sample("sw", i), s => decide(s, i) is { } e ? new Fact(e) : null))], default);
}
