namespace XInstruct.Training.Tuning;

/// <summary>How long training lasts: one of passes, optimisation steps or tokens.</summary>
public sealed record StepBudget
{
    private StepBudget(int? passes, int? steps, long? tokens) => (PassCount, StepCount, TokenCount) = (passes, steps, tokens);

    internal int? PassCount { get; }

    internal int? StepCount { get; }

    internal long? TokenCount { get; }

    /// <summary>So many passes over all examples.</summary>
    public static StepBudget Passes(int count) => new(Positive(count), null, null);

    /// <summary>Exactly so many optimisation steps.</summary>
    public static StepBudget Steps(int count) => new(null, Positive(count), null);

    /// <summary>As many steps as fit into so many tokens (prompts and completions after noise, without padding); at least one.</summary>
    public static StepBudget Tokens(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return new StepBudget(null, null, count);
    }

    private static int Positive(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return count;
    }
}
