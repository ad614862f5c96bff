using Microsoft.Extensions.Logging;

namespace Temporalio.StandIn;

/// <summary>A workflow's logger: says nothing while it is replayed; what the sinks do with threads is not the workflow's fault.</summary>
internal sealed class ReplaySafeLogger(ILogger inner, WorkflowInstance workflow) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => !workflow.IsReplaying && inner.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!workflow.IsReplaying)
        {
            workflow.Untraced(() => inner.Log(logLevel, eventId, state, exception, formatter));
        }
    }
}
