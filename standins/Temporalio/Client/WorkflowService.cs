using Temporalio.Api.WorkflowService.V1;

namespace Temporalio.Client;

/// <summary>Calls of the server that have no method of their own at a client.</summary>
public abstract class WorkflowService : RpcService
{
    public abstract Task<DescribeWorkflowExecutionResponse> DescribeWorkflowExecutionAsync(DescribeWorkflowExecutionRequest req, RpcOptions? options = null);

    public abstract Task<DescribeTaskQueueResponse> DescribeTaskQueueAsync(DescribeTaskQueueRequest req, RpcOptions? options = null);

    /// <summary>Those of the engine.</summary>
    public class Core : WorkflowService
    {
        private readonly TemporalConnection connection;

        public Core(TemporalConnection connection) => this.connection = connection;

        public override Task<DescribeWorkflowExecutionResponse> DescribeWorkflowExecutionAsync(DescribeWorkflowExecutionRequest req, RpcOptions? options = null) =>
            StandIn.Calls.LimitedAsync(options, null, token => connection.Engine.DescribeAsync(req, token));

        public override Task<DescribeTaskQueueResponse> DescribeTaskQueueAsync(DescribeTaskQueueRequest req, RpcOptions? options = null) =>
            StandIn.Calls.LimitedAsync(options, null, token => connection.Engine.DescribeAsync(req, token));
    }
}
