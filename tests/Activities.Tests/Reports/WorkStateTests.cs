using Temporalio.Client;
using Temporalio.Worker;
using XInstruct.Activities.Reports;
using XInstruct.Workflows;

namespace XInstruct.Activities.Tests.Reports;

/// <summary>What is said of work that ends while it is looked at.</summary>
[Collection(nameof(WorkedStore))]
public sealed class WorkStateTests(WorkedStore worked)
{
    private readonly string _name = $"ended-{Guid.NewGuid():N}";

    [Fact]
    public async Task Read_EndedSinceItWasRead_IsReadAgain()
    {
        using var worker = new TemporalWorker(worked.Client, new TemporalWorkerOptions(TaskQueues.Cpu).AddWorkflow<StuckStage>().AddAllActivities(new StuckActivities()));
        await worker.ExecuteAsync(() => worked.Client.ExecuteWorkflowAsync((StuckStage w) => w.RunAsync(TaskQueues.Cpu), new(_name, TaskQueues.Cpu)));
        var (work, status, seconds) = await ReadAsync("before", "after");
        (work, status).ShouldBe(("after", "completed"));
        seconds.ShouldBeGreaterThan(0);
        // What had ended stays as it was read; what is gone in between too.
        (await ReadAsync("ended", null)).Work.ShouldBe("ended");
        (await ReadAsync("before", null)).Work.ShouldBe("before");
    }

    [Fact]
    public async Task Read_WorkflowThatTheEngineForgot_IsJudgedByItsEvents()
    {
        (await ReadAsync("ended", null)).ShouldBe(("ended", "completed", 0));
        (await ReadAsync("before", null)).ShouldBe(("before", "unknown", 0));
    }

    private Task<(string Work, string Status, double Seconds)> ReadAsync(string read, string? later) => WorkState.ReadAsync(
        worked.Client, _name, read, work => work == "ended", (name, _) => Task.FromResult(name == _name ? later : throw new InvalidOperationException(name)), default);
}
