using System.Text.Json;
using Temporalio.Api.History.V1;

namespace Temporalio.Common;

/// <summary>All events of a run.</summary>
public record WorkflowHistory(string Id, IReadOnlyCollection<HistoryEvent> Events)
{
    public static WorkflowHistory FromJson(string workflowId, string json)
    {
        var file = JsonSerializer.Deserialize<HistoryFile>(json, StandIn.Json.Options);
        return file?.Events is { Length: > 0 } events
            ? new(workflowId, events)
            : throw new ArgumentException("JSON is not expected history object");
    }

    public string ToJson() => JsonSerializer.Serialize(new HistoryFile([.. Events]), StandIn.Json.Options);

    public void ToJson(TextWriter writer) => writer.Write(ToJson());

    private sealed record HistoryFile(HistoryEvent[]? Events);
}
