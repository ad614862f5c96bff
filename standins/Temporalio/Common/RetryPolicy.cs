namespace Temporalio.Common;

/// <summary>How often and when something that failed is tried again.</summary>
public record RetryPolicy
{
    public TimeSpan InitialInterval { get; set; } = TimeSpan.FromSeconds(1);

    public float BackoffCoefficient { get; set; } = 2.0F;

    /// <summary>Longest wait; 100 × the initial interval if unset.</summary>
    public TimeSpan? MaximumInterval { get; set; }

    /// <summary>0 is without end, 1 is never again.</summary>
    public int MaximumAttempts { get; set; }

    public IReadOnlyCollection<string>? NonRetryableErrorTypes { get; set; }

    /// <summary>The wait after a failed attempt (counted from 1), or null when there is none to come.</summary>
    internal TimeSpan? DelayAfter(int attempt)
    {
        if (MaximumAttempts > 0 && attempt >= MaximumAttempts)
        {
            return null;
        }
        var limit = MaximumInterval ?? InitialInterval * 100;
        var delay = InitialInterval.TotalSeconds * Math.Pow(BackoffCoefficient, attempt - 1);
        return double.IsFinite(delay) && delay < limit.TotalSeconds ? TimeSpan.FromSeconds(delay) : limit;
    }
}
