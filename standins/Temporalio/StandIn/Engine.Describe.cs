using Google.Protobuf.WellKnownTypes;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.TaskQueue.V1;
using Temporalio.Api.Workflow.V1;
using Temporalio.Api.WorkflowService.V1;
using Temporalio.Exceptions;

namespace Temporalio.StandIn;

/// <summary>What runs and queues wait for.</summary>
internal sealed partial class Engine
{
    public async Task<DescribeWorkflowExecutionResponse> DescribeAsync(DescribeWorkflowExecutionRequest request, CancellationToken token)
    {
        var id = request.Execution?.WorkflowId ?? string.Empty;
        var run = request.Execution?.RunId is { Length: > 0 } given ? given : null;
        return await TransactAsync(
            async t =>
            {
                var row = await FindAsync(t, request.Namespace, id, run).ConfigureAwait(false) ??
                    throw new RpcException(RpcException.StatusCode.NotFound, $"workflow not found for ID: {id}", null);
                var response = new DescribeWorkflowExecutionResponse();
                if (row.Status != WorkflowExecutionStatus.Running)
                {
                    return response;
                }
                var activities = await t.ReadAsync(
                    ActivityRow.Read, $"SELECT {ActivityRow.Columns} FROM activities WHERE run_id = $1 ORDER BY event_id", row.RunId).ConfigureAwait(false);
                response.PendingActivities.AddRange(activities.Select(Pending));
                response.PendingChildren.AddRange(await t.ReadAsync(
                    r => new PendingChildExecutionInfo { WorkflowId = r.GetString(0), RunId = r.GetString(1), WorkflowTypeName = r.GetString(2) },
                    "SELECT workflow_id, run_id, workflow_type FROM executions WHERE parent_run_id = $1 AND status = 1 ORDER BY start_time, workflow_id",
                    row.RunId).ConfigureAwait(false));
                if (row.TaskPending || row.LeaseOwner != null)
                {
                    response.PendingWorkflowTask = new PendingWorkflowTaskInfo
                    {
                        State = row.LeaseOwner == null ? PendingWorkflowTaskState.Scheduled : PendingWorkflowTaskState.Started,
                        Attempt = row.TaskAttempt + 1,
                    };
                }
                return response;
            },
            token).ConfigureAwait(false);
    }

    public async Task<DescribeTaskQueueResponse> DescribeAsync(DescribeTaskQueueRequest request, CancellationToken token)
    {
        var response = new DescribeTaskQueueResponse();
        if (!request.ReportStats)
        {
            return response;
        }
        var sql = request.TaskQueueType == TaskQueueType.Activity
            ? "SELECT count(*), min(visible_at) FROM activities WHERE namespace = $1 AND task_queue = $2 AND state = 0 AND visible_at <= $3"
            : "SELECT count(*), min(task_at) FROM executions WHERE namespace = $1 AND task_queue = $2 AND task_pending AND lease_owner IS NULL AND task_at <= $3";
        var now = Clock.Now;
        await ReadyAsync(token).ConfigureAwait(false);
        var (count, oldest) = (await ReadAsync(
            r => (r.GetInt64(0), r.Time(1)), sql, [request.Namespace, request.TaskQueue?.Name ?? string.Empty, now], token).ConfigureAwait(false))[0];
        response.Stats = new TaskQueueStats
        {
            ApproximateBacklogCount = count,
            ApproximateBacklogAge = Duration.FromTimeSpan(oldest is { } since && since < now ? now - since : TimeSpan.Zero),
        };
        return response;
    }

    private static PendingActivityInfo Pending(ActivityRow row) => new()
    {
        ActivityId = row.ActivityId,
        ActivityType = new() { Name = row.Data.Name! },
        State = row.CancelRequested ? PendingActivityState.CancelRequested : row.State == 1 ? PendingActivityState.Started : PendingActivityState.Scheduled,
        Attempt = row.Attempt,
        ScheduledTime = Timestamp.FromDateTime(row.AttemptScheduledAt.ToUniversalTime()),
        LastStartedTime = row.StartedAt is { } started ? Timestamp.FromDateTime(started.ToUniversalTime()) : null,
        LastFailure = row.LastFailure == null ? null : Json.Read<Api.Failure.V1.Failure>(row.LastFailure),
        LastWorkerIdentity = row.Identity ?? string.Empty,
        ActivityOptions = new() { TaskQueue = new() { Name = row.TaskQueue } },
    };
}
