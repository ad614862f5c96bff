using System.Linq.Expressions;
using Temporalio.Common;
using Temporalio.StandIn;
using Temporalio.Workflows;

namespace Temporalio.Client;

/// <inheritdoc cref="ITemporalClient"/>
public class TemporalClient : ITemporalClient
{
    public TemporalClient(ITemporalConnection connection, TemporalClientOptions options)
    {
        Connection = connection;
        Options = options;
        Calls = new Calls(this, ((TemporalConnection)connection).Engine);
    }

    public ITemporalConnection Connection { get; private init; }

    public WorkflowService WorkflowService => Connection.WorkflowService;

    public TemporalClientOptions Options { get; private init; }

    internal Calls Calls { get; }

    internal Engine Engine => ((TemporalConnection)Connection).Engine;

    public static async Task<TemporalClient> ConnectAsync(TemporalClientConnectOptions options) =>
        new(await TemporalConnection.ConnectAsync(options).ConfigureAwait(false), options.ToClientOptions());

    public static TemporalClient CreateLazy(TemporalClientConnectOptions options) =>
        new(TemporalConnection.CreateLazy(options), options.ToClientOptions());

    public async Task<WorkflowHandle<TWorkflow, TResult>> StartWorkflowAsync<TWorkflow, TResult>(
        Expression<Func<TWorkflow, Task<TResult>>> workflowRunCall, WorkflowOptions options)
    {
        var (method, args) = ExpressionUtil.ExtractCall(workflowRunCall);
        var (runId, started) = await Calls.StartAsync(WorkflowDefinition.NameFromRunMethodForCall(method), args, options).ConfigureAwait(false);
        return new(this, options.Id!, null, runId, started ? runId : null);
    }

    public async Task<WorkflowHandle<TWorkflow>> StartWorkflowAsync<TWorkflow>(
        Expression<Func<TWorkflow, Task>> workflowRunCall, WorkflowOptions options)
    {
        var (method, args) = ExpressionUtil.ExtractCall(workflowRunCall);
        var (runId, started) = await Calls.StartAsync(WorkflowDefinition.NameFromRunMethodForCall(method), args, options).ConfigureAwait(false);
        return new(this, options.Id!, null, runId, started ? runId : null);
    }

    public async Task<WorkflowHandle> StartWorkflowAsync(string workflow, IReadOnlyCollection<object?> args, WorkflowOptions options)
    {
        var (runId, started) = await Calls.StartAsync(workflow, args, options).ConfigureAwait(false);
        return new(this, options.Id!, null, runId, started ? runId : null);
    }

    public WorkflowHandle GetWorkflowHandle(string id, string? runId = null, string? firstExecutionRunId = null) =>
        new(this, id, runId, runId, firstExecutionRunId);

    public WorkflowHandle<TWorkflow> GetWorkflowHandle<TWorkflow>(string id, string? runId = null, string? firstExecutionRunId = null) =>
        new(this, id, runId, runId, firstExecutionRunId);

    public WorkflowHandle<TWorkflow, TResult> GetWorkflowHandle<TWorkflow, TResult>(
        string id, string? runId = null, string? firstExecutionRunId = null) => new(this, id, runId, runId, firstExecutionRunId);

    public async IAsyncEnumerable<WorkflowExecution> ListWorkflowsAsync(string query, WorkflowListOptions? options = null)
    {
        var limit = options is { Limit: > 0 } ? options.Limit : int.MaxValue;
        byte[]? token = null;
        do
        {
            var page = await ListWorkflowsPaginatedAsync(query, token).ConfigureAwait(false);
            token = page.NextPageToken;
            foreach (var execution in page.Workflows)
            {
                if (limit-- <= 0)
                {
                    yield break;
                }
                yield return execution;
            }
        }
        while (token != null);
    }

    public async Task<WorkflowExecutionCount> CountWorkflowsAsync(string query, WorkflowCountOptions? options = null) =>
        new(await Calls.CountAsync(query).ConfigureAwait(false));

    public Task<WorkflowListPage> ListWorkflowsPaginatedAsync(
        string query, byte[]? nextPageToken, WorkflowListPaginatedOptions? options = null) =>
        Calls.ListAsync(query, nextPageToken, options is { PageSize: > 0 } ? options.PageSize : 1000);
}
