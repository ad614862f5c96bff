using Temporalio.Activities;
using Temporalio.Client;
using Temporalio.Testing;
using Temporalio.Worker;
using Temporalio.Workflows;

namespace Temporalio.Tests;

[Workflow]
public class SleepingWorkflow
{
    private bool woken;

    [WorkflowQuery]
    public DateTime Began { get; private set; }

    [WorkflowRun]
    public async Task<double> RunAsync(double hours)
    {
        Began = Workflow.UtcNow;
        await Workflow.WaitConditionAsync(() => woken, TimeSpan.FromHours(hours));
        await Workflow.ExecuteActivityAsync((GreetingActivities a) => a.Add(1, 2), new() { StartToCloseTimeout = TimeSpan.FromSeconds(20) });
        return (Workflow.UtcNow - Began).TotalHours;
    }

    [WorkflowSignal]
    public Task WakeAsync()
    {
        woken = true;
        return Task.CompletedTask;
    }
}

[Collection(nameof(EnvironmentCollection))]
public sealed class TestingTests
{
    [Fact]
    public async Task TimeSkipping_DaysOfTimers_PassAtOnce()
    {
        await using var environment = await WorkflowEnvironment.StartTimeSkippingAsync();
        environment.SupportsTimeSkipping.ShouldBeTrue();
        var before = DateTime.UtcNow;
        using var worker = new TemporalWorker(
            environment.Client, new TemporalWorkerOptions("skip").AddWorkflow<SleepingWorkflow>().AddAllActivities(new GreetingActivities()));
        await worker.ExecuteAsync(async () =>
        {
            var hours = await environment.Client.ExecuteWorkflowAsync((SleepingWorkflow w) => w.RunAsync(72), new("a", "skip"));
            hours.ShouldBeInRange(72, 72.2);

            var handle = await environment.Client.StartWorkflowAsync((SleepingWorkflow w) => w.RunAsync(240), new("b", "skip"));
            await environment.DelayAsync(TimeSpan.FromHours(5));
            await handle.SignalAsync(w => w.WakeAsync());
            (await handle.GetResultAsync()).ShouldBeInRange(5, 5.2);
            ((await environment.GetCurrentTimeAsync()) - before).TotalHours.ShouldBeInRange(77, 77.5);
        });
        (DateTime.UtcNow - before).TotalMinutes.ShouldBeLessThan(5);
    }

    [Fact]
    public async Task ActivityEnvironment_GivesInfoHeartbeatsAndCancellation()
    {
        var beats = new List<object?>();
        var environment = new ActivityEnvironment
        {
            Info = ActivityEnvironment.DefaultInfo with
            {
                Attempt = 3,
                HeartbeatDetails = [Converters.DataConverter.Default.PayloadConverter.ToPayload(41)],
            },
            Heartbeater = details => beats.AddRange(details),
        };
        var result = await environment.RunAsync(async () =>
        {
            var context = ActivityExecutionContext.Current;
            context.Heartbeat("row", await context.Info.HeartbeatDetailAtAsync<int>(0) + 1);
            return context.Info.Attempt;
        });
        result.ShouldBe(3);
        beats.ShouldBe(["row", 42]);

        var waiting = environment.RunAsync(() => Task.Delay(Timeout.Infinite, ActivityExecutionContext.Current.CancellationToken));
        environment.Cancel(ActivityCancelReason.WorkerShutdown);
        await Should.ThrowAsync<OperationCanceledException>(() => waiting);
        environment.CancelReason.ShouldBe(ActivityCancelReason.WorkerShutdown);
        ActivityExecutionContext.HasCurrent.ShouldBeFalse();
        (await environment.RunAsync(() => GreetingActivities.Shout("á"))).ShouldBe("Á");
    }
}
