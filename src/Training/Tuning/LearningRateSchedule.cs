namespace XInstruct.Training.Tuning;

/// <summary>How the learning rate falls after the warm-up.</summary>
public enum Decay
{
    /// <summary>It stays.</summary>
    Constant,

    /// <summary>In a straight line.</summary>
    Linear,

    /// <summary>Along half a cosine.</summary>
    Cosine,

    /// <summary>Along half a cosine, several times over (Loshchilov and Hutter 2017).</summary>
    CosineRestarts,

    /// <summary>Along a power of what is left.</summary>
    Polynomial,

    /// <summary>With the root of the step; the scale is the warm-up, or 10,000 steps without one.</summary>
    InverseSquareRoot,
}

/// <summary>
/// The learning rate of each update: from 0 in a straight line to the base rate during the warm-up, then down to
/// <paramref name="Floor"/> × base at <paramref name="TotalSteps"/>. With floor 0 it equals the schedules of Hugging Face transformers.
/// </summary>
/// <param name="BaseRate">The highest rate.</param>
/// <param name="Decay">The shape after the warm-up.</param>
/// <param name="WarmupSteps">Updates before the base rate is reached.</param>
/// <param name="TotalSteps">Updates in all.</param>
/// <param name="Floor">The lowest rate after the warm-up, as a share of the base rate.</param>
public sealed record LearningRateSchedule(double BaseRate, Decay Decay, int WarmupSteps, int TotalSteps, double Floor = 0)
{
    /// <summary>How often <see cref="Decay.CosineRestarts"/> falls.</summary>
    public int Cycles { get; init; } = 1;

    /// <summary>The power of <see cref="Decay.Polynomial"/>.</summary>
    public double Power { get; init; } = 1;

    /// <summary>The rate of update <paramref name="step"/>, counted from 0.</summary>
    public double At(int step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        if (step < WarmupSteps)
            return BaseRate * step / Math.Max(1, WarmupSteps);
        var span = (double)Math.Max(1, TotalSteps - WarmupSteps);
        return BaseRate * Decay switch
        {
            Decay.Constant => 1,
            Decay.Linear => Math.Max(Floor, (TotalSteps - step) / span),
            Decay.CosineRestarts when step >= TotalSteps => Floor,
            Decay.CosineRestarts => Floor + ((1 - Floor) * 0.5 * (1 + Math.Cos(Math.PI * (Cycles * ((step - WarmupSteps) / span) % 1)))),
            Decay.Polynomial => Floor + ((1 - Floor) * Math.Pow(Math.Max(0, (TotalSteps - step) / span), Power)),
            Decay.InverseSquareRoot => 1 / Math.Sqrt((double)(step - WarmupSteps + InverseScale) / InverseScale),
            _ => Floor + ((1 - Floor) * 0.5 * (1 + Math.Cos(Math.PI * (step - WarmupSteps) / span))),
        };
    }

    private int InverseScale => WarmupSteps > 0 ? WarmupSteps : 10_000;
}
