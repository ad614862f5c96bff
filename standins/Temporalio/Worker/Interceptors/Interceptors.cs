using Temporalio.Activities;
using Temporalio.Api.Common.V1;

namespace Temporalio.Worker.Interceptors;

/// <summary>Stands around what a worker does. The stand-in has it around activities.</summary>
public interface IWorkerInterceptor
{
    ActivityInboundInterceptor InterceptActivity(ActivityInboundInterceptor nextInterceptor) => nextInterceptor;
}

/// <summary>An activity's call.</summary>
public record ExecuteActivityInput(ActivityDefinition Activity, object?[] Args, IReadOnlyDictionary<string, Payload>? Headers);

/// <summary>A link of the chain around an activity.</summary>
public abstract class ActivityInboundInterceptor
{
    protected ActivityInboundInterceptor(ActivityInboundInterceptor next) => MaybeNext = next;

    private protected ActivityInboundInterceptor()
    {
    }

    protected ActivityInboundInterceptor Next => MaybeNext ?? throw new InvalidOperationException("No next interceptor");

    private protected ActivityInboundInterceptor? MaybeNext { get; init; }

    public virtual Task<object?> ExecuteActivityAsync(ExecuteActivityInput input) => Next.ExecuteActivityAsync(input);

    /// <summary>The chain of a worker: the first one given is the outermost.</summary>
    internal static ActivityInboundInterceptor Chain(IEnumerable<IWorkerInterceptor>? interceptors) =>
        (interceptors ?? []).Reverse().Aggregate((ActivityInboundInterceptor)new Last(), (next, outer) => outer.InterceptActivity(next));

    private sealed class Last : ActivityInboundInterceptor
    {
        public override Task<object?> ExecuteActivityAsync(ExecuteActivityInput input) => input.Activity.InvokeAsync(input.Args);
    }
}
