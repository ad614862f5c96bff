using Temporalio.Activities;
using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace Temporalio.Tests;

public interface IGreetingActivities
{
    [Activity]
    Task<string> GreetAsync(string name);

    [Activity]
    int Add(int a, int b);

    [Activity]
    Task ForgetAsync();
}

public sealed class GreetingActivities : IGreetingActivities
{
    [Activity]
    public Task<string> GreetAsync(string name) => Task.FromResult($"Sæl, {name}");

    [Activity]
    public int Add(int a, int b) => a + b;

    [Activity]
    public Task ForgetAsync() => Task.CompletedTask;

    [Activity("renamed")]
    public static string Shout(string text) => text.ToUpperInvariant();
}

[Workflow]
public class GreetingWorkflow
{
    private static readonly ActivityOptions Call = new() { StartToCloseTimeout = TimeSpan.FromSeconds(30) };

    [WorkflowRun]
    public async Task<string> RunAsync(string name)
    {
        var greeting = await Workflow.ExecuteActivityAsync((IGreetingActivities a) => a.GreetAsync(name), Call);
        var sum = await Workflow.ExecuteActivityAsync((GreetingActivities a) => a.Add(2, 3), Call);
        await Workflow.ExecuteActivityAsync((IGreetingActivities a) => a.ForgetAsync(), Call);
        var loud = await Workflow.ExecuteActivityAsync(() => GreetingActivities.Shout(greeting), Call);
        var byName = await Workflow.ExecuteActivityAsync<int>("Add", [sum, 1], Call);
        var all = await Workflow.WhenAllAsync(Enumerable.Range(0, 5).Select(i =>
            Workflow.ExecuteActivityAsync((IGreetingActivities a) => a.Add(i, 10), Call)));
        return $"{loud} {sum} {byName} {string.Join(",", all)}";
    }
}

/// <summary>Activities that fail as they are told.</summary>
public sealed class FailingActivities
{
    private int calls;

    public int Calls => calls;

    [Activity]
    public async Task<int> FailAsync(string how, int succeedAt)
    {
        var context = ActivityExecutionContext.Current;
        var call = Interlocked.Increment(ref calls);
        if (context.Info.Attempt >= succeedAt)
        {
            return context.Info.Attempt;
        }
        switch (how)
        {
            case "plain":
                throw new InvalidOperationException($"plain {call}");
            case "final":
                throw new ApplicationFailureException("no key", "MissingKey", nonRetryable: true, details: ["OPENAI_API_KEY", 7]);
            case "typed":
                throw new ApplicationFailureException("bad row", "BadRow");
            case "later":
                throw new ApplicationFailureException("wait", nextRetryDelay: TimeSpan.FromMilliseconds(1));
            case "slow":
                await Task.Delay(TimeSpan.FromSeconds(10), context.CancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
                return -1;
            default:
                throw new NotSupportedException(how);
        }
    }
}

public sealed record FailingCall(string How, int SucceedAt, int Attempts = 0, double InitialSeconds = 0.01, string? Final = null,
    double? StartToClose = 20, double? ScheduleToClose = null, double? Heartbeat = null, double? ScheduleToStart = null, string? Queue = null);

[Workflow]
public class FailingWorkflow
{
    [WorkflowRun]
    public async Task<int> RunAsync(FailingCall call) =>
        await Workflow.ExecuteActivityAsync((FailingActivities a) => a.FailAsync(call.How, call.SucceedAt), new()
        {
            StartToCloseTimeout = Seconds(call.StartToClose),
            ScheduleToCloseTimeout = Seconds(call.ScheduleToClose),
            HeartbeatTimeout = Seconds(call.Heartbeat),
            ScheduleToStartTimeout = Seconds(call.ScheduleToStart),
            TaskQueue = call.Queue,
            RetryPolicy = new()
            {
                InitialInterval = TimeSpan.FromSeconds(call.InitialSeconds),
                MaximumAttempts = call.Attempts,
                NonRetryableErrorTypes = call.Final == null ? null : [call.Final],
            },
        });

    private static TimeSpan? Seconds(double? seconds) => seconds is { } s ? TimeSpan.FromSeconds(s) : null;
}

public sealed class ActivityTests(EnvironmentFixture fixture) : WorkflowTest(fixture)
{
    private readonly FailingActivities failing = new();

