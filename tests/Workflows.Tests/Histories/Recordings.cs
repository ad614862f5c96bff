using System.IO.Compression;
using Temporalio.Activities;
using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Worker;
using XInstruct.Workflows.Chains;
using XInstruct.Workflows.Jobs;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Tests.Jobs;
using XInstruct.Workflows.Training;

namespace XInstruct.Workflows.Tests.Histories;

/// <summary>
/// The ways that workflows take, each recorded once and for all: what has begun under one release goes on under the next. A way that a new release adds is
/// recorded beside the others; nothing that is there is recorded again. <c>XINSTRUCT_RECORD_HISTORIES=1</c> adds the files that are missing.
/// </summary>
internal sealed class Recordings(LocalEnvironment environment)
{
    /// <summary>Set to 1 to record what is missing.</summary>
    public const string Switch = "XINSTRUCT_RECORD_HISTORIES";

    // A history that was cut for its length has megabytes.
    private const int Large = 100_000;

    /// <summary>Where the files lie.</summary>
    public static string Folder { get; } = Path.Combine(global::XInstruct.Tests.SharedData.Root, "tests/Workflows.Tests/Histories");

    /// <summary>All recorded files, by name.</summary>
    public static IEnumerable<string> Files =>
        Directory.EnumerateFiles(Folder).Select(f => Path.GetFileName(f)).Where(f => f.EndsWith(".json", StringComparison.Ordinal) || f.EndsWith(".json.gz", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    /// <summary>Reads one.</summary>
    public static WorkflowHistory Read(string file)
    {
        using Stream stream = File.OpenRead(Path.Combine(Folder, file));
        using var reader = new StreamReader(file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(stream, CompressionMode.Decompress) : stream);
        return WorkflowHistory.FromJson(file.Split('.')[0], reader.ReadToEnd());
    }

    /// <summary>Every way, by the names of the files that it gives: the workflow's type and what happened to it.</summary>
    public IReadOnlyList<(string[] Names, Func<string, Task<IReadOnlyList<WorkflowHistory>>> Record)> Ways =>
    [
        (["XInstructionWorkflow.local", .. new[] { "scan", "accept", "generate", "rate", "embed" }.Select(s => $"LanguageWorkflow.{s}")], id => RunAsync(
            id, new ScriptedActivities { Shape = new(["sw", "th"], 1, 2, 2, NeedsTokenizer: true) }, null, "scan", "accept", "generate-1", "rate-1", "embed")),
        (["XInstructionWorkflow.endpoints", "LanguageWorkflow.generate-endpoint", "LanguageWorkflow.rate-endpoint"], id => RunAsync(
            id, new ScriptedActivities { Shape = new(["sw"], 1, 1, 2, false, true, true, true) }, null, "generate-0", "rate-0")),
        (["XInstructionWorkflow.embedder"], id => RunAsync(id, new ScriptedActivities { Shape = new(["sw"], 0, 1, 2, true, true, true) }, null)),
        (["XInstructionWorkflow.paused", "LanguageWorkflow.paused"], PausedAsync),
        (["XInstructionWorkflow.underway", "LanguageWorkflow.underway"], id => UnderWayAsync(id, h => Task.CompletedTask)),
        (["XInstructionWorkflow.canceled", "LanguageWorkflow.canceled"], id => UnderWayAsync(id, async h =>
        {
            await h.CancelAsync();
            await ((Task)h.GetResultAsync()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        })),
        (["XInstructionWorkflow.failed", "LanguageWorkflow.failed"], id =>
        {
            var activities = new ScriptedActivities();
            activities.Script["scan sw 1/0"] = () => throw new Temporalio.Exceptions.ApplicationFailureException("Too many.", FailureTypes.TooManyBadRows);
            return RunAsync(id, activities, null, "scan");
        }),
        (["XInstructionWorkflow.retried", "LanguageWorkflow.retried"], id =>
        {
            var (activities, left) = (new ScriptedActivities(), 2);
            activities.Script["rate sw 1/0 evaluator-0-0"] = () => Interlocked.Decrement(ref left) >= 0 ? throw new IOException("The server is away.") : Task.CompletedTask;
            activities.Script["release"] = () => Interlocked.Decrement(ref left) >= -2 ? throw new IOException("The server is away.") : Task.CompletedTask;
            return RunAsync(id, activities, null, "rate-0");
        }),
        (["XInstructionWorkflow.killed", "LanguageWorkflow.killed"], KilledAsync),
        (["LanguageWorkflow.cut", "LanguageWorkflow.continued"], CutStageAsync),
        (["JobWorkflow.stages"], id => JobAsync(id, new ScriptedJob { States = { ["read"] = new(3, 2), ["rate"] = new(2, 0), ["none"] = new(0, 0) } })),
        (["JobWorkflow.retried"], id =>
        {
            var left = 2;
            return JobAsync(id, new ScriptedJob
            {
                States = { ["read"] = new(2, 0) },
                Before = call => call == "read 1" && Interlocked.Decrement(ref left) >= 0 ? throw new IOException("The disk is away.") : Task.CompletedTask,
            });
        }),
        (["JobWorkflow.cut", "JobWorkflow.continued"], id => JobAsync(id, new ScriptedJob { States = { ["read"] = new(1, 0), ["rate"] = new(1500, 0) } }, isCut: true)),
        (["TrainingWorkflow.done"], id => TrainAsync(id, new ScriptedActivities())),
        (["TrainingWorkflow.failed"], id =>
        {
            var activities = new ScriptedActivities();
            activities.Script["tune recipe"] = () => throw new Temporalio.Exceptions.ApplicationFailureException("Out of memory.", FailureTypes.TrainingFailed);
            return TrainAsync(id, activities);
        }),
        (["ChainWorkflow.steps"], ChainAsync),
    ];

    /// <summary>Records the ways of which a file is missing.</summary>
    public async Task RecordAsync()
    {
        foreach (var (names, record) in Ways)
        {
            if (names.All(n => Files.Any(f => f.StartsWith(n + ".json", StringComparison.Ordinal)))) continue;
            foreach (var (name, history) in names.Zip(await record($"recorded-{Guid.NewGuid():N}"))) await WriteAsync(name, history.ToJson());
        }
    }

    private static async Task WriteAsync(string name, string json)
    {
        var path = Path.Combine(Folder, name + ".json");
        if (json.Length < Large)
        {
            await File.WriteAllTextAsync(path, json);
            return;
        }

        await using var stream = new GZipStream(File.Create(path + ".gz"), CompressionLevel.SmallestSize);
        await using var writer = new StreamWriter(stream);
        await writer.WriteAsync(json);
    }

    /// <summary>The run and the stages of its first language that are named.</summary>
    private async Task<IReadOnlyList<WorkflowHistory>> RunAsync(
        string id, ScriptedActivities activities, Func<WorkflowHandle<XInstructionWorkflow, RunResult>, Task>? during, params string[] stages)
    {
        await environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync(id);
            if (during is not null) await during(handle);
            await ((Task)handle.GetResultAsync()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        return await FetchAsync(Handles(id, activities, stages));
    }

    private Task<IReadOnlyList<WorkflowHistory>> PausedAsync(string id)
    {
        var activities = new ScriptedActivities { Shape = new(["sw"], 0, 1, 1, NeedsTokenizer: false), Shards = 3 };
        var gate = activities.Close("generate sw 0/0 generator-0-0");
        return RunAsync(
            id,
            activities,
            async handle =>
            {
                await gate.Reached;
                await handle.ExecuteUpdateAsync(w => w.PauseAsync(new("ana", "lunch")));
                await Should.ThrowAsync<Temporalio.Exceptions.WorkflowUpdateFailedException>(() => handle.ExecuteUpdateAsync(w => w.PauseAsync(new("ben", null))));
                gate.Open();
                var child = environment.Client.GetWorkflowHandle<LanguageWorkflow>($"{id}/sw/generate-0");
                await LocalEnvironment.EventuallyAsync(async () => await child.QueryAsync(w => w.Progress) is { IsPaused: true, ShardsDone: 1 });
                await handle.ExecuteUpdateAsync(w => w.ResumeAsync(new("ana", null)));
            },
            "generate-0");
    }

    private async Task<IReadOnlyList<WorkflowHistory>> UnderWayAsync(string id, Func<WorkflowHandle, Task> then)
    {
        var activities = new ScriptedActivities();
        var gate = activities.Close("generate sw 0/0 generator-0-0");
        IReadOnlyList<WorkflowHistory> histories = [];
        await environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync(id);
            await gate.Reached;
            await then(handle);
            histories = await FetchAsync(Handles(id, activities, ["generate-0"]));
            gate.Open();
            await ((Task)handle.GetResultAsync()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        return histories;
    }

    /// <summary>An activity whose worker is gone: it beats no more, and another attempt does its work. The workflows move to another worker meanwhile.</summary>
    private async Task<IReadOnlyList<WorkflowHistory>> KilledAsync(string id)
    {
        var (activities, lost) = (new ScriptedActivities(), new TaskCompletionSource());
        activities.Script["generate sw 0/0 generator-0-0"] = () => ActivityExecutionContext.Current.Info.Attempt > 1 ? Task.CompletedTask : Lose();
        await environment.ActAsync(activities, async () =>
        {
            var handle = await StartAsync(id);
            await environment.DecideAsync(() => lost.Task.WaitAsync(TimeSpan.FromMinutes(1)), typeof(XInstructionWorkflow), typeof(LanguageWorkflow));
            await environment.DecideAsync(() => handle.GetResultAsync(), typeof(XInstructionWorkflow), typeof(LanguageWorkflow));
        });
        return await FetchAsync(Handles(id, activities, ["generate-0"]));

        Task Lose()
        {
            lost.TrySetResult();
            return Task.Delay(Timeout.Infinite, ActivityExecutionContext.Current.CancellationToken);
        }
    }

    private async Task<IReadOnlyList<WorkflowHistory>> CutStageAsync(string id)
    {
        WorkflowHandle<LanguageWorkflow, ShardResult> handle = null!;
        var input = new StageInput(new(new("run", "recipe"), "sw"), Stage.Embed, 1500, 50, 1, [new ModelRef("generator-0", "m")]);
        await environment.WorkAsync(new ScriptedActivities(), async () =>
        {
            handle = await environment.Client.StartWorkflowAsync((LanguageWorkflow w) => w.RunAsync(input), new WorkflowOptions(id, TaskQueues.Cpu));
            await handle.GetResultAsync();
        });
        return await FetchAsync([environment.Client.GetWorkflowHandle(id, handle.ResultRunId), environment.Client.GetWorkflowHandle(id)]);
    }

    private async Task<IReadOnlyList<WorkflowHistory>> JobAsync(string id, ScriptedJob activities, bool isCut = false)
    {
        using var cpu = new TemporalWorker(environment.Client, new TemporalWorkerOptions(TaskQueues.Cpu).AddWorkflow<JobWorkflow>().AddAllActivities(activities));
        using var gpu = new TemporalWorker(environment.Client, new TemporalWorkerOptions(TaskQueues.Gpu).AddAllActivities(activities));
        var first = await cpu.ExecuteAsync(() => gpu.ExecuteAsync(async () =>
        {
            var handle = await environment.Client.StartWorkflowAsync((JobWorkflow w) => w.RunAsync(new JobRun(new JobInput(id, "kind", "recipe"))), new WorkflowOptions(id, TaskQueues.Cpu));
            await handle.GetResultAsync();
            return handle.ResultRunId;
        }));
        return await FetchAsync(isCut ? [environment.Client.GetWorkflowHandle(id, first), environment.Client.GetWorkflowHandle(id)] : [environment.Client.GetWorkflowHandle(id)]);
    }

    private async Task<IReadOnlyList<WorkflowHistory>> TrainAsync(string id, ScriptedActivities activities)
    {
        await environment.WorkAsync(activities, async () =>
        {
            var handle = await environment.Client.StartWorkflowAsync((TrainingWorkflow w) => w.RunAsync(new TuneInput(id, "recipe")), new WorkflowOptions(id, TaskQueues.Cpu));
            await ((Task)handle.GetResultAsync()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        return await FetchAsync([environment.Client.GetWorkflowHandle(id)]);
    }

    private async Task<IReadOnlyList<WorkflowHistory>> ChainAsync(string id)
    {
        var (steps, job, run) = (new ScriptedChain(), new ScriptedJob { States = { ["read"] = new(1, 0) } }, new ScriptedActivities { Shards = 1 });
        var options = new TemporalWorkerOptions(TaskQueues.Cpu).AddWorkflow<ChainWorkflow>().AddWorkflow<JobWorkflow>().AddAllActivities(steps).AddAllActivities(job);
        foreach (var workflow in new[] { typeof(XInstructionWorkflow), typeof(LanguageWorkflow), typeof(TrainingWorkflow) }) options.AddWorkflow(workflow);
        using var cpu = new TemporalWorker(environment.Client, options.AddAllActivities(run));
        using var gpu = new TemporalWorker(environment.Client, new TemporalWorkerOptions(TaskQueues.Gpu).AddAllActivities(run).AddAllActivities(job));
        await cpu.ExecuteAsync(() => gpu.ExecuteAsync(() =>
            environment.Client.ExecuteWorkflowAsync((ChainWorkflow w) => w.RunAsync(new ChainInput(id, "recipe")), new WorkflowOptions(id, TaskQueues.Cpu))));
        return await FetchAsync([environment.Client.GetWorkflowHandle(id)]);
    }

    private static async Task<IReadOnlyList<WorkflowHistory>> FetchAsync(IEnumerable<WorkflowHandle> handles)
    {
        var histories = new List<WorkflowHistory>();
        foreach (var handle in handles) histories.Add(await handle.FetchHistoryAsync());
        return histories;
    }

    private Task<WorkflowHandle<XInstructionWorkflow, RunResult>> StartAsync(string id) =>
        environment.Client.StartWorkflowAsync((XInstructionWorkflow w) => w.RunAsync(new RunInput(id, "recipe")), new WorkflowOptions(id, TaskQueues.Cpu));

    private IReadOnlyList<WorkflowHandle> Handles(string id, ScriptedActivities activities, IEnumerable<string> stages) =>
        [environment.Client.GetWorkflowHandle(id), .. stages.Select(s => environment.Client.GetWorkflowHandle($"{id}/{activities.Shape.Languages[0]}/{s}"))];
}

/// <summary>A chain of one step of each kind.</summary>
public sealed class ScriptedChain : IChainActivities
{
    [Activity]
    public Task<IReadOnlyList<string>> StartChainAsync(ChainInput input) => Task.FromResult<IReadOnlyList<string>>(["generate", "without", "evaluate"]);

    [Activity]
    public Task<ChainStep> PrepareStepAsync(ChainStepInput input)
    {
        var id = $"{input.Chain.Chain}-{input.Name}";
        return Task.FromResult(input.Name switch
        {
            "generate" => new ChainStep(input.Name, Run: new RunInput(id, "recipe")),
            "without" => new ChainStep(input.Name, Training: new TuneInput(id, "recipe")),
            _ => new ChainStep(input.Name, Job: new JobInput(id, "evaluate", "recipe")),
        });
    }

    [Activity]
    public Task<string> EndChainAsync(ChainEndInput input) => Task.FromResult($"tree of {input.Done.Count}");
}
