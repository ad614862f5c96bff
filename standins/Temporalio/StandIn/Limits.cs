using Temporalio.Api.Common.V1;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Exceptions;

namespace Temporalio.StandIn;

/// <summary>The service's default limits, with its words.</summary>
internal static class Limits
{
    private const int Blob = 2 << 20;
    private const int HistoryEvents = 50 << 10;
    private const long HistoryBytes = 50L << 20;
    private const int Waiting = 2000;
    private const int OpenUpdates = 10;
    private const int AllUpdates = 2000;

    public static readonly Failure Result = Failed("Complete result exceeds size limit.");
    public static readonly Failure Heartbeat = Failed("Heartbeat details exceed size limit.");

    /// <summary>Has a run, $1, room for one more update, or has it that update, $2, already?</summary>
    public static readonly string HasRoomSql = $"""
        (SELECT count(*) FILTER (WHERE state < 2) < {OpenUpdates} AND count(*) FILTER (WHERE state <> 3) < {AllUpdates} OR bool_or(update_id = $2)
        FROM updates WHERE run_id = $1)
        """;

    /// <summary>What a command of a type may hold, and how many of it may wait: the service's words, and the causes of what fails otherwise.</summary>
    private static readonly Dictionary<EventType, (string? Content, string? Bad, string? Name, string? TooMany)> Commands = new()
    {
        [EventType.ActivityTaskScheduled] = (
            "ScheduleActivityTaskCommandAttributes.Input", "BadScheduleActivityAttributes", "pending activities", "PendingActivitiesLimitExceeded"),
        [EventType.StartChildWorkflowExecutionInitiated] = (
            "StartChildWorkflowExecutionCommandAttributes. Input", "BadStartChildExecutionAttributes", "pending child workflow executions", "PendingChildWorkflowsLimitExceeded"),
        [EventType.SignalExternalWorkflowExecutionInitiated] = (
            "SignalExternalWorkflowExecutionCommandAttributes.Input", "BadSignalWorkflowExecutionAttributes", "pending signals to external workflows", "PendingSignalsLimitExceeded"),
        [EventType.RequestCancelExternalWorkflowExecutionInitiated] = (
            null, null, "pending requests to cancel external workflows", "PendingRequestCancelLimitExceeded"),
        [EventType.WorkflowExecutionCompleted] = ("CompleteWorkflowExecutionCommandAttributes.Result", "BadScheduleActivityAttributes", null, null),
        [EventType.WorkflowExecutionFailed] = ("FailWorkflowExecutionCommandAttributes.Failure", "BadFailWorkflowExecutionAttributes", null, null),
        [EventType.WorkflowExecutionContinuedAsNew] = ("ContinueAsNewWorkflowExecutionCommandAttributes. Input", "BadContinueAsNewAttributes", null, null),
        [EventType.WorkflowPropertiesModified] = ("ModifyWorkflowPropertiesCommandAttributes", "BadModifyWorkflowPropertiesAttributes", null, null),
        [EventType.WorkflowExecutionUpdateCompleted] = ("Message type temporal.api.update.v1.Response", "BadUpdateWorkflowExecutionMessage", null, null),
    };

    public static bool Exceeds(IEnumerable<Payload>? values) => values?.Sum(v => (long)v.Bytes.Length) > Blob;

    public static bool Exceeds(string? text) => text?.Length > Blob;

    /// <exception cref="RpcException">A client's arguments are too large.</exception>
    public static Payload[] Checked(Payload[] values) => Exceeds(values)
        ? throw new RpcException(RpcException.StatusCode.InvalidArgument, "Blob data size exceeds limit.", null)
        : values;

    /// <summary>Why a history may not grow any further, if so.</summary>
    public static string? Reason(long events, long bytes) =>
        events > HistoryEvents ? "Workflow history count exceeds limit." : bytes > HistoryBytes ? "Workflow history size exceeds limit." : null;

    /// <summary>Checks what a workflow asks for; <paramref name="pending"/> is how many of a command's type wait already.</summary>
    /// <exception cref="CommandRefusedException">A command holds too much, or there are too many.</exception>
    public static void Check(IEnumerable<Command> commands, Func<EventType, int> pending)
    {
        foreach (var group in commands.GroupBy(c => c.Type))
        {
            var (content, bad, name, tooMany) = Commands.GetValueOrDefault(group.Key);
            if (content != null && group.Any(c => Exceeds(c.Data.Args) || Exceeds(c.Data.Memo?.Values) || (c.Data.Failure != null && Exceeds(Json.Write(c.Data.Failure)))))
            {
                throw new CommandRefusedException(bad!, $"{content} exceeds size limit.", terminates: true);
            }
            if (tooMany != null && group.Count() + pending(group.Key) > Waiting)
            {
                throw new CommandRefusedException(tooMany, $"the number of {name}, {Waiting}, has reached the per-workflow limit of {Waiting}", terminates: false);
            }
        }
    }

    /// <summary>Why a run that has taken so many updates has no room for another.</summary>
    public static RpcException NoRoom(long updates) => updates >= AllUpdates
        ? new(RpcException.StatusCode.FailedPrecondition, $"The limit on the total number of distinct updates in this workflow has been reached ({AllUpdates}).", null)
        : new(RpcException.StatusCode.ResourceExhausted, $"limit on number of concurrent in-flight updates has been reached ({OpenUpdates})", null);

    public static Failure Failed(string message) => new() { Message = message, Server = new(NonRetryable: true) };
}

/// <summary>The service does not take a command of a workflow: the workflow task fails, and the workflow with it where that helps nothing.</summary>
internal sealed class CommandRefusedException(string cause, string message, bool terminates) : Exception($"{cause}: {message}")
{
    /// <summary>The cause of the workflow task's failure, as the service names it.</summary>
    public string Cause => cause;

    /// <summary>Does it end the workflow?</summary>
    public bool Terminates => terminates;
}
