using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Api.History.V1;
using Temporalio.Common;
using Temporalio.Converters;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace Temporalio.StandIn;

/// <summary>What a workflow asks of the outside, and the answers.</summary>
internal sealed partial class WorkflowInstance
{
    /// <summary>Where lists find the patches that a run has taken. The workflow itself does not see it, and replay takes histories with and without it.</summary>
    public static readonly SearchAttributeKey ChangeVersion = SearchAttributeKey.CreateKeywordList("TemporalChangeVersion");

    private const int MaxChangeVersion = 2048;

    /// <summary>What waits for an answer, by the id of the event that asked.</summary>
    private readonly Dictionary<long, (EventType Asked, Action<HistoryEvent> Answer)> pending = [];
    private readonly Dictionary<string, IRawValue> memo;

    /// <summary>How many commands of a type wait for their answers?</summary>
    public int Pending(EventType asked) => pending.Values.Count(p => p.Asked == asked);

    public async Task DelayAsync(DelayOptions options)
    {
        var token = options.CancellationToken ?? CancellationToken;
        if (options.Delay == Timeout.InfiniteTimeSpan)
        {
            var never = new TaskCompletionSource();
            using var ending = token.Register(() => never.TrySetCanceled(token));
            await never.Task;
            return;
        }
        if (options.Delay < TimeSpan.Zero)
        {
            throw new ArgumentException("Delay duration cannot be less than 0");
        }
        token.ThrowIfCancellationRequested();
        var delay = options.Delay < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : options.Delay;
        var fired = new TaskCompletionSource();
        var id = NextId(ref timers);
        var command = Ask(EventType.TimerStarted, new EventData { Id = id, Delay = delay, Summary = options.Summary }, _ => fired.TrySetResult());
        using var canceling = token.Register(() =>
        {
            if (fired.TrySetCanceled(token))
            {
                Withdraw(command, EventType.TimerCanceled, id);
            }
        });
        await fired.Task;
    }

    public async Task<bool> WaitConditionAsync(WaitConditionOptions options)
    {
        var token = options.CancellationToken ?? CancellationToken;
        token.ThrowIfCancellationRequested();
        var met = new TaskCompletionSource<bool>();
        var node = conditions.AddLast(new Condition(options.ConditionCheck, met));
        void Forget()
        {
            if (node.List != null)
            {
                conditions.Remove(node);
            }
        }
        using var canceling = token.Register(() =>
        {
            Forget();
            met.TrySetCanceled(token);
        });
        if (options.Timeout is not { } timeout || timeout == Timeout.InfiniteTimeSpan)
        {
            return await met.Task;
        }
        using var done = CancellationTokenSource.CreateLinkedTokenSource(token);
        var timer = DelayAsync(new(timeout, options.TimeoutSummary ?? "WaitConditionAsync", done.Token));
        var first = await Task.WhenAny((Task)met.Task, timer);
        Forget();
        if (first == timer && !met.Task.IsCompletedSuccessfully)
        {
            await timer;
            return false;
        }
        done.Cancel();
        return await met.Task;
    }

