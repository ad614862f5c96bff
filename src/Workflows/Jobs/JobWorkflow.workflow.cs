using Temporalio.Workflows;
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
public sealed class JobWorkflow
{
    // More than the workers of a team do at once; fewer than a history should hold as pending.
    private const int Window = 64;

    private readonly JobRun _run;
    private readonly PausedParts _paused = new("job");
    private JobState _state = new("start", 0, 0, 0, 0);

    [WorkflowInit]
    public JobWorkflow(JobRun run)
    {
        _run = run;
        if (run.Paused) _paused.Pause(new(null, null));
    }

    /// <summary>How far the job is.</summary>
    [WorkflowQuery]
    public JobState Progress => _state with { IsPaused = _paused.IsWhole };

    /// <summary>Holds back new parts; those that have begun end.</summary>
    [WorkflowUpdate]
    public Task PauseAsync(SteerInput input)
    {
        _paused.Pause(input.Part());
        return RecordAsync("pause", input);
    }

    [WorkflowUpdateValidator(nameof(PauseAsync))]
    public void ValidatePause(SteerInput input)
    {
        _paused.CheckWhole(input);
        _paused.CheckPause(input);
    }

    /// <summary>Lets a paused job go on.</summary>
    [WorkflowUpdate]
    public Task ResumeAsync(SteerInput input)
    {
        _paused.Resume(input);
        return RecordAsync("resume", input);
    }

    [WorkflowUpdateValidator(nameof(ResumeAsync))]
    public void ValidateResume(SteerInput input)
    {
        _paused.CheckWhole(input);
        _paused.CheckResume(input);
    }

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
                if (!Workflow.AllHandlersFinished) await Workflow.WaitConditionAsync(() => Workflow.AllHandlersFinished);
                throw GoOn(stages, i);
            }

            await Workflow.ExecuteActivityAsync((IJobActivities a) => a.EndStageAsync(stage), ActivityDefaults.Cpu);
        }

        _state = new JobState("end", stages.Count, stages.Count, 0, 0);
        var result = await Workflow.ExecuteActivityAsync((IJobActivities a) => a.EndJobAsync(_run.Job), ActivityDefaults.Cpu);
        _state = _state with { Stage = "done" };
        if (!Workflow.AllHandlersFinished) await Workflow.WaitConditionAsync(() => Workflow.AllHandlersFinished);
        return result;
    }

    private Task RecordAsync(string command, SteerInput input)
    {
        var record = new JobSteeringInput(_run.Job, input.Event(command, new(null, null), Workflow.CurrentUpdateInfo?.Id));
        return Workflow.ExecuteActivityAsync((IJobActivities a) => a.RecordJobSteeringAsync(record), ActivityDefaults.Cpu);
    }

    private ContinueAsNewException GoOn(IReadOnlyList<JobStage> stages, int next)
    {
        var rest = _run with { Stages = stages, Next = next, Paused = _paused.IsWhole };
        return Workflow.CreateContinueAsNewException((JobWorkflow w) => w.RunAsync(rest));
    }

    /// <summary>Works on the parts that are not done; false when the history has become long and some are left.</summary>
    private async Task<bool> WorkAsync(JobStageInput stage, string queue, JobStageState state)
    {
        var running = new Queue<Task>();
        for (var (next, done) = (state.Done, state.Done); done < state.Parts; done++)
        {
            if (_paused.IsWhole && running.Count == 0) await Workflow.WaitConditionAsync(() => !_paused.IsWhole);
            while (next < state.Parts && running.Count < Window && !Workflow.ContinueAsNewSuggested && !_paused.IsWhole)
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
