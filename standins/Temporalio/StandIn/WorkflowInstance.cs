using System.Reflection;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Temporalio.Api.Common.V1;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Api.History.V1;
using Temporalio.Common;
using Temporalio.Converters;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace Temporalio.StandIn;

/// <summary>
/// A running workflow: its object, its tasks in the order in which they became ready, and what it waits for. As a scheduler it runs
/// all its tasks on the one thread that activates it, so that the same events lead to the same steps.
/// </summary>
internal sealed partial class WorkflowInstance : TaskScheduler
{
    private readonly LinkedList<Task> ready = new();
    private readonly Dictionary<Task, LinkedListNode<Task>> readyNodes = [];
    private readonly LinkedList<Condition> conditions = new();
    private readonly CancellationTokenSource cancellation = new();
    private readonly WorkflowDefinition definition;
    private readonly DataConverter converter;
    private readonly IReadOnlyCollection<Type> failureTypes;
    private readonly HistoryEvent startEvent;
    private readonly List<Command> commands = [];
    private readonly List<(string, Failure)> rejected = [];
    private readonly Dictionary<string, bool> patches = [];
    private readonly HashSet<string> recordedPatches = [];
    private readonly AsyncLocal<WorkflowUpdateInfo?> currentUpdate = new();
    private object? instance;
    private bool started;
    private bool cancelRequested;
    private Exception? failed;
    private int timers;
    private int activities;

    public WorkflowInstance(
        WorkflowDefinition definition,
        WorkflowInfo info,
        HistoryEvent startEvent,
        DataConverter converter,
        ILogger logger,
        IReadOnlyCollection<Type>? failureTypes)
    {
        this.definition = definition;
        this.converter = converter;
        this.startEvent = startEvent;
        this.failureTypes = [.. failureTypes ?? [], .. definition.FailureExceptionTypes ?? []];
        Info = info;
        Logger = new ReplaySafeLogger(logger, this);
        Random = new DeterministicRandom(Seed(info.RunId));
        memo = startEvent.Data.Memo?.ToDictionary(p => p.Key, p => (IRawValue)new RawValue(p.Value)) ?? [];
        TypedSearchAttributes = SearchAttributeCollection.FromStored(startEvent.Data.Attributes);
        Signals = new Dictionary<string, WorkflowSignalDefinition>(definition.Signals);
        Queries = new Dictionary<string, WorkflowQueryDefinition>(definition.Queries);
        Updates = new Dictionary<string, WorkflowUpdateDefinition>(definition.Updates);
        DynamicSignal = definition.DynamicSignal;
    }

    public bool AllHandlersFinished => runningHandlers == 0;

    public CancellationToken CancellationToken => cancellation.Token;

    public bool ContinueAsNewSuggested { get; private set; }

    public string CurrentDetails { get; set; } = string.Empty;

    public int CurrentHistoryLength { get; private set; }

    public int CurrentHistorySize { get; private set; }

    public WorkflowUpdateInfo? CurrentUpdateInfo => currentUpdate.Value;

    public WorkflowSignalDefinition? DynamicSignal { get; set; }

    public WorkflowInfo Info { get; }

    public object Instance => instance ??= CreateInstance();

    public bool IsReplaying { get; private set; }

    public ILogger Logger { get; }

    public IReadOnlyDictionary<string, IRawValue> Memo => memo;

    public IPayloadConverter PayloadConverter => converter.PayloadConverter;

    public IDictionary<string, WorkflowQueryDefinition> Queries { get; }

    public IDictionary<string, WorkflowSignalDefinition> Signals { get; }

    public IDictionary<string, WorkflowUpdateDefinition> Updates { get; }

    public DeterministicRandom Random { get; }

    public SearchAttributeCollection TypedSearchAttributes { get; private set; }

    public DateTime UtcNow { get; private set; }

    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Has the workflow returned or thrown?</summary>
    public bool Ended { get; private set; }

    /// <summary>Has it ever started a child?</summary>
    public bool HasChildren { get; private set; }