    public async Task<TResult> ExecuteActivityAsync<TResult>(string activity, IReadOnlyCollection<object?> args, ActivityOptions options)
    {
        if (options.StartToCloseTimeout == null && options.ScheduleToCloseTimeout == null)
        {
            throw new ArgumentException("Activity options must have StartToCloseTimeout or ScheduleToCloseTimeout");
        }
        var token = options.CancellationToken ?? CancellationToken;
        if (token.IsCancellationRequested)
        {
            throw new CanceledFailureException("Activity cancelled before scheduled");
        }
        var sequenceId = NextId(ref activities);
        var id = options.ActivityId ?? sequenceId;
        var answer = new TaskCompletionSource<HistoryEvent>();
        var command = Ask(
            EventType.ActivityTaskScheduled,
            new EventData
            {
                Id = id,
                Name = activity,
                Args = PayloadConverter.Pack(args),
                TaskQueue = options.TaskQueue ?? Info.TaskQueue,
                ScheduleToClose = options.ScheduleToCloseTimeout,
                ScheduleToStart = options.ScheduleToStartTimeout,
                StartToClose = options.StartToCloseTimeout,
                Heartbeat = options.HeartbeatTimeout,
                RetryPolicy = options.RetryPolicy,
                PriorityKey = options.Priority?.PriorityKey,
                Summary = options.Summary,
            },
            e => answer.TrySetResult(e));
        using var canceling = token.Register(() =>
        {
            if (answer.Task.IsCompleted)
            {
                return;
            }
            var asked = command.EventId != 0;
            if (options.CancellationType != ActivityCancellationType.Abandon || !asked)
            {
                Withdraw(command, EventType.ActivityTaskCancelRequested, id, keep: options.CancellationType == ActivityCancellationType.WaitCancellationCompleted);
            }
            if (!asked || options.CancellationType != ActivityCancellationType.WaitCancellationCompleted)
            {
                answer.TrySetResult(new HistoryEvent { EventType = EventType.ActivityTaskCanceled });
            }
        });
        var outcome = await answer.Task;
        if (outcome.EventType == EventType.ActivityTaskCompleted)
        {
            return PayloadConverter.FromResult<TResult>(outcome.Data.Args);
        }
        var canceled = outcome.EventType == EventType.ActivityTaskCanceled;
        throw ToException(new Failure
        {
            Message = canceled ? "Activity cancelled" : "Activity task failed",
            Cause = canceled ? new Failure { Message = "Activity cancelled", Canceled = new(outcome.Data.Args) } : outcome.Data.Failure,
            Activity = new(activity, id, outcome.Data.Identity, canceled ? RetryState.CancelRequested : outcome.Data.RetryState ?? default),
        });
    }

    public async Task<ChildWorkflowHandle<TWorkflow, TResult>> StartChildAsync<TWorkflow, TResult>(
        string workflow, IReadOnlyCollection<object?> args, ChildWorkflowOptions options)
    {
        var token = options.CancellationToken ?? CancellationToken;
        if (token.IsCancellationRequested)
        {
            throw new CanceledFailureException("Child cancelled before scheduled");
        }
        var id = options.Id ?? Workflow.NewGuid().ToString();
        HasChildren = true;
        var startedAs = new TaskCompletionSource<string>();
        var answer = new TaskCompletionSource<HistoryEvent>();
        var command = Ask(
            EventType.StartChildWorkflowExecutionInitiated,
            new EventData
            {
                Id = id,
                Name = workflow,
                Args = PayloadConverter.Pack(args),
                TaskQueue = options.TaskQueue ?? Info.TaskQueue,
                ExecutionTimeout = options.ExecutionTimeout,
                RunTimeout = options.RunTimeout,
                TaskTimeout = options.TaskTimeout,
                RetryPolicy = options.RetryPolicy,
                Policy = (int)options.ParentClosePolicy,
                Reuse = (int)options.IdReusePolicy,
                Memo = Pack(options.Memo),
                Attributes = options.TypedSearchAttributes?.ToStored(),
                PriorityKey = options.Priority?.PriorityKey,
                Summary = options.StaticSummary,
                Details = options.StaticDetails,
            },
            e =>
            {
                switch (e.EventType)
                {
                    case EventType.ChildWorkflowExecutionStarted:
                        startedAs.TrySetResult(e.Data.RunId!);
                        break;
                    case EventType.StartChildWorkflowExecutionFailed:
                        startedAs.TrySetException(new WorkflowAlreadyStartedException(
                            "Child workflow already started", id, workflow, e.Data.RunId ?? string.Empty));
                        break;
                    default:
                        answer.TrySetResult(e);
                        break;
                }
            },
            answers: 2);
        token.Register(() =>
        {
            if (answer.Task.IsCompleted || startedAs.Task.IsFaulted)
            {
                return;
            }
            var canceled = new HistoryEvent { EventType = EventType.ChildWorkflowExecutionCanceled };
            if (command.EventId == 0)
            {
                command.Dropped = true;
                startedAs.TrySetException(ChildFailure(canceled));
                return;
            }
            if (options.CancellationType != ChildWorkflowCancellationType.Abandon)
            {
                Ask(
                    EventType.RequestCancelExternalWorkflowExecutionInitiated,
                    new EventData { Id = id, Namespace = Info.Namespace, Flag = true },
                    _ =>
                    {
                        if (options.CancellationType == ChildWorkflowCancellationType.WaitCancellationRequested)
                        {
                            answer.TrySetResult(canceled);
                        }
                    });
            }
            if (options.CancellationType is ChildWorkflowCancellationType.Abandon or ChildWorkflowCancellationType.TryCancel)
            {
                startedAs.TrySetException(ChildFailure(canceled));
                answer.TrySetResult(canceled);
            }
        });
        var runId = await startedAs.Task;
        return new Child<TWorkflow, TResult>(this, id, runId, answer.Task, ChildFailure);

        Exception ChildFailure(HistoryEvent e) => ToException(new Failure
        {
            Message = "Child Workflow execution failed",
            Child = new(Info.Namespace, id, e.Data.RunId ?? string.Empty, workflow, e.Data.RetryState ?? default),
            Cause = e.EventType switch
            {
                EventType.ChildWorkflowExecutionCanceled => new Failure { Message = "Child workflow cancelled", Canceled = new(null) },
                _ => e.Data.Failure,
            },
        });
    }

