namespace Temporalio.Workflows;

/// <summary>A delay.</summary>
public class DelayOptions : ICloneable
{
    public DelayOptions()
        : this(TimeSpan.Zero)
    {
    }

    public DelayOptions(int millisecondsDelay, string? summary = null, CancellationToken? cancellationToken = null)
        : this(TimeSpan.FromMilliseconds(millisecondsDelay), summary, cancellationToken)
    {
    }

    public DelayOptions(TimeSpan delay, string? summary = null, CancellationToken? cancellationToken = null) =>
        (Delay, Summary, CancellationToken) = (delay, summary, cancellationToken);

    public TimeSpan Delay { get; set; }

    public string? Summary { get; set; }

    public CancellationToken? CancellationToken { get; set; }

    public virtual object Clone() => MemberwiseClone();
}

/// <summary>A condition to wait for.</summary>
public class WaitConditionOptions : ICloneable
{
    public WaitConditionOptions()
        : this(() => false)
    {
    }

    public WaitConditionOptions(
        Func<bool> conditionCheck, TimeSpan? timeout = null, string? timeoutSummary = null, CancellationToken? cancellationToken = null) =>
        (ConditionCheck, Timeout, TimeoutSummary, CancellationToken) = (conditionCheck, timeout, timeoutSummary, cancellationToken);

    public Func<bool> ConditionCheck { get; set; }

    public TimeSpan? Timeout { get; set; }

    public string? TimeoutSummary { get; set; }

    public CancellationToken? CancellationToken { get; set; }

    public virtual object Clone() => MemberwiseClone();
}
