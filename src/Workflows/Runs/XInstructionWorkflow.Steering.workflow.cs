using Temporalio.Exceptions;
using Temporalio.Workflows;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Steering;

namespace XInstruct.Workflows.Runs;

/// <content>What people may do to a run while it is under way.</content>
public sealed partial class XInstructionWorkflow
{
    /// <summary>Holds back new work of a part, or of all; what is in flight ends.</summary>
    [WorkflowUpdate]
    public Task PauseAsync(SteerInput input)
    {
        _paused.Pause(input.Part());
        return SteerAsync("pause", [input.Part()], input);
    }

    [WorkflowUpdateValidator(nameof(PauseAsync))]
    public void ValidatePause(SteerInput input)
    {
        PausedParts.CheckPart(input, _shape.Languages);
        _paused.CheckPause(input);
    }

    /// <summary>Lets what was paused go on.</summary>
    [WorkflowUpdate]
    public Task ResumeAsync(SteerInput input) => SteerAsync("resume", _paused.Resume(input), input);

    [WorkflowUpdateValidator(nameof(ResumeAsync))]
    public void ValidateResume(SteerInput input)
    {
        PausedParts.CheckPart(input, _shape.Languages);
        _paused.CheckResume(input);
    }

    /// <summary>Sets what may change while the run is under way; shards that have not begun follow it.</summary>
    /// <returns>What is set now, by key.</returns>
    [WorkflowUpdate]
    public async Task<IReadOnlyDictionary<string, string>> SetAsync(SettingsInput input)
    {
        var values = Parse(input);
        var command = new RunSteered("set", input.Who, input.Why, values.Number("budget"), Request: Workflow.CurrentUpdateInfo?.Id, Set: values);
        var record = new RecordSteeringInput(_run, command);
        TakeUp(await Workflow.ExecuteActivityAsync((IRunActivities a) => a.RecordSettingsAsync(record), ActivityDefaults.Cpu));
        foreach (var id in _children.Keys.Order(StringComparer.Ordinal).ToList())
        {
            if (_children.TryGetValue(id, out var child)) await TellAsync(child.Handle);
        }

        return _settings.Values;
    }

    [WorkflowUpdateValidator(nameof(SetAsync))]
    public void ValidateSet(SettingsInput input)
    {
        CheckStarted();
        var late = Parse(input).Keys.FirstOrDefault(SteeredSettings.ChangesResults);
        if (late is not null && _iterations.Count > _shape.Iterations)
            throw new InvalidOperationException($"Run {_run.Run} generates and rates no more, it is at '{_phase}': {late} would change nothing. A run of its own can have it: xinstruct fork {_run.Run} RECIPE --from generate --set {late}=…");
    }

    /// <summary>Approves or rejects the iteration that waits.</summary>
    /// <returns>The iteration.</returns>
    [WorkflowUpdate]
    public async Task<int> DecideAsync(VerdictInput input)
    {
        // Nobody else decides on it while this verdict is written down.
        var iteration = _waitsFor!.Value;
        _waitsFor = null;
        var command = new RunSteered(input.IsApproved ? "approve" : "reject", input.Who, input.Why, Request: Workflow.CurrentUpdateInfo?.Id, Iteration: iteration);
        var record = new RecordSteeringInput(_run, command);
        await Workflow.ExecuteActivityAsync((IRunActivities a) => a.RecordSteeringAsync(record), ActivityDefaults.Cpu);
        _verdicts[iteration] = input.IsApproved;
        return iteration;
    }

    [WorkflowUpdateValidator(nameof(DecideAsync))]
    public void ValidateDecide(VerdictInput input)
    {
        CheckStarted();
        if (_waitsFor is not { } waits)
            throw new InvalidOperationException(_shape.Approve ? $"Run {_run.Run} waits for no verdict now: it is at '{_phase}'." : $"Run {_run.Run} waits for no verdict: its recipe does not say refine.approve: true.");
        if (input.Iteration is { } named && named != waits) throw new InvalidOperationException($"Run {_run.Run} waits for a verdict on iteration {waits}, not on {named}.");
        if (!input.IsApproved && waits == 0) throw new InvalidOperationException($"Before iteration 0 there is none to go on with. 'xinstruct cancel {_run.Run}' ends the run; 'xinstruct fork {_run.Run} RECIPE --from generate --set …' makes another.");
    }