    public async Task SignalExternalAsync(string id, string? runId, string signal, IReadOnlyCollection<object?> args, bool child, CancellationToken token)
    {
        token.ThrowIfCancellationRequested();
        var answer = new TaskCompletionSource<HistoryEvent>();
        var command = Ask(
            EventType.SignalExternalWorkflowExecutionInitiated,
            new EventData { Id = id, RunId = runId, Namespace = Info.Namespace, Name = signal, Args = PayloadConverter.Pack(args), Flag = child },
            e => answer.TrySetResult(e));
        using var canceling = token.Register(() =>
        {
            if (command.EventId == 0)
            {
                command.Dropped = true;
                answer.TrySetCanceled(token);
            }
        });
        if ((await answer.Task).EventType == EventType.SignalExternalWorkflowExecutionFailed)
        {
            throw new ApplicationFailureException($"Unable to signal external workflow {id}: it was not found", "SignalExternalWorkflowExecutionFailed");
        }
    }

    public async Task CancelExternalAsync(string id, string? runId)
    {
        var answer = new TaskCompletionSource<HistoryEvent>();
        Ask(
            EventType.RequestCancelExternalWorkflowExecutionInitiated,
            new EventData { Id = id, RunId = runId, Namespace = Info.Namespace },
            e => answer.TrySetResult(e));
        if ((await answer.Task).EventType == EventType.RequestCancelExternalWorkflowExecutionFailed)
        {
            throw new ApplicationFailureException($"Unable to cancel external workflow {id}: it was not found", "CancelExternalWorkflowExecutionFailed");
        }
    }

    public bool Patch(string patchId, bool deprecated)
    {
        if (patches.TryGetValue(patchId, out var known))
        {
            return known;
        }
        var patched = !IsReplaying || recordedPatches.Contains(patchId);
        patches[patchId] = patched;
        if (patched)
        {
            commands.Add(new(EventType.MarkerRecorded, new EventData { Name = patchId, Flag = deprecated }));
            var ids = SearchAttributeCollection.Store(ChangeVersion, patches.Where(p => p.Value).Select(p => p.Key).Order(StringComparer.Ordinal).ToArray());
            if (!IsReplaying && ids.Value!.Value.GetRawText().Length < MaxChangeVersion)
            {
                commands.Add(new(EventType.UpsertWorkflowSearchAttributes, new EventData { Attributes = new() { [ChangeVersion.Name] = ids } }));
            }
        }
        return patched;
    }

    public void UpsertMemo(IReadOnlyCollection<MemoUpdate> updates)
    {
        if (updates.Count == 0)
        {
            throw new ArgumentException("At least one update required", nameof(updates));
        }
        var stored = updates.ToDictionary(u => u.UntypedKey, u => PayloadConverter.ToPayload(u.HasValue ? u.UntypedValue : null));
        foreach (var update in updates)
        {
            if (update.HasValue)
            {
                memo[update.UntypedKey] = new RawValue(stored[update.UntypedKey]);
            }
            else
            {
                memo.Remove(update.UntypedKey);
            }
        }
        commands.Add(new(EventType.WorkflowPropertiesModified, new EventData { Memo = stored }));
    }