    [Fact]
    public Task Execute_EveryForm_ReturnsResults() =>
        RunAsync(WorkerOptions(typeof(GreetingWorkflow)).AddAllActivities(new GreetingActivities()), async () =>
            (await Client.ExecuteWorkflowAsync((GreetingWorkflow w) => w.RunAsync("Jón"), Options()))
                .ShouldBe("SÆL, JÓN 5 6 10,11,12,13,14"));

    [Theory]
    [InlineData("plain")]
    [InlineData("typed")]
    [InlineData("later")]
    public async Task Retry_UntilItSucceeds_GivesAttempt(string how) =>
        (await ExecuteAsync(new(how, 3, InitialSeconds: how == "later" ? 100 : 0.01))).ShouldBe(3);

    [Fact]
    public async Task Retry_AttemptsUsedUp_FailsWithLastError()
    {
        var failure = await FailureAsync(new("plain", 9, Attempts: 2));
        failure.RetryState.ShouldBe(RetryState.MaximumAttemptsReached);
        failure.ActivityType.ShouldBe("Fail");
        var inner = failure.InnerException.ShouldBeOfType<ApplicationFailureException>();
        inner.ErrorType.ShouldBe("InvalidOperationException");
        inner.Message.ShouldBe("plain 2");
        failing.Calls.ShouldBe(2);
    }

    [Fact]
    public async Task Retry_NonRetryable_KeepsDetails()
    {
        var failure = await FailureAsync(new("final", 9));
        failure.RetryState.ShouldBe(RetryState.NonRetryableFailure);
        var inner = failure.InnerException.ShouldBeOfType<ApplicationFailureException>();
        inner.NonRetryable.ShouldBeTrue();
        inner.ErrorType.ShouldBe("MissingKey");
        inner.Details.Count.ShouldBe(2);
        inner.Details.ElementAt<string>(0).ShouldBe("OPENAI_API_KEY");
        inner.Details.ElementAt<int>(1).ShouldBe(7);
        failing.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task Retry_TypeListedAsFinal_FailsAtOnce()
    {
        (await FailureAsync(new("typed", 9, Final: "BadRow"))).RetryState.ShouldBe(RetryState.NonRetryableFailure);
        failing.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task TimeOut_StartToClose_IsRetriedAndThenFails()
    {
        var failure = await FailureAsync(new("slow", 9, Attempts: 2, StartToClose: 0.3));
        failure.InnerException.ShouldBeOfType<TimeoutFailureException>().TimeoutType.ShouldBe(TimeoutType.StartToClose);
        failing.Calls.ShouldBe(2);
    }

    [Fact]
    public async Task TimeOut_ScheduleToClose_EndsAllAttempts()
    {
        var failure = await FailureAsync(new("slow", 9, StartToClose: null, ScheduleToClose: 0.5));
        failure.InnerException.ShouldBeOfType<TimeoutFailureException>().TimeoutType.ShouldBe(TimeoutType.ScheduleToClose);
        failing.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task TimeOut_ScheduleToStart_WithoutWorker_Fails()
    {
        var failure = await FailureAsync(new("plain", 1, ScheduleToStart: 0.3, Queue: "nobody-" + Queue));
        failure.InnerException.ShouldBeOfType<TimeoutFailureException>().TimeoutType.ShouldBe(TimeoutType.ScheduleToStart);
        failing.Calls.ShouldBe(0);
    }

    [Fact]
    public async Task TimeOut_Heartbeat_Fails()
    {
        var failure = await FailureAsync(new("slow", 9, Attempts: 1, Heartbeat: 0.4));
        failure.InnerException.ShouldBeOfType<TimeoutFailureException>().TimeoutType.ShouldBe(TimeoutType.Heartbeat);
    }

    private async Task<int> ExecuteAsync(FailingCall call)
    {
        var result = 0;
        await RunAsync(WorkerOptions(typeof(FailingWorkflow)).AddAllActivities(failing), async () =>
            result = await Client.ExecuteWorkflowAsync((FailingWorkflow w) => w.RunAsync(call), Options()));
        return result;
    }

    private async Task<ActivityFailureException> FailureAsync(FailingCall call)
    {
        var failure = await Should.ThrowAsync<WorkflowFailedException>(() => ExecuteAsync(call));
        return failure.InnerException.ShouldBeOfType<ActivityFailureException>();
    }
}