    /// <summary>Tries failed samples of this iteration again, before it keeps any.</summary>
    /// <returns>How many.</returns>
    [WorkflowUpdate]
    public async Task<int> RetryAsync(RetryInput input)
    {
        var record = new RecordSteeringInput(_run, input.Event(_iteration!.Value, Workflow.CurrentUpdateInfo?.Id));
        // What keeps the pairs waits for this.
        _retries++;
        try
        {
            var samples = await Workflow.ExecuteActivityAsync((IRunActivities a) => a.ReopenFailuresAsync(record), ActivityDefaults.Cpu);
            if (samples > 0) _reopened.UnionWith(input.Language is { } language ? [language] : _shape.Languages);
            return samples;
        }
        finally
        {
            _retries--;
        }
    }

    [WorkflowUpdateValidator(nameof(RetryAsync))]
    public void ValidateRetry(RetryInput input)
    {
        PausedParts.CheckPart(new SteerInput(null, null, input.Language), _shape.Languages);
        if (input.Stage is not (null or "generate" or "rate")) throw new InvalidOperationException($"Samples fail in the stages generate and rate, not in '{input.Stage}'.");
        if (!_isOpen)
            throw new InvalidOperationException($"Run {_run.Run} is at '{_phase}': failed samples are tried again while their iteration generates and rates. A run of its own can try them: xinstruct fork {_run.Run} RECIPE --from generate");
    }

    /// <summary>What the recipe says is not known before.</summary>
    private void CheckStarted()
    {
        if (_shape.Languages.Count == 0) throw new InvalidOperationException($"Run {_run.Run} is just starting. Try again in a moment.");
    }

    private IReadOnlyDictionary<string, string> Parse(SettingsInput input) => SteeredSettings.Parse(_run.Run, input.Sets, _shape.RemoteGenerator, _shape.RemoteEvaluator);

    // Changes are recorded one after the other, but may be heard of in another order.
    private void TakeUp(SettingsState state)
    {
        if (state.Revision > _settings.Revision) _settings = state;
    }

    private Task TellAsync(ChildWorkflowHandle<LanguageWorkflow> child)
    {
        var steering = new StageSteering(_settings.Revision, Window);
        return IfUnderWayAsync(() => child.SignalAsync(w => w.SteerAsync(steering)));
    }

    private async Task SteerAsync(string command, IReadOnlyList<RunPart> parts, SteerInput input)
    {
        // The run's stream begins with its start; runs that began before did not wait for it here.
        if (_shape.Languages.Count == 0 && Workflow.Patched("steer-started")) await Workflow.WaitConditionAsync(() => _shape.Languages.Count > 0);
        var request = Workflow.CurrentUpdateInfo?.Id;
        foreach (var part in parts)
        {
            var record = new RecordSteeringInput(_run, input.Event(command, part, request));
            await Workflow.ExecuteActivityAsync((IRunActivities a) => a.RecordSteeringAsync(record), ActivityDefaults.Cpu);
        }

        foreach (var id in _children.Keys.Order(StringComparer.Ordinal).ToList())
        {
            if (_children.TryGetValue(id, out var child) && parts.Any(p => p.Holds(child.Language, child.Stage))) await HoldAsync(child.Handle, _paused.Holds(child.Language, child.Stage));
        }
    }

    private static Task HoldAsync(ChildWorkflowHandle<LanguageWorkflow> child, bool paused) => IfUnderWayAsync(() => child.SignalAsync(w => w.SetPausedAsync(paused)));

    private static async Task IfUnderWayAsync(Func<Task> signal)
    {
        try
        {
            await signal();
        }
        catch (ApplicationFailureException)
        {
            // The stage ended in the meantime; there is nothing left to steer.
        }
    }
}
