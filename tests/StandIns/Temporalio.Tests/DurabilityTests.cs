using System.Collections.Concurrent;
using System.Text.Json;
using Temporalio.Activities;
using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Exceptions;
using Temporalio.Worker;
using Temporalio.Workflows;
using XInstruct.Cli.Chaos;

namespace Temporalio.Tests;

/// <summary>An activity that counts to ten, remembers how far it is in its heartbeats, and can be lost on its way.</summary>
public sealed class CountingActivities
{
    public ConcurrentQueue<int> From { get; } = new();

    public TaskCompletionSource Reached { get; } = new();

    public Action Begun { get; init; } = () => { };

    /// <summary>Set: the first attempt goes silent at five, as if its process had died.</summary>
    public bool LoseFirst { get; init; }

    [Activity]
    public async Task<int> CountAsync()
    {
        var context = ActivityExecutionContext.Current;
        var from = context.Info.HeartbeatDetails.Count > 0 ? await context.Info.HeartbeatDetailAtAsync<int>(0) : 0;
        From.Enqueue(from);
        Begun();
        for (var i = from; i < 10; i++)
        {
            context.Heartbeat(i);
            await Task.Delay(TimeSpan.FromMilliseconds(i == 5 ? 1500 : 20));
            if (LoseFirst && i == 5 && context.Info.Attempt == 1)
            {
                await Task.Delay(Timeout.Infinite, context.CancellationToken).WaitAsync(TimeSpan.FromSeconds(10))
                    .ContinueWith(_ => { }, TaskScheduler.Default);
                return -1;
            }
        }
        return context.Info.Attempt;
    }

    [Activity]
    public async Task<string> WaitForEndAsync()
    {
        var context = ActivityExecutionContext.Current;
        Reached.TrySetResult();
        while (!context.CancellationToken.IsCancellationRequested)
        {
            context.Heartbeat("alive");
            await Task.Delay(50);
        }
        From.Enqueue((int)context.CancelReason);
        context.CancellationToken.ThrowIfCancellationRequested();
        return "never";
    }
}

[Workflow]
public class CountingWorkflow
{
    [WorkflowRun]
    public async Task<int> RunAsync() => await Workflow.ExecuteActivityAsync((CountingActivities a) => a.CountAsync(), new()
    {
        StartToCloseTimeout = TimeSpan.FromSeconds(60),
        HeartbeatTimeout = TimeSpan.FromSeconds(2),
        RetryPolicy = new() { InitialInterval = TimeSpan.FromMilliseconds(10) },
    });
}

[Workflow]
public class RarelyBeatingWorkflow
{
    [WorkflowRun]
    public async Task<int> RunAsync() => await Workflow.ExecuteActivityAsync((CountingActivities a) => a.CountAsync(), new()
    {
        StartToCloseTimeout = TimeSpan.FromHours(2),
        HeartbeatTimeout = TimeSpan.FromHours(1),
        RetryPolicy = new() { InitialInterval = TimeSpan.FromMilliseconds(10) },
    });
}

[Workflow]
public class CancelingActivityWorkflow
{
    [WorkflowRun]
    public async Task<string> RunAsync(ActivityCancellationType type)
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Workflow.CancellationToken);
        var waiting = Workflow.ExecuteActivityAsync((CountingActivities a) => a.WaitForEndAsync(), new()
        {
            StartToCloseTimeout = TimeSpan.FromSeconds(60),
            HeartbeatTimeout = TimeSpan.FromSeconds(2),
            CancellationType = type,
            CancellationToken = source.Token,
        });
        await Workflow.DelayAsync(TimeSpan.FromMilliseconds(300));
        source.Cancel();
        try
        {
            return await waiting;
        }
        catch (ActivityFailureException e) when (e.InnerException is CanceledFailureException)
        {
            return "cancelled";
        }
    }
}

/// <summary>Steps that only signals drive, with random numbers, ids and times that a replay must give again.</summary>
[Workflow]
public class SteppingWorkflow
{
    private readonly List<string> steps = [];
    private int wanted;
    private bool done;

