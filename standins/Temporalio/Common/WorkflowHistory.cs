using Temporalio.Api.History.V1;

namespace Temporalio.Common;

/// <summary>All events of a run.</summary>
public record WorkflowHistory(string Id, IReadOnlyCollection<HistoryEvent> Events)
{
    public static WorkflowHistory FromJson(string workflowId, string json) => new(workflowId, StandIn.HistoryJson.Read(json));

    public string ToJson() => StandIn.HistoryJson.Write(Events);

    public void ToJson(TextWriter writer) => writer.Write(ToJson());
}
