using Temporalio.Api.Enums.V1;
using Temporalio.Api.History.V1;

namespace Temporalio.StandIn;

/// <summary>Collects the next events of a locked run.</summary>
internal sealed class HistoryWriter(ExecutionRow run)
{
    private readonly List<(HistoryEvent Event, string Data)> rows = [];

    public long Length { get; private set; } = run.HistoryLength;

    public long Size { get; private set; } = run.HistorySize;

    public IEnumerable<HistoryEvent> Events => rows.Select(r => r.Event);

    /// <summary>An event from the inbox; the end of an activity attempt also tells when that attempt began.</summary>
    public HistoryEvent Add(InboxRow row)
    {
        if (row.Data.At is { } started && row.Type is EventType.ActivityTaskCompleted or EventType.ActivityTaskFailed or
            EventType.ActivityTaskCanceled or EventType.ActivityTaskTimedOut)
        {
            Add(EventType.ActivityTaskStarted, started, new EventData
            {
                Ref = row.Data.Ref,
                Attempt = row.Data.Attempt,
                Identity = row.Data.Identity,
            });
        }
        return Add(row.Type, row.Time, row.Data);
    }

    public HistoryEvent Add(EventType type, DateTime time, EventData data)
    {
        var text = Json.Write(data);
        Size += text.Length;
        var added = new HistoryEvent { EventId = ++Length, EventType = type, Time = time, Data = data };
        rows.Add((added, text));
        return added;
    }

    public void Write(Transaction t)
    {
        WriteEvents(t);
        t.Later("UPDATE executions SET history_length = $2, history_size = $3 WHERE run_id = $1", run.RunId, Length, Size);
    }

    /// <summary>Writes the events only; the run's row, which whoever writes it next must do, is to say how many there are.</summary>
    public void WriteEvents(Transaction t) =>
        t.Later(
            """
            INSERT INTO events (run_id, event_id, type, time, data)
            SELECT $1, * FROM unnest($2::bigint[], $3::smallint[], $4::timestamptz[], $5::text[])
            """,
            run.RunId,
            rows.Select(r => r.Event.EventId).ToArray(),
            rows.Select(r => (short)r.Event.EventType).ToArray(),
            rows.Select(r => r.Event.Time).ToArray(),
            rows.Select(r => r.Data).ToArray());
}
