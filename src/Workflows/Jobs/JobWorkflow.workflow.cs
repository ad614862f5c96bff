using Temporalio.Workflows;

namespace XInstruct.Workflows.Jobs;

/// <summary>How far a job is.</summary>
/// <param name="Stage">The stage under way: start, one of the job's, end or done.</param>
/// <param name="Number">Number of that stage, from 1.</param>
/// <param name="Stages">How many there are.</param>
/// <param name="Parts">Parts of that stage.</param>
/// <param name="Done">So many of them are done.</param>
public sealed record JobState(string Stage, int Number, int Stages, int Parts, int Done);

/// <summary>A job, and where it goes on after its history was cut.</summary>
/// <param name="Job">The job.</param>
/// <param name="Stages">Its stages; null at the beginning.</param>
/// <param name="Next">The stage under way.</param>
public sealed record JobRun(JobInput Job, IReadOnlyList<JobStage>? Stages = null, int Next = 0);

/// <summary>Runs a job: its stages in order, the parts of each side by side. A cursor, never data, goes over continue-as-new.</summary>
[Workflow]
public sealed class JobWorkflow
{
    // More than the workers of a team do at once; fewer than a history should hold as pending.
    private const int Window = 64;

    private readonly JobRun _run;

    [WorkflowInit]
    public JobWorkflow(JobRun run) => _run = run;

    /// <summary>How far the job is.</summary>
    [WorkflowQuery]
    public JobState Progress { get; private set; } = new("start", 0, 0, 0, 0);

    [WorkflowRun]
    public async Task<string> RunAsync(JobRun run)
    {
        var stages = _run.Stages ?? await Workflow.ExecuteActivityAsync((IJobActivities a) => a.StartJobAsync(_run.Job), ActivityDefaults.Cpu);
        for (var i = _run.Next; i < stages.Count; i++)
        {
            var stage = new JobStageInput(_run.Job, stages[i].Name);
            Progress = new JobState(stage.Stage, i + 1, stages.Count, 0, 0);
            var state = await Workflow.ExecuteActivityAsync((IJobActivities a) => a.OpenStageAsync(stage), ActivityDefaults.Cpu);
            Progress = Progress with { Parts = state.Parts, Done = state.Done };
            if (!await WorkAsync(stage, stages[i].Queue, state)) throw GoOn(stages, i);
            await Workflow.ExecuteActivityAsync((IJobActivities a) => a.EndStageAsync(stage), ActivityDefaults.Cpu);
        }

        Progress = new JobState("end", stages.Count, stages.Count, 0, 0);
        var result = await Workflow.ExecuteActivityAsync((IJobActivities a) => a.EndJobAsync(_run.Job), ActivityDefaults.Cpu);
        Progress = Progress with { Stage = "done" };
        return result;
    }

    private ContinueAsNewException GoOn(IReadOnlyList<JobStage> stages, int next)
    {
        var rest = _run with { Stages = stages, Next = next };
        return Workflow.CreateContinueAsNewException((JobWorkflow w) => w.RunAsync(rest));
    }

    /// <summary>Works on the parts that are not done; false when the history has become long and some are left.</summary>
    private async Task<bool> WorkAsync(JobStageInput stage, string queue, JobStageState state)
    {
        var running = new Queue<Task>();
        for (var (next, done) = (state.Done, state.Done); done < state.Parts; done++)
        {
            while (next < state.Parts && running.Count < Window && !Workflow.ContinueAsNewSuggested)
            {
                var part = new JobPartInput(_run.Job, stage.Stage, next++);
                running.Enqueue(Workflow.ExecuteActivityAsync((IJobActivities a) => a.WorkOnPartAsync(part), ActivityDefaults.On(queue)));
            }

            if (running.Count == 0) return false;
            await running.Dequeue();
            Progress = Progress with { Done = done + 1 };
        }

        return true;
    }
}
