using System.Reflection;
using Temporalio.Exceptions;
using Temporalio.Worker;
using Temporalio.Workflows;
using XInstruct.Workflows.Jobs;
using XInstruct.Workflows.Languages;

namespace XInstruct.Workflows.Tests.Histories;

/// <summary>A job of a release that counts a stage's parts only after it has ended the one before twice.</summary>
[Workflow(nameof(JobWorkflow))]
public sealed class ChangedJobWorkflow
{
    [WorkflowRun]
    public async Task<string> RunAsync(JobRun run)
    {
        var stages = await Workflow.ExecuteActivityAsync((IJobActivities a) => a.StartJobAsync(run.Job), ActivityDefaults.Cpu);
        foreach (var stage in stages.Select(s => new JobStageInput(run.Job, s.Name)))
        {
            await Workflow.ExecuteActivityAsync((IJobActivities a) => a.EndStageAsync(stage), ActivityDefaults.Cpu);
        }

        return await Workflow.ExecuteActivityAsync((IJobActivities a) => a.EndJobAsync(run.Job), ActivityDefaults.Cpu);
    }
}

/// <summary>The same job with one step more, which runs that began without it go on without.</summary>
[Workflow(nameof(LanguageWorkflow))]
public sealed class PatchedStage
{
    [WorkflowRun]
    public async Task<ShardResult> RunAsync(StageInput input)
    {
        if (Workflow.Patched("waits-first")) await Workflow.DelayAsync(1);
        var shards = new List<Task<ShardResult>>();
        for (var shard = 0; shard < input.Shards; shard++)
        {
            var one = new ShardInput(input.Language, shard, input.Iteration, input.Models);
            shards.Add(Workflow.ExecuteActivityAsync((Corpora.ICorpusActivities a) => a.ScanShardAsync(one), ActivityDefaults.Cpu));
        }

        return (await Workflow.WhenAllAsync(shards)).Aggregate((a, b) => a.Add(b));
    }
}

/// <summary>What began under an earlier release goes on under this one.</summary>
[Collection(nameof(LocalEnvironment))]
public sealed class HistoryTests(LocalEnvironment environment)
{
    public static TheoryData<string> Recorded => [.. Recordings.Files];

    private static IReadOnlyList<Type> Workflows { get; } =
        [.. typeof(JobWorkflow).Assembly.GetTypes().Where(t => t.GetCustomAttribute<WorkflowAttribute>() is not null)];

    [Theory]
    [MemberData(nameof(Recorded))]
    public async Task Replay_RecordedHistory_TakesTheSameWay(string file)
    {
        var options = new WorkflowReplayerOptions();
        foreach (var workflow in Workflows) options.AddWorkflow(workflow);
        await new WorkflowReplayer(options).ReplayWorkflowAsync(Recordings.Read(file));
    }

    [Fact]
    public void Recorded_Files_CoverEveryWorkflowStageAndWay()
    {
        var names = Recordings.Files.Select(f => f.Replace(".json.gz", "").Replace(".json", "")).ToList();
        Workflows.Select(w => w.Name).Except(names.Select(n => n.Split('.')[0])).ShouldBeEmpty();
        Enum.GetNames<Stage>().Select(s => $"LanguageWorkflow.{s.ToLowerInvariant()}").Except(names).ShouldBeEmpty();
        new Recordings(environment).Ways.SelectMany(w => w.Names).Except(names).ShouldBeEmpty($"'{Recordings.Switch}=1 ./xinstruct test --filter HistoryTests' records them.");
    }

    [Fact]
    public async Task Replay_IncompatibleChange_Fails() => await Should.ThrowAsync<WorkflowNondeterminismException>(() =>
        new WorkflowReplayer(new WorkflowReplayerOptions().AddWorkflow<ChangedJobWorkflow>()).ReplayWorkflowAsync(Recordings.Read("JobWorkflow.stages.json")));

    [Fact]
    public Task Replay_PatchedChange_TakesTheOldWay() =>
        new WorkflowReplayer(new WorkflowReplayerOptions().AddWorkflow<PatchedStage>()).ReplayWorkflowAsync(Recordings.Read("LanguageWorkflow.scan.json"));

    [Fact]
    public Task Record_WhenAsked_AddsWhatIsMissing() =>
        Environment.GetEnvironmentVariable(Recordings.Switch) == "1" ? new Recordings(environment).RecordAsync() : Task.CompletedTask;
}
