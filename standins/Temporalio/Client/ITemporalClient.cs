using System.Linq.Expressions;

namespace Temporalio.Client;

/// <summary>A client: starts workflows and talks to them.</summary>
public interface ITemporalClient : Worker.IWorkerClient
{
    ITemporalConnection Connection { get; }

    WorkflowService WorkflowService { get; }

    Task<WorkflowHandle<TWorkflow, TResult>> StartWorkflowAsync<TWorkflow, TResult>(
        Expression<Func<TWorkflow, Task<TResult>>> workflowRunCall, WorkflowOptions options);

    Task<WorkflowHandle<TWorkflow>> StartWorkflowAsync<TWorkflow>(
        Expression<Func<TWorkflow, Task>> workflowRunCall, WorkflowOptions options);

    Task<WorkflowHandle> StartWorkflowAsync(string workflow, IReadOnlyCollection<object?> args, WorkflowOptions options);

    WorkflowHandle GetWorkflowHandle(string id, string? runId = null, string? firstExecutionRunId = null);

    WorkflowHandle<TWorkflow> GetWorkflowHandle<TWorkflow>(string id, string? runId = null, string? firstExecutionRunId = null);

    WorkflowHandle<TWorkflow, TResult> GetWorkflowHandle<TWorkflow, TResult>(
        string id, string? runId = null, string? firstExecutionRunId = null);

    IAsyncEnumerable<WorkflowExecution> ListWorkflowsAsync(string query, WorkflowListOptions? options = null);

    Task<WorkflowExecutionCount> CountWorkflowsAsync(string query, WorkflowCountOptions? options = null);

    Task<WorkflowListPage> ListWorkflowsPaginatedAsync(
        string query, byte[]? nextPageToken, WorkflowListPaginatedOptions? options = null);
}

/// <summary>A connection.</summary>
public interface ITemporalConnection
{
    TemporalConnectionOptions Options { get; }

    bool IsConnected { get; }

    WorkflowService WorkflowService { get; }

    /// <summary>Is the service (here: its database) reachable?</summary>
    Task<bool> CheckHealthAsync(RpcService? service = null, RpcOptions? options = null);

    Task ConnectAsync();
}

/// <summary>A service of the server; the stand-in has one only.</summary>
public abstract class RpcService
{
    private protected RpcService()
    {
    }
}
