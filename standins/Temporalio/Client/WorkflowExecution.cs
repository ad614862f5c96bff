using Temporalio.Api.Enums.V1;
using Temporalio.Common;
using Temporalio.Converters;
using Temporalio.StandIn;

namespace Temporalio.Client;

/// <summary>What is known of an execution without its history.</summary>
public class WorkflowExecution
{
    private readonly ExecutionRow row;
    private readonly DataConverter converter;

    internal WorkflowExecution(ExecutionRow row, DataConverter converter) => (this.row, this.converter) = (row, converter);

    public DateTime? CloseTime => row.CloseTime;

    public DateTime? ExecutionTime => row.ExecutionTime;

    public int HistoryLength => (int)row.HistoryLength;

    public string Id => row.WorkflowId;

    public IReadOnlyDictionary<string, IEncodedRawValue> Memo =>
        row.Memo.ToDictionary(p => p.Key, p => (IEncodedRawValue)new EncodedRawValue(converter, p.Value));

    public string? ParentId => row.ParentId;

    public string? ParentRunId => row.ParentRunId;

    public string RunId => row.RunId;

    public DateTime StartTime => row.StartTime;

    public WorkflowExecutionStatus Status => row.Status;

    public string TaskQueue => row.TaskQueue;

    public SearchAttributeCollection TypedSearchAttributes => SearchAttributeCollection.FromStored(row.Attributes);

    public string WorkflowType => row.WorkflowType;

    private protected ExecutionRow Row => row;
}

/// <summary>The same with the texts given at the start.</summary>
public class WorkflowExecutionDescription : WorkflowExecution
{
    internal WorkflowExecutionDescription(ExecutionRow row, DataConverter converter)
        : base(row, converter)
    {
    }

    public Task<string?> GetStaticSummaryAsync() => Task.FromResult(Row.Summary);

    public Task<string?> GetStaticDetailsAsync() => Task.FromResult(Row.Details);
}

/// <summary>A page of a list.</summary>
public record WorkflowListPage(IReadOnlyCollection<WorkflowExecution> Workflows, byte[]? NextPageToken);

/// <summary>How many executions.</summary>
public class WorkflowExecutionCount
{
    internal WorkflowExecutionCount(long count) => Count = count;

    public long Count { get; private init; }
}