    [WorkflowQuery]
    public IReadOnlyList<string> Steps => steps;

    [WorkflowRun]
    public async Task<IReadOnlyList<string>> RunAsync()
    {
        while (true)
        {
            await Workflow.WaitConditionAsync(() => done || wanted > steps.Count);
            if (done)
            {
                return steps;
            }
            await Workflow.ExecuteActivityAsync((GreetingActivities a) => a.Add(wanted, 1), new() { StartToCloseTimeout = TimeSpan.FromSeconds(20) });
            steps.Add($"{Workflow.NewGuid()} {Workflow.Random.Next(1000)} {Workflow.UtcNow:O} {Workflow.CurrentHistoryLength}");
        }
    }

    [WorkflowSignal]
    public Task StepAsync()
    {
        wanted++;
        return Task.CompletedTask;
    }

    [WorkflowSignal]
    public Task EndAsync()
    {
        done = true;
        return Task.CompletedTask;
    }
}

public sealed class DurabilityTests(EnvironmentFixture fixture) : WorkflowTest(fixture)
{
    [Fact]
    public async Task Heartbeat_AfterALostAttempt_GivesDetailsToTheNext()
    {
        var activities = new CountingActivities { LoseFirst = true };
        await RunAsync(WorkerOptions(typeof(CountingWorkflow)).AddAllActivities(activities), async () =>
            (await Client.ExecuteWorkflowAsync((CountingWorkflow w) => w.RunAsync(), Options())).ShouldBe(2));
        activities.From.First().ShouldBe(0);
        activities.From.Last().ShouldBeInRange(1, 5);
    }

    [Theory]
    [InlineData(ActivityCancellationType.TryCancel)]
    [InlineData(ActivityCancellationType.WaitCancellationCompleted)]
    public async Task Cancel_RunningActivity_ComesWithAHeartbeat(ActivityCancellationType type)
    {
        var activities = new CountingActivities();
        await RunAsync(WorkerOptions(typeof(CancelingActivityWorkflow)).AddAllActivities(activities), async () =>
        {
            (await Client.ExecuteWorkflowAsync((CancelingActivityWorkflow w) => w.RunAsync(type), Options())).ShouldBe("cancelled");
            await EventuallyAsync(() => Task.FromResult(activities.From.Count == 1));
        });
        // When the workflow did not wait it is closed by then, and its activity gone instead of cancelled.
        activities.From.Single().ShouldBeOneOf(type == ActivityCancellationType.TryCancel
            ? [(int)ActivityCancelReason.CancelRequested, (int)ActivityCancelReason.GoneFromServer]
            : [(int)ActivityCancelReason.CancelRequested]);
    }

    [Fact]
    public async Task Shutdown_OfAWorker_HandsItsActivityToAnother()
    {
        var first = new CountingActivities();
        var options = WorkerOptions(typeof(WorkerShutdownWorkflow)).AddAllActivities(first);
        using var stop = new CancellationTokenSource();
        using var worker = new TemporalWorker(Client, options);
        var running = worker.ExecuteAsync(stop.Token);
        var handle = await Client.StartWorkflowAsync((WorkerShutdownWorkflow w) => w.RunAsync(), Options());
        await first.Reached.Task;
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => running);
        first.From.ShouldBe([(int)ActivityCancelReason.WorkerShutdown]);

