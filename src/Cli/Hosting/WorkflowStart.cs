using System.Linq.Expressions;
using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Workflows;

namespace XInstruct.Cli.Hosting;

/// <summary>How commands start what may be under way already, and end the workers they brought.</summary>
internal static class WorkflowStart
{
    /// <summary>Starts a workflow. Started twice, the second attaches to the first; a failed one starts again over what is stored.</summary>
    public static async Task<WorkflowHandle<TWorkflow, TResult>> StartOrAttachAsync<TWorkflow, TResult>(
        this ITemporalClient client, Expression<Func<TWorkflow, Task<TResult>>> call, string id, CancellationToken ct)
    {
        try
        {
            return await client.StartWorkflowAsync(call, new WorkflowOptions(id, TaskQueues.Cpu)
            {
                IdConflictPolicy = WorkflowIdConflictPolicy.UseExisting,
                IdReusePolicy = WorkflowIdReusePolicy.AllowDuplicateFailedOnly,
                Rpc = new RpcOptions { CancellationToken = ct },
            });
        }
        catch (WorkflowAlreadyStartedException)
        {
            return client.GetWorkflowHandle<TWorkflow, TResult>(id);
        }
    }

    /// <summary>Whether a workflow has begun and not ended.</summary>
    public static async Task<bool> IsUnderWayAsync(this ITemporalClient client, string id)
    {
        try
        {
            return (await client.GetWorkflowHandle(id).DescribeAsync()).Status == WorkflowExecutionStatus.Running;
        }
        catch (RpcException e) when (e.Code == RpcException.StatusCode.NotFound)
        {
            return false;
        }
    }

    /// <summary>Waits for workers that were told to stop.</summary>
    public static async Task IgnoreStopAsync(Task workers)
    {
        try
        {
            await workers;
        }
        catch (OperationCanceledException)
        {
            // Being stopped is how workers end.
        }
    }
}
