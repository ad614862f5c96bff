using Microsoft.Extensions.Logging;
using Temporalio.Api.Common.V1;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Api.History.V1;
using Temporalio.Converters;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace Temporalio.StandIn;

/// <summary>Signals, queries and updates.</summary>
internal sealed partial class WorkflowInstance
{
    private readonly List<HistoryEvent> unhandledSignals = [];
    private int runningHandlers;
    private int warnUnfinished;

    private Task ApplySignal(HistoryEvent signal)
    {
        // The constructor may add handlers.
        _ = Instance;
        unhandledSignals.Add(signal);
        HandleSignals();
        return Task.CompletedTask;
    }

    private void HandleSignals()
    {
        foreach (var signal in unhandledSignals.ToArray())
        {
            var handler = Signals.TryGetValue(signal.Data.Name!, out var named) ? named : DynamicSignal;
            if (handler != null)
            {
                unhandledSignals.Remove(signal);
                _ = HandleSignalAsync(handler, signal);
            }
        }
    }

    private async Task HandleSignalAsync(WorkflowSignalDefinition handler, HistoryEvent signal)
    {
        object?[] arguments;
        try
        {
            arguments = handler.Dynamic
                ? [signal.Data.Name, (signal.Data.Args ?? []).Select(p => (IRawValue)new RawValue(p)).ToArray()]
                : Arguments(handler.Method, signal.Data.Args);
        }
        catch (Exception e)
        {
            // A signal that cannot be read would block the workflow for ever.
            Logger.LogError(e, "Failed decoding arguments of signal {Signal}, dropping it", signal.Data.Name);
            return;
        }
        using var running = Handling(handler.UnfinishedPolicy);
        try
        {
            await InvokeAsync(handler.Method, handler.Delegate?.Target ?? Instance, arguments);
        }
        catch (Exception e) when (cancelRequested && TemporalException.IsCanceledException(e))
        {
            Close(new(EventType.WorkflowExecutionCanceled, new EventData
            {
                Failure = new Failure { Message = "Workflow canceled", Canceled = new(null) },
            }));
        }
        catch (Exception e) when (FailsWorkflow(e))
        {
            Close(new(EventType.WorkflowExecutionFailed, new EventData { Failure = ToFailure(e) }));
        }
        catch (Exception e)
        {
            FailTask(e);
        }
    }

    private async Task ApplyUpdateAsync(ActivatedUpdate update)
    {
        currentUpdate.Value = new(update.Id, update.Name);
        WorkflowUpdateDefinition? handler;
        object?[] arguments = [];
        try
        {
            var target = Instance;
            if (!Updates.TryGetValue(update.Name, out handler))
            {
                throw new InvalidOperationException(
                    $"Update handler for {update.Name} expected but not found, known updates: [{string.Join(", ", Updates.Keys.Order(StringComparer.Ordinal))}]");
            }
            arguments = Arguments(handler.Method, update.Args);
            if (!update.Accepted && handler.ValidatorMethod is { } validator)
            {
                var before = commands.Count;
                Invoke(validator, handler.ValidatorDelegate?.Target ?? target, arguments);
                if (commands.Count != before)
                {
                    FailTask(new InvalidOperationException($"Update validator for {update.Name} created workflow commands"));
                    return;
                }
            }
        }
        catch (Exception e)
        {
            if (update.Accepted)
            {
                FailTask(e);
            }
            else
            {
                rejected.Add((update.Id, ToFailure(e)));
            }
            return;
        }
        commands.Add(new(EventType.WorkflowExecutionUpdateAccepted, new EventData { Id = update.Id, Name = update.Name, Args = update.Args }));
        using var running = Handling(handler.UnfinishedPolicy);
        try
        {
            var result = await InvokeAsync(handler.Method, handler.Delegate?.Target ?? Instance, arguments);
            commands.Add(new(EventType.WorkflowExecutionUpdateCompleted, new EventData
            {
                Id = update.Id,
                Args = result is ValueTuple ? [] : [PayloadConverter.ToPayload(result)],
            }));
        }
        catch (Exception e) when (FailsWorkflow(e))
        {
            commands.Add(new(EventType.WorkflowExecutionUpdateCompleted, new EventData { Id = update.Id, Failure = ToFailure(e) }));
        }
        catch (Exception e)
        {
            FailTask(e);
        }
    }

    private (Payload? Result, string? Failure) Answer(QueryRow query)
    {
        try
        {
            if (!Queries.TryGetValue(query.Name, out var handler))
            {
                return (null, $"Query handler for {query.Name} expected but not found, known queries: " +
                    $"[{string.Join(", ", Queries.Keys.Order(StringComparer.Ordinal))}]");
            }
            var result = Invoke(handler.Method, handler.Delegate?.Target ?? Instance, Arguments(handler.Method, query.Args));
            return (PayloadConverter.ToPayload(result), null);
        }
        catch (Exception e)
        {
            return (null, e.Message);
        }
    }

    private HandlerScope Handling(HandlerUnfinishedPolicy policy)
    {
        var warns = policy == HandlerUnfinishedPolicy.WarnAndAbandon ? 1 : 0;
        runningHandlers++;
        warnUnfinished += warns;
        return new(this, warns);
    }

    private readonly struct HandlerScope(WorkflowInstance owner, int warns) : IDisposable
    {
        public void Dispose()
        {
            owner.runningHandlers--;
            owner.warnUnfinished -= warns;
        }
    }
}
