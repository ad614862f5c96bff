using Microsoft.Extensions.Logging;
using Temporalio.Common;
using Temporalio.Converters;
using Temporalio.StandIn;

namespace Temporalio.Workflows;

/// <summary>What the code of a workflow may ask and do. Only inside a workflow.</summary>
public static partial class Workflow
{
    public static bool AllHandlersFinished => Context.AllHandlersFinished;

    public static CancellationToken CancellationToken => Context.CancellationToken;

    public static bool ContinueAsNewSuggested => Context.ContinueAsNewSuggested;

    public static string CurrentDetails
    {
        get => Context.CurrentDetails;
        set => Context.CurrentDetails = value;
    }

    public static int CurrentHistoryLength => Context.CurrentHistoryLength;

    public static int CurrentHistorySize => Context.CurrentHistorySize;

    public static WorkflowUpdateInfo? CurrentUpdateInfo => Context.CurrentUpdateInfo;

    public static WorkflowSignalDefinition? DynamicSignal
    {
        get => Context.DynamicSignal;
        set => Context.DynamicSignal = value;
    }

    public static WorkflowInfo Info => Context.Info;

    public static object Instance => Context.Instance;

    public static bool InWorkflow => TaskScheduler.Current is WorkflowInstance;

    /// <summary>Silent on replay.</summary>
    public static ILogger Logger => Context.Logger;

    public static IReadOnlyDictionary<string, IRawValue> Memo => Context.Memo;

    public static IPayloadConverter PayloadConverter => Context.PayloadConverter;

    public static IDictionary<string, WorkflowQueryDefinition> Queries => Context.Queries;

    public static DeterministicRandom Random => Context.Random;

    public static SearchAttributeCollection TypedSearchAttributes => Context.TypedSearchAttributes;

    public static IDictionary<string, WorkflowSignalDefinition> Signals => Context.Signals;

    public static IDictionary<string, WorkflowUpdateDefinition> Updates => Context.Updates;

    public static DateTime UtcNow => Context.UtcNow;

    internal static AsyncLocal<WorkflowInstance?> OverrideContext { get; } = new();

    private static WorkflowInstance Context =>
        TaskScheduler.Current as WorkflowInstance ?? OverrideContext.Value ?? throw new InvalidOperationException("Not in workflow");

    public static Task DelayAsync(int millisecondsDelay, CancellationToken? cancellationToken = null) =>
        Context.DelayAsync(new(millisecondsDelay, cancellationToken: cancellationToken));

    public static Task DelayAsync(TimeSpan delay, CancellationToken? cancellationToken = null) =>
        Context.DelayAsync(new(delay, cancellationToken: cancellationToken));

    public static Task DelayWithOptionsAsync(DelayOptions options) => Context.DelayAsync(options);

    public static void DeprecatePatch(string patchId) => Context.Patch(patchId, deprecated: true);

    public static bool Patched(string patchId) => Context.Patch(patchId, deprecated: false);

    public static Guid NewGuid()
    {
        var bytes = new byte[16];
        Random.NextBytes(bytes);
        bytes[7] = (byte)((bytes[7] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new(bytes);
    }

    public static ExternalWorkflowHandle GetExternalWorkflowHandle(string id, string? runId = null) =>
        GetExternalWorkflowHandle<ValueTuple>(id, runId);

    public static ExternalWorkflowHandle<TWorkflow> GetExternalWorkflowHandle<TWorkflow>(string id, string? runId = null) =>
        new WorkflowInstance.External<TWorkflow>(Context, id, runId);

    public static Task RunTaskAsync(Func<Task> function, CancellationToken? cancellationToken = null) =>
        Task.Factory.StartNew(function, cancellationToken ?? CancellationToken, TaskCreationOptions.None, TaskScheduler.Current).Unwrap();

    public static Task<TResult> RunTaskAsync<TResult>(Func<Task<TResult>> function, CancellationToken? cancellationToken = null) =>
        Task.Factory.StartNew(function, cancellationToken ?? CancellationToken, TaskCreationOptions.None, TaskScheduler.Current).Unwrap();

    public static void UpsertMemo(params MemoUpdate[] updates) => Context.UpsertMemo(updates);

    public static void UpsertTypedSearchAttributes(params SearchAttributeUpdate[] updates) => Context.UpsertTypedSearchAttributes(updates);

    public static Task WaitConditionAsync(Func<bool> conditionCheck, CancellationToken? cancellationToken = null) =>
        Context.WaitConditionAsync(new(conditionCheck, cancellationToken: cancellationToken));

    public static Task<bool> WaitConditionAsync(
        Func<bool> conditionCheck, int timeoutMilliseconds, CancellationToken? cancellationToken = null) =>
        WaitConditionAsync(conditionCheck, TimeSpan.FromMilliseconds(timeoutMilliseconds), cancellationToken);

    public static Task<bool> WaitConditionAsync(
        Func<bool> conditionCheck, TimeSpan timeout, CancellationToken? cancellationToken = null) =>
        Context.WaitConditionAsync(new(conditionCheck, timeout, cancellationToken: cancellationToken));

    public static Task<bool> WaitConditionWithOptionsAsync(WaitConditionOptions options) => Context.WaitConditionAsync(options);

    public static Task<Task> WhenAnyAsync(params Task[] tasks) => Task.WhenAny(tasks);

    public static Task<Task> WhenAnyAsync(IEnumerable<Task> tasks) => Task.WhenAny(tasks);

    // Task.WhenAny<T> leaves the workflow's scheduler; the one without a type does not.
    public static async Task<Task<TResult>> WhenAnyAsync<TResult>(params Task<TResult>[] tasks) =>
        (Task<TResult>)await Task.WhenAny((Task[])tasks);

    public static async Task<Task<TResult>> WhenAnyAsync<TResult>(IEnumerable<Task<TResult>> tasks) =>
        (Task<TResult>)await Task.WhenAny((IEnumerable<Task>)tasks);

    public static Task WhenAllAsync(IEnumerable<Task> tasks) => Task.WhenAll(tasks);

    public static Task WhenAllAsync(params Task[] tasks) => Task.WhenAll(tasks);

    public static Task<TResult[]> WhenAllAsync<TResult>(IEnumerable<Task<TResult>> tasks) => Task.WhenAll(tasks);

    public static Task<TResult[]> WhenAllAsync<TResult>(params Task<TResult>[] tasks) => Task.WhenAll(tasks);

    /// <summary>What only loggers and the like should ask.</summary>
    public static class Unsafe
    {
        public static bool IsReplaying => Context.IsReplaying;
    }
}