    /// <summary>True while workflow code runs; the tracer only looks then.</summary>
    public bool Active { get; private set; }

    /// <summary>Is a history so long that its workflow should continue as new?</summary>
    public static bool IsLong(long events, long bytes) => events >= 4096 || bytes >= 4L << 20;

    /// <summary>Gives the workflow what happened and runs it until all its tasks wait; throws what fails the workflow task.</summary>
    public ActivationResult Activate(Activation activation)
    {
        commands.Clear();
        rejected.Clear();
        failed = null;
        IsReplaying = activation.Replaying;
        UtcNow = activation.Time;
        CurrentHistoryLength = (int)activation.HistoryLength;
        CurrentHistorySize = (int)activation.HistorySize;
        ContinueAsNewSuggested = IsLong(activation.HistoryLength, activation.HistorySize);
        recordedPatches.UnionWith(activation.Patches);
        // Signals and updates first: what a handler sets is seen by whatever the other events wake.
        foreach (var e in activation.Events.Where(e => e.EventType == EventType.WorkflowExecutionSignaled))
        {
            Run(() => ApplySignal(e));
        }
        foreach (var update in activation.Updates)
        {
            Run(() => ApplyUpdateAsync(update));
        }
        OnThread(() =>
        {
            foreach (var e in activation.Events.Where(e => e.EventType != EventType.WorkflowExecutionSignaled))
            {
                Apply(e);
            }
            if (!started)
            {
                started = true;
                Run(RunMainAsync);
            }
            RunReady(checkConditions: true);
        });
        return new([.. commands.Where(c => !c.Dropped)], [.. rejected]);
    }

    /// <summary>Answers a query; a query may not change anything.</summary>
    public (Payload? Result, string? Failure) Query(QueryRow query)
    {
        (Payload?, string?) answer = (null, "Query did not run");
        commands.Clear();
        failed = null;
        Run(() =>
        {
            answer = Answer(query);
            return Task.CompletedTask;
        });
        OnThread(() => RunReady(checkConditions: false));
        if (commands.Count > 0)
        {
            commands.Clear();
            return (null, $"Query {query.Name} made commands; a query must not change the workflow");
        }
        return answer;
    }

    /// <summary>Fails the workflow task that runs now.</summary>
    public void FailTask(Exception e) => failed ??= e;

    public void Untraced(Action action)
    {
        var active = Active;
        Active = false;
        try
        {
            action();
        }
        finally
        {
            Active = active;
        }
    }

    protected override IEnumerable<Task> GetScheduledTasks() => ready.ToArray();

    // Never inline: tasks run in the order in which they became ready.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override void QueueTask(Task task) => readyNodes[task] = ready.AddLast(task);

    protected override bool TryDequeue(Task task)
    {
        if (readyNodes.Remove(task, out var node))
        {
            ready.Remove(node);
            return true;
        }
        return false;
    }

