using System.Diagnostics;
using Temporalio.Activities;
using Temporalio.Exceptions;
using Temporalio.Worker.Interceptors;

namespace XInstruct.Activities.Monitoring;

/// <summary>Counts the activities of a worker.</summary>
public sealed class ActivityInstruments : IWorkerInterceptor
{
    /// <inheritdoc/>
    public ActivityInboundInterceptor InterceptActivity(ActivityInboundInterceptor nextInterceptor) => new Around(nextInterceptor);

    private sealed class Around(ActivityInboundInterceptor next) : ActivityInboundInterceptor(next)
    {
        public override async Task<object?> ExecuteActivityAsync(ExecuteActivityInput input)
        {
            var info = ActivityExecutionContext.Current.Info;
            var (began, outcome, reason) = (Stopwatch.GetTimestamp(), "completed", (string?)null);
            Instruments.ActivityBegan(info.TaskQueue);
            try
            {
                return await base.ExecuteActivityAsync(input);
            }
            catch (Exception e)
            {
                (outcome, reason) = e is OperationCanceledException or CanceledFailureException ? ("canceled", (string?)null) : ("failed", Reason(e));
                throw;
            }
            finally
            {
                Instruments.ActivityEnded(info.TaskQueue, info.ActivityType, outcome, reason, Stopwatch.GetElapsedTime(began));
            }
        }

        private static string Reason(Exception e) => e is ApplicationFailureException { ErrorType: { Length: > 0 } type } ? type : e.GetType().Name;
    }
}