    public void UpsertTypedSearchAttributes(IReadOnlyCollection<SearchAttributeUpdate> updates)
    {
        if (updates.Count == 0)
        {
            throw new ArgumentException("At least one update required", nameof(updates));
        }
        TypedSearchAttributes = TypedSearchAttributes.With(updates);
        commands.Add(new(EventType.UpsertWorkflowSearchAttributes, new EventData
        {
            Attributes = updates.ToDictionary(
                u => u.UntypedKey.Name, u => SearchAttributeCollection.Store(u.UntypedKey, u.HasValue ? u.UntypedValue : null)),
        }));
    }

    /// <summary>Timers and activities are counted each on their own, as in the histories of the service.</summary>
    private static string NextId(ref int sequence) => (++sequence).ToString(System.Globalization.CultureInfo.InvariantCulture);

    private Exception ToException(Failure failure) => converter.FailureConverter.ToException(failure, PayloadConverter);

    /// <summary>Adds a command whose event will be answered by later events, <paramref name="answers"/> at most.</summary>
    private Command Ask(EventType type, EventData data, Action<HistoryEvent> answered, int answers = 1)
    {
        var command = new Command(type, data) { Recorded = eventId => pending[eventId] = (type, e => Answer(eventId, e)) };
        commands.Add(command);
        return command;

        void Answer(long eventId, HistoryEvent e)
        {
            if (--answers == 0 || e.EventType == EventType.StartChildWorkflowExecutionFailed)
            {
                pending.Remove(eventId);
            }
            answered(e);
        }
    }

    /// <summary>Takes back what is not sent yet, else asks to cancel it.</summary>
    private void Withdraw(Command command, EventType type, string id, bool keep = false)
    {
        if (command.EventId == 0)
        {
            command.Dropped = true;
            return;
        }
        if (!keep)
        {
            pending.Remove(command.EventId);
        }
        commands.Add(new(type, new EventData { Ref = command.EventId, Id = id }));
    }

    private void Apply(HistoryEvent e)
    {
        if (e.EventType == EventType.WorkflowExecutionCancelRequested)
        {
            if (!cancelRequested)
            {
                cancelRequested = true;
                Run(() =>
                {
                    cancellation.Cancel();
                    return Task.CompletedTask;
                });
            }
        }
        else if (e.Data.Ref is { } asked && pending.TryGetValue(asked, out var waiting))
        {
            waiting.Answer(e);
        }
    }

    internal sealed class External<TWorkflow>(WorkflowInstance owner, string id, string? runId) : ExternalWorkflowHandle<TWorkflow>
    {
        public override string Id => id;

        public override string? RunId => runId;

        public override Task SignalAsync(string signal, IReadOnlyCollection<object?> args, ExternalWorkflowSignalOptions? options = null) =>
            owner.SignalExternalAsync(id, runId, signal, args, child: false, options?.CancellationToken ?? owner.CancellationToken);

        public override Task CancelAsync() => owner.CancelExternalAsync(id, runId);
    }

    private sealed class Child<TWorkflow, TResult>(
        WorkflowInstance owner, string id, string runId, Task<HistoryEvent> answer, Func<HistoryEvent, Exception> failure)
        : ChildWorkflowHandle<TWorkflow, TResult>
    {
        public override string Id => id;

        public override string FirstExecutionRunId => runId;

        public override async Task<T> GetResultAsync<T>()
        {
            var outcome = await answer;
            return outcome.EventType == EventType.ChildWorkflowExecutionCompleted
                ? owner.PayloadConverter.FromResult<T>(outcome.Data.Args)
                : throw failure(outcome);
        }

        public override Task SignalAsync(string signal, IReadOnlyCollection<object?> args, ChildWorkflowSignalOptions? options = null) =>
            owner.SignalExternalAsync(id, null, signal, args, child: true, options?.CancellationToken ?? owner.CancellationToken);
    }
}