        await RunAsync(
            WorkerOptions(typeof(WorkerShutdownWorkflow)).AddActivity(ActivityDefinition.Create(
                "WaitForEnd", typeof(string), [], 0, _ => "taken over")),
            async () => (await handle.GetResultAsync()).ShouldBe("taken over"));
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1)]
    [InlineData(0)]
    public Task Replay_AfterEviction_GivesTheSameSteps(int cached)
    {
        var options = WorkerOptions(typeof(SteppingWorkflow)).AddAllActivities(new GreetingActivities());
        options.MaxCachedWorkflows = cached;
        options.MaxConcurrentWorkflowTasks = cached == 0 ? 1 : 10;
        return RunAsync(options, async () =>
        {
            var handles = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ =>
                Client.StartWorkflowAsync((SteppingWorkflow w) => w.RunAsync(), Options())));
            var seen = new List<string>[3] { [], [], [] };
            for (var step = 1; step <= 4; step++)
            {
                for (var i = 0; i < 3; i++)
                {
                    var handle = handles[i];
                    await handle.SignalAsync(w => w.StepAsync());
                    IReadOnlyList<string> steps = [];
                    await EventuallyAsync(async () => (steps = await handle.QueryAsync(w => w.Steps)).Count == step);
                    steps.Take(step - 1).ShouldBe(seen[i]);
                    seen[i] = [.. steps];
                }
            }
            for (var i = 0; i < 3; i++)
            {
                await handles[i].SignalAsync(w => w.EndAsync());
                (await handles[i].GetResultAsync()).ShouldBe(seen[i]);
            }
            await new WorkflowReplayer(new WorkflowReplayerOptions().AddWorkflow<SteppingWorkflow>())
                .ReplayWorkflowAsync(await handles[0].FetchHistoryAsync());
        });
    }

    [Fact]
    public async Task TwoWorkers_TakeOverFromEachOther()
    {
        var handle = await Client.StartWorkflowAsync((SteppingWorkflow w) => w.RunAsync(), Options());
        for (var round = 1; round <= 3; round++)
        {
            var step = round;
            await RunAsync(WorkerOptions(typeof(SteppingWorkflow)).AddAllActivities(new GreetingActivities()), async () =>
            {
                await handle.SignalAsync(w => w.StepAsync());
                await EventuallyAsync(async () => (await handle.QueryAsync(w => w.Steps)).Count == step);
            });
        }
        await RunAsync(WorkerOptions(typeof(SteppingWorkflow)), async () =>
        {
            await handle.SignalAsync(w => w.EndAsync());
            (await handle.GetResultAsync()).Count.ShouldBe(3);
        });
    }

    [Fact]
    public async Task Kill_OfAWorkerProcess_LosesNothing()
    {
        var stepping = await Client.StartWorkflowAsync((SteppingWorkflow w) => w.RunAsync(), Options());
        var counting = await Client.StartWorkflowAsync((CountingWorkflow w) => w.RunAsync(), Options());
        var rare = await Client.StartWorkflowAsync((RarelyBeatingWorkflow w) => w.RunAsync(), Options());
        using var process = await WorkerProcess.StartAsync(Client, Queue, activities: 2);
        try
        {
            await stepping.SignalAsync(w => w.StepAsync());
            await EventuallyAsync(async () => (await stepping.QueryAsync(w => w.Steps)).Count == 1);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
        var activities = new CountingActivities();
        var options = WorkerOptions(typeof(SteppingWorkflow), typeof(CountingWorkflow), typeof(RarelyBeatingWorkflow))
            .AddAllActivities(new GreetingActivities()).AddAllActivities(activities);
        await RunAsync(options, async () =>
        {
            // A process that is gone from this machine is not waited for as one that is out of reach.
            (await rare.GetResultAsync().WaitAsync(TimeSpan.FromMinutes(5))).ShouldBe(2);
            await stepping.SignalAsync(w => w.StepAsync());
            await EventuallyAsync(async () => (await stepping.QueryAsync(w => w.Steps)).Count == 2);
            await stepping.SignalAsync(w => w.EndAsync());
            (await stepping.GetResultAsync()).Count.ShouldBe(2);
            (await counting.GetResultAsync()).ShouldBe(2);
        });
        activities.From.Count.ShouldBe(2);
    }

    [Fact]
    public Task Database_ThatDropsAllConnections_DisturbsNobody() => RunAsync(
        WorkerOptions(typeof(GreetingWorkflow), typeof(SteppingWorkflow)).AddAllActivities(new GreetingActivities()),
        async () =>
        {
            var handle = await Client.StartWorkflowAsync((SteppingWorkflow w) => w.RunAsync(), Options());
            for (var round = 1; round <= 4; round++)
            {
                var step = round;
                var running = Task.WhenAll(Enumerable.Range(0, 10).Select(i =>
                    Client.ExecuteWorkflowAsync((GreetingWorkflow w) => w.RunAsync($"{i}"), Options())));
                await EnvironmentFixture.DropConnectionsAsync();
                await handle.SignalAsync(w => w.StepAsync());
                await EventuallyAsync(async () => (await handle.QueryAsync(w => w.Steps)).Count == step);
                (await running).Length.ShouldBe(10);
            }
            await handle.SignalAsync(w => w.EndAsync());
            (await handle.GetResultAsync()).Count.ShouldBe(4);
        });

    [Fact]
    public async Task Connect_EveryAnswerLost_AsksAFewTimesBeforeItSaysSo()
    {
        await using var relay = new PostgresRelay(EnvironmentFixture.Server, seed: 1) { Losses = 1 };
        try
        {
            await using var environment = await EnvironmentFixture.StartLosingAsync(relay);
            // The package's own server asks another database.
            relay.Lost.ShouldBe(0);
        }
        catch (InvalidOperationException e)
        {
            e.Message.ShouldStartWith("Connection failed: ");
            // The driver may ask twice to connect once.
            relay.Lost.ShouldBeGreaterThan(2);
        }
    }

    [Fact]
    public async Task Database_WhoseAnswersAreLost_CostsNoTaskItsTimeOut()
    {
        await using var relay = new PostgresRelay(EnvironmentFixture.Server, seed: 1);
        await using var environment = await EnvironmentFixture.StartLosingAsync(relay);
        relay.Losses = 0.1;
        relay.Cut();
        using var worker = new TemporalWorker(environment.Client, WorkerOptions(typeof(GreetingWorkflow)).AddAllActivities(new GreetingActivities()));
        await worker.ExecuteAsync(async () =>
        {
            var handles = await Task.WhenAll(Enumerable.Range(0, 30).Select(i =>
            {
                var options = Options();
                options.TaskTimeout = TimeSpan.FromMinutes(5);
                return environment.Client.StartWorkflowAsync((GreetingWorkflow w) => w.RunAsync($"{i}"), options);
            }));
            await Task.WhenAll(handles.Select(h => h.GetResultAsync())).WaitAsync(TimeSpan.FromMinutes(2));
            foreach (var handle in handles)
            {
                using var history = JsonDocument.Parse((await handle.FetchHistoryAsync()).ToJson());
                var attempts = history.RootElement.GetProperty("events").EnumerateArray()
                    .Where(e => e.GetProperty("eventType").GetString() == "EVENT_TYPE_ACTIVITY_TASK_STARTED")
                    .Select(e => e.GetProperty("activityTaskStartedEventAttributes").GetProperty("attempt").GetInt32()).ToList();
                attempts.Count.ShouldBe(10);
                attempts.ShouldAllBe(a => a == 1);
            }
        });
        relay.Losses = 0;
    }

    [Fact]
    public Task ManyWorkflows_OnTwoWorkers_AllComplete() => RunAsync(
        WorkerOptions(typeof(GreetingWorkflow)).AddAllActivities(new GreetingActivities()),
        () => RunAsync(WorkerOptions(typeof(GreetingWorkflow)).AddAllActivities(new GreetingActivities()), async () =>
        {
            var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
                Client.ExecuteWorkflowAsync((GreetingWorkflow w) => w.RunAsync($"{i}"), Options())));
            results.Select((r, i) => r == $"SÆL, {i} 5 6 10,11,12,13,14").ShouldAllBe(equal => equal);
        }));
}

[Workflow]
public class WorkerShutdownWorkflow
{
    [WorkflowRun]
    public async Task<string> RunAsync() => await Workflow.ExecuteActivityAsync((CountingActivities a) => a.WaitForEndAsync(), new()
    {
        StartToCloseTimeout = TimeSpan.FromSeconds(60),
        RetryPolicy = new() { InitialInterval = TimeSpan.FromMilliseconds(10) },
    });
}
