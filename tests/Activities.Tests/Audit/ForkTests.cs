using XInstruct.Activities.Audit;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Workflows.Runs;

namespace XInstruct.Activities.Tests.Audit;

/// <summary>Runs that begin with what another one did.</summary>
public sealed class ForkTests : IAsyncLifetime
{
    private AuditedRuns _runs = null!;

    public async Task InitializeAsync() => _runs = await AuditedRuns.CreateAsync(new MadeUp("a", Rerated: true));

    public async Task DisposeAsync() => await _runs.DisposeAsync();

    [Theory]
    [InlineData("generate", 1)]
    [InlineData("rate", 2)]
    [InlineData("keep", 3)]
    public async Task Fork_FromAStage_BeginsWithTheSameContentAndPaysNothing(string from, int events)
    {
        var input = await RecipeAsync("fork", r => r.Refine.Keep = [0.9]);
        (await _runs.Get<RunForker>().ForkAsync("a", from, input, default)).ShouldBe((8 * events) + 2);
        (await _runs.Get<RunForker>().ForkAsync("a", from, input, default)).ShouldBe(0);
        var log = _runs.Get<EventLog>();
        foreach (var sample in new[] { AuditedRuns.Sample("sw", 0), AuditedRuns.Sample("th", 3) })
        {
            var (before, after) = (await log.ReadStreamAsync(Identity.Stream("a", sample), default), await log.ReadStreamAsync(Identity.Stream("fork", sample), default));
            after.Count.ShouldBe(events);
            after.Select(e => (e.Type, e.Header(EventHeaders.Content), e.Header(EventHeaders.Act), e.Header(EventHeaders.Seed), e.Header(EventHeaders.Origin)))
                .ShouldBe(before.Take(events).Select(e => (e.Type, e.Header(EventHeaders.Content), e.Header(EventHeaders.Act), e.Header(EventHeaders.Seed), e.Header(EventHeaders.Record))));
            after.ShouldAllBe(e => e.Header(EventHeaders.TokensIn) == null && e.Header(EventHeaders.Usd) == null);
        }

        var run = await _runs.Get<RunReader>().LoadAsync("fork", default);
        (run.Forked!.Parent, run.Forked.From).ShouldBe(("a", from));
        run.Forked.Recipe.ShouldBe((await _runs.Get<RunReader>().LoadAsync("a", default)).Recipe);
        (await _runs.Get<AuditVerifier>().VerifyAsync("fork", default)).Findings.ShouldBeEmpty();
        // It is there already, and is no fork from another stage.
        (await Should.ThrowAsync<ForkException>(() => _runs.Get<RunForker>().ForkAsync("a", from == "rate" ? "keep" : "rate", input, default))).Message.ShouldContain("--id");
    }

    [Theory]
    [InlineData("rate", "models.generator.maxTextTokens", "Fork from generate")]
    [InlineData("keep", "models.evaluator.maxTextTokens", "Fork from rate")]
    [InlineData("keep", "seed", "start a new run")]
    [InlineData("diversify", "", "--from keep")]
    public async Task Fork_RecipeThatChangesWhatWasDone_IsRefused(string from, string key, string remedy)
    {
        var input = await RecipeAsync("fork", r =>
        {
            if (key == "models.generator.maxTextTokens") r.Models.Generator.MaxTextTokens++;
            if (key == "models.evaluator.maxTextTokens") r.Models.Evaluator.MaxTextTokens++;
            if (key == "seed") r.Seed++;
        });
        var refused = await Should.ThrowAsync<ForkException>(() => _runs.Get<RunForker>().ForkAsync("a", from, input, default));
        refused.Message.ShouldContain(key);
        refused.Message.ShouldContain(remedy);
        (await _runs.Get<RunReader>().FindAsync("fork", default)).ShouldBeNull();
        (await Should.ThrowAsync<ForkException>(() => _runs.Get<RunForker>().ForkAsync("nosuch", from, input, default))).Message.ShouldContain("nosuch");
        (await Should.ThrowAsync<ForkException>(() => _runs.Get<RunForker>().ForkAsync("a", from, input with { Run = "a" }, default))).Message.ShouldContain("--id");
    }

    private async Task<RunInput> RecipeAsync(string run, Action<Recipe> change)
    {
        var contents = _runs.Get<Contents>();
        var document = RecipeDocument.Parse(await contents.ReadAsync((await _runs.Get<RunReader>().LoadAsync("a", default)).Recipe, default));
        change(document.Recipe);
        await using var session = _runs.Get<Marten.IDocumentStore>().LightweightSession();
        await contents.QueueAsync(session, [Content.Of(Guid.Empty, document.Json)], default);
        await session.SaveChangesAsync();
        return new RunInput(run, document.Hash);
    }
}
