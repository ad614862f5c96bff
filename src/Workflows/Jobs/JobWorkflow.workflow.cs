using Temporalio.Workflows;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Steering;

namespace XInstruct.Workflows.Jobs;

/// <summary>How far a job is.</summary>
/// <param name="Stage">The stage under way: start, one of the job's, end or done.</param>
/// <param name="Number">Number of that stage, from 1.</param>
/// <param name="Stages">How many there are.</param>
/// <param name="Parts">Parts of that stage.</param>
/// <param name="Done">So many of them are done.</param>
/// <param name="IsPaused">Whether new parts are held back.</param>
public sealed record JobState(string Stage, int Number, int Stages, int Parts, int Done, bool IsPaused = false);

/// <summary>A job, and where it goes on after its history was cut.</summary>
/// <param name="Job">The job.</param>
/// <param name="Stages">Its stages; null at the beginning.</param>
/// <param name="Next">The stage under way.</param>
/// <param name="Paused">Whether new parts are held back from the beginning.</param>
public sealed record JobRun(JobInput Job, IReadOnlyList<JobStage>? Stages = null, int Next = 0, bool Paused = false);

/// <summary>Runs a job: its stages in order, the parts of each side by side. A cursor, never data, goes over continue-as-new.</summary>
[Workflow]
public sealed class JobWorkflow : PausableWorkflow
{
    // More than the workers of a team do at once; fewer than a history should hold as pending.
    private const int Window = 64;

    private readonly JobRun _run;
    private JobState _state = new("start", 0, 0, 0, 0);

    [WorkflowInit]
    public JobWorkflow(JobRun run)
        : base("job")
    {
        _run = run;
        if (run.Paused) Hold();
    }

    /// <summary>How far the job is.</summary>
    [WorkflowQuery]
    public JobState Progress => _state with { IsPaused = IsHeld };

    [WorkflowRun]
    public async Task<string> RunAsync(JobRun run)
    {
        var stages = _run.Stages ?? await Workflow.ExecuteActivityAsync((IJobActivities a) => a.StartJobAsync(_run.Job), ActivityDefaults.Cpu);
        for (var i = _run.Next; i < stages.Count; i++)
        {
            var stage = new JobStageInput(_run.Job, stages[i].Name);
            _state = new JobState(stage.Stage, i + 1, stages.Count, 0, 0);
            var state = await Workflow.ExecuteActivityAsync((IJobActivities a) => a.OpenStageAsync(stage), ActivityDefaults.Cpu);
            _state = _state with { Parts = state.Parts, Done = state.Done };
            if (!await WorkAsync(stage, stages[i].Queue, state))
            {
                await EndHandlersAsync();
                throw GoOn(stages, i);
            }

            await Workflow.ExecuteActivityAsync((IJobActivities a) => a.EndStageAsync(stage), ActivityDefaults.Cpu);
        }

        _state = new JobState("end", stages.Count, stages.Count, 0, 0);
        var result = await Workflow.ExecuteActivityAsync((IJobActivities a) => a.EndJobAsync(_run.Job), ActivityDefaults.Cpu);
        _state = _state with { Stage = "done" };
        await EndHandlersAsync();
        return result;
    }

    /// <inheritdoc/>
    protected override Task RecordAsync(RunSteered command)
    {
        var record = new JobSteeringInput(_run.Job, command);
        return Workflow.ExecuteActivityAsync((IJobActivities a) => a.RecordJobSteeringAsync(record), ActivityDefaults.Cpu);
    }

    private ContinueAsNewException GoOn(IReadOnlyList<JobStage> stages, int next)
    {
        var rest = _run with { Stages = stages, Next = next, Paused = IsHeld };
        return Workflow.CreateContinueAsNewException((JobWorkflow w) => w.RunAsync(rest));
    }

    /// <summary>Works on the parts that are not done; false when the history has become long and some are left.</summary>
    private async Task<bool> WorkAsync(JobStageInput stage, string queue, JobStageState state)
    {
        var running = new Queue<Task>();
        for (var (next, done) = (state.Done, state.Done); done < state.Parts; done++)
        {
            if (running.Count == 0) await WaitWhileHeldAsync();
            while (next < state.Parts && running.Count < Window && !Workflow.ContinueAsNewSuggested && !IsHeld)
            {
                var part = new JobPartInput(_run.Job, stage.Stage, next++);
                running.Enqueue(Workflow.ExecuteActivityAsync((IJobActivities a) => a.WorkOnPartAsync(part), ActivityDefaults.On(queue)));
            }

            if (running.Count == 0) return false;
            await running.Dequeue();
            _state = _state with { Done = done + 1 };
        }

        return true;
    }
}