    private static ulong Seed(string runId) => System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(
        System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(runId)));

    private void OnThread(Action action)
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            action();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private void Run(Func<Task> function) =>
        _ = Task.Factory.StartNew(function, default, TaskCreationOptions.None, this).Unwrap();

    private void RunReady(bool checkConditions)
    {
        do
        {
            while (ready.First is { } first)
            {
                ready.RemoveFirst();
                readyNodes.Remove(first.Value);
                Active = true;
                try
                {
                    TryExecuteTask(first.Value);
                }
                finally
                {
                    Active = false;
                }
                if (failed != null)
                {
                    ExceptionDispatchInfo.Capture(failed).Throw();
                }
            }
        }
        while (checkConditions && MeetOneCondition());
    }

    /// <summary>One at a time: what the first one's task does may make the second one false again.</summary>
    private bool MeetOneCondition()
    {
        Workflow.OverrideContext.Value = this;
        try
        {
            for (var node = conditions.First; node != null; node = node.Next)
            {
                if (node.Value.Check())
                {
                    conditions.Remove(node);
                    node.Value.Met.TrySetResult(true);
                    return true;
                }
            }
            return false;
        }
        finally
        {
            Workflow.OverrideContext.Value = null;
        }
    }

    private object CreateInstance()
    {
        var created = definition.CreateWorkflowInstance(definition.HasInit ? Arguments(definition.RunMethod, startEvent.Data.Args) : []);
        return created;
    }

    private object?[] Arguments(MethodInfo method, Payload[]? payloads)
    {
        var parameters = method.GetParameters();
        var given = payloads ?? [];
        if (given.Length < parameters.Count(p => !p.HasDefaultValue))
        {
            throw new InvalidOperationException($"Expected {parameters.Length} arguments for {method.Name}, got {given.Length}");
        }
        return parameters.Select((p, i) => i < given.Length ? PayloadConverter.ToValue(given[i], p.ParameterType) : p.DefaultValue).ToArray();
    }

    private static async Task<object?> InvokeAsync(MethodInfo method, object? target, object?[] arguments)
    {
        var result = Invoke(method, target, arguments);
        if (result is Task task)
        {
            await task;
            return method.ReturnType.IsGenericType ? method.ReturnType.GetProperty("Result")!.GetValue(task) : ValueTuple.Create();
        }
        return result;
    }

    private static object? Invoke(MethodInfo method, object? target, object?[] arguments) =>
        method.Invoke(target, BindingFlags.DoNotWrapExceptions, null, arguments, null);

    private async Task RunMainAsync()
    {
        try
        {
            Command closing;
            try
            {
                var target = Instance;
                var result = await InvokeAsync(definition.RunMethod, target, Arguments(definition.RunMethod, startEvent.Data.Args));
                closing = new(EventType.WorkflowExecutionCompleted, new EventData
                {
                    Args = result is ValueTuple ? null : [PayloadConverter.ToPayload(result)],
                });
            }
            catch (ContinueAsNewException e)
            {
                closing = ContinueAsNew(e);
            }
            catch (Exception e) when (cancelRequested && TemporalException.IsCanceledException(e))
            {
                var failure = new Failure { Message = "Workflow canceled", Canceled = new(null) };
                closing = new(EventType.WorkflowExecutionCanceled, new EventData { Failure = failure });
            }
            catch (Exception e) when (FailsWorkflow(e))
            {
                closing = new(EventType.WorkflowExecutionFailed, new EventData { Failure = ToFailure(e) });
            }
            Close(closing);
        }
        catch (Exception e)
        {
            FailTask(e);
        }
    }

    private void Close(Command closing)
    {
        if (!Ended)
        {
            Ended = true;
            commands.Add(closing);
            if (runningHandlers > 0 && !IsReplaying && warnUnfinished > 0)
            {
                Logger.LogWarning("Workflow {WorkflowId} finished while signal or update handlers are still running", Info.WorkflowId);
            }
        }
    }

    private Failure ToFailure(Exception e) => converter.FailureConverter.ToFailure(e, PayloadConverter);

    private bool FailsWorkflow(Exception e) =>
        e is FailureException or OperationCanceledException || failureTypes.Any(t => t.IsInstanceOfType(e));

    private Command ContinueAsNew(ContinueAsNewException e) => new(EventType.WorkflowExecutionContinuedAsNew, new EventData
    {
        Name = e.Workflow,
        Args = PayloadConverter.Pack(e.Args),
        TaskQueue = e.Options?.TaskQueue,
        RunTimeout = e.Options?.RunTimeout,
        TaskTimeout = e.Options?.TaskTimeout,
        RetryPolicy = e.Options?.RetryPolicy,
        Memo = Pack(e.Options?.Memo) ?? memo.ToDictionary(p => p.Key, p => p.Value.Payload),
        Attributes = (e.Options?.TypedSearchAttributes ?? TypedSearchAttributes).ToStored(),
    });

    private Dictionary<string, Payload>? Pack(IReadOnlyDictionary<string, object>? values) =>
        values?.ToDictionary(p => p.Key, p => PayloadConverter.ToPayload(p.Value));

    private sealed record Condition(Func<bool> Check, TaskCompletionSource<bool> Met);
}
