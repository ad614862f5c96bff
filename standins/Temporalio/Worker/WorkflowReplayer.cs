using System.Runtime.CompilerServices;
using Temporalio.Common;
using Temporalio.Exceptions;
using Temporalio.StandIn;

namespace Temporalio.Worker;

/// <summary>Replays histories against the workflows as they are now.</summary>
public class WorkflowReplayer
{
    public WorkflowReplayer(WorkflowReplayerOptions options)
    {
        if (options.Workflows.Count == 0)
        {
            throw new ArgumentException("Must have at least one workflow");
        }
        Options = options;
    }

    public WorkflowReplayerOptions Options { get; private init; }

    public async Task<WorkflowReplayResult> ReplayWorkflowAsync(
        WorkflowHistory history, bool throwOnReplayFailure = true, CancellationToken cancellationToken = default) =>
        (await ReplayWorkflowsAsync([history], throwOnReplayFailure, cancellationToken).ConfigureAwait(false)).Single();

    public Task<IEnumerable<WorkflowReplayResult>> ReplayWorkflowsAsync(
        IEnumerable<WorkflowHistory> histories, bool throwOnReplayFailure = false, CancellationToken cancellationToken = default) =>
        Task.Run<IEnumerable<WorkflowReplayResult>>(
            () => histories.Select(h =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                return Run(h, throwOnReplayFailure);
            }).ToArray(),
            cancellationToken);

    public async IAsyncEnumerable<WorkflowReplayResult> ReplayWorkflowsAsync(
        IAsyncEnumerable<WorkflowHistory> histories,
        bool throwOnReplayFailure = false,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var history in histories.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            yield return await ReplayWorkflowAsync(history, throwOnReplayFailure, cancellationToken).ConfigureAwait(false);
        }
    }

    private WorkflowReplayResult Run(WorkflowHistory history, bool throwOnReplayFailure)
    {
        if (!Options.DisableWorkflowTracingEventListener)
        {
            SchedulerTracer.Acquire();
        }
        try
        {
            var events = history.Events.ToArray();
            var type = events[0].Data.Name;
            var definition = Options.Workflows.FirstOrDefault(w => w.Name == type) ??
                throw new InvalidWorkflowOperationException($"Workflow type {type} is not registered on this replayer");
            Replay.Run(definition, events, Options.DataConverter, Options.LoggerFactory, Options.WorkflowFailureExceptionTypes);
            return new(history, null);
        }
        catch (Exception e) when (!throwOnReplayFailure || e is not InvalidWorkflowOperationException)
        {
            var failure = e as InvalidWorkflowOperationException ?? new InvalidWorkflowOperationException($"WorkflowFailure: {e}");
            return throwOnReplayFailure ? throw failure : new(history, failure);
        }
        finally
        {
            if (!Options.DisableWorkflowTracingEventListener)
            {
                SchedulerTracer.Release();
            }
        }
    }
}
