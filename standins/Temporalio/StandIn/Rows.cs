using Npgsql;
using Temporalio.Api.Common.V1;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.History.V1;

namespace Temporalio.StandIn;

/// <summary>A row of executions.</summary>
internal sealed record ExecutionRow
{
    public const string Columns = """
        run_id, namespace, workflow_id, workflow_type, task_queue, status, first_run_id, attempt, parent_id, parent_run_id, parent_event,
        parent_policy, start_time, execution_time, close_time, task_timeout, history_length, history_size, memo, attributes::text,
        summary, details, new_run_id, cancel_requested, task_pending, task_attempt, lease_owner, lease_token, sticky_owner, deadline, request_id
        """;

    public required string RunId { get; init; }

    public required string Namespace { get; init; }

    public required string WorkflowId { get; init; }

    public required string WorkflowType { get; init; }

    public required string TaskQueue { get; init; }

    public required WorkflowExecutionStatus Status { get; init; }

    public required string FirstRunId { get; init; }

    public required int Attempt { get; init; }

    public string? ParentId { get; init; }

    public string? ParentRunId { get; init; }

    public long? ParentEvent { get; init; }

    public int? ParentPolicy { get; init; }

    public DateTime StartTime { get; init; }

    public DateTime ExecutionTime { get; init; }

    public DateTime? CloseTime { get; init; }

    public TimeSpan TaskTimeout { get; init; }

    public long HistoryLength { get; init; }

    public long HistorySize { get; init; }

    public required Dictionary<string, Payload> Memo { get; init; }

    public required Dictionary<string, StoredAttribute> Attributes { get; init; }

    public string? Summary { get; init; }

    public string? Details { get; init; }

    public string? NewRunId { get; init; }

    public bool CancelRequested { get; init; }

    public bool TaskPending { get; init; }

    public int TaskAttempt { get; init; }

    public int? LeaseOwner { get; init; }

    public long LeaseToken { get; init; }

    public int? StickyOwner { get; init; }

    public DateTime? Deadline { get; init; }

    public string? RequestId { get; init; }

    public static ExecutionRow Read(NpgsqlDataReader r) => new()
    {
        RunId = r.GetString(0),
        Namespace = r.GetString(1),
        WorkflowId = r.GetString(2),
        WorkflowType = r.GetString(3),
        TaskQueue = r.GetString(4),
        Status = (WorkflowExecutionStatus)r.GetInt16(5),
        FirstRunId = r.GetString(6),
        Attempt = r.GetInt32(7),
        ParentId = r.Text(8),
        ParentRunId = r.Text(9),
        ParentEvent = r.IsDBNull(10) ? null : r.GetInt64(10),
        ParentPolicy = r.IsDBNull(11) ? null : r.GetInt16(11),
        StartTime = r.GetDateTime(12),
        ExecutionTime = r.GetDateTime(13),
        CloseTime = r.Time(14),
        TaskTimeout = TimeSpan.FromSeconds(r.GetDouble(15)),
        HistoryLength = r.GetInt64(16),
        HistorySize = r.GetInt64(17),
        Memo = Json.Read<Dictionary<string, Payload>>(r.GetString(18)),
        Attributes = Json.Read<Dictionary<string, StoredAttribute>>(r.GetString(19)),
        Summary = r.Text(20),
        Details = r.Text(21),
        NewRunId = r.Text(22),
        CancelRequested = r.GetBoolean(23),
        TaskPending = r.GetBoolean(24),
        TaskAttempt = r.GetInt32(25),
        LeaseOwner = r.IsDBNull(26) ? null : r.GetInt32(26),
        LeaseToken = r.GetInt64(27),
        StickyOwner = r.IsDBNull(28) ? null : r.GetInt32(28),
        Deadline = r.Time(29),
        RequestId = r.Text(30),
    };
}

/// <summary>An event that no workflow task has taken yet.</summary>
internal sealed record InboxRow(long Seq, EventType Type, DateTime Time, EventData Data);

/// <summary>An update that waits for a workflow task.</summary>
internal sealed record UpdateRow(string Id, string Name, Payload[] Args);

/// <summary>A query that waits for a worker.</summary>
internal sealed record QueryRow(string Id, string RunId, string Name, Payload[] Args);

/// <summary>A leased workflow task; with the history where that is only its first event.</summary>
internal sealed record WorkflowTask(ExecutionRow Execution, List<InboxRow> Inbox, List<UpdateRow> Updates, List<HistoryEvent> Begun);

internal static class ReaderExtensions
{
    public static string? Text(this NpgsqlDataReader reader, int i) => reader.IsDBNull(i) ? null : reader.GetString(i);

    public static DateTime? Time(this NpgsqlDataReader reader, int i) => reader.IsDBNull(i) ? null : reader.GetDateTime(i);

    /// <summary>The rows of the result at hand.</summary>
    public static async Task<List<T>> RowsAsync<T>(this NpgsqlDataReader reader, Func<NpgsqlDataReader, T> read, CancellationToken token)
    {
        var rows = new List<T>();
        while (await reader.ReadAsync(token).ConfigureAwait(false))
        {
            rows.Add(read(reader));
        }
        return rows;
    }

    public static TimeSpan? Span(this NpgsqlDataReader reader, int i) => reader.IsDBNull(i) ? null : reader.GetTimeSpan(i);
}
