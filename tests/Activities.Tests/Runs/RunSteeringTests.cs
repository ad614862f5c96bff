using Temporalio.Testing;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tests.Audit;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;
using XInstruct.Workflows.Runs;

namespace XInstruct.Activities.Tests.Runs;

/// <summary>What an intervention writes when its worker dies on the way.</summary>
public sealed class RunSteeringTests : IAsyncLifetime
{
    private const int Failed = 5;
    private readonly RunInput _run = new("failed", "");
    private AuditedRuns _runs = null!;

    public async Task InitializeAsync() => _runs = await AuditedRuns.CreateAsync();

    public async Task DisposeAsync() => await _runs.DisposeAsync();

    [Fact]
    public async Task Reopen_WorkerDiedOnTheWay_CountsWhatItHadOpened()
    {
        var run = await FailAsync();
        var retry = new RunSteered("retry", "ana", null, Request: "r-1", Iteration: 0, Reason: "timeout");
        var activity = ActivityEnvironment.DefaultInfo with { ActivityId = "7", WorkflowId = run.Run, WorkflowRunId = "w-1" };
        await Should.ThrowAsync<IOException>(() => new ActivityEnvironment { Info = activity }.RunAsync(() => ReopenAsync(_ => throw new IOException("dead"))));
        (await new ActivityEnvironment { Info = activity with { Attempt = 2 } }.RunAsync(() => ReopenAsync(_ => { }))).ShouldBe(Failed);
        (await new ActivityEnvironment { Info = activity with { Attempt = 3 } }.RunAsync(() => ReopenAsync(_ => { }))).ShouldBe(Failed);
        (await _runs.Get<RunReader>().LoadAsync(run.Run, default)).Steered.ShouldHaveSingleItem().Samples.ShouldBe(Failed);

        Task<int> ReopenAsync(Action<long> alive) => _runs.Get<RunSteering>().ReopenAsync(run, retry, alive, default);
    }

    /// <summary>A run whose samples all failed, in shards of two.</summary>
    private async Task<RunInput> FailAsync()
    {
        var document = RecipeDocument.Of(new Recipe { Name = "failed", Languages = ["sw"], Plan = new() { ShardSize = 2 } }, []);
        var (writer, recipe) = (_runs.Get<EventWriter>(), Content.Of(Guid.Empty, document.Json));
        var (stream, act) = (Identity.RunStream(_run.Run), new Act("start", "1"));
        await writer.WriteAsync<Run>(_run.Run, act, [new Change<Run>(stream, stream, _ => new Fact(new RunStarted("failed", recipe.Hash, document.SettingsHash, ["sw"], []), [recipe]))], default);
        var ids = Enumerable.Range(0, Failed).Select(i => AuditedRuns.Sample("sw", i)).Order(Comparer<Guid>.Create(Identity.Compare)).ToList();
        foreach (var e in new Func<Guid, object>[] { id => new TextAccepted(id, "sw", Guid.NewGuid(), 0, null, ContentHash.Of("t"), 1, "profile"), _ => new GenerationFailed(0, "timeout") })
            await writer.WriteAsync<Sample>(_run.Run, act, [.. ids.Select(id => new Change<Sample>(Identity.Stream(_run.Run, id), id, _ => new Fact(e(id))))], default);
        await _runs.Get<FileStore>().WriteWorkAsync(_run.Run, "sw/plan.json", new SamplePlan(ids), default);
        return _run with { Recipe = recipe.Hash };
    }
}
