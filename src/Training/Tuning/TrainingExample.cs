using XInstruct.Domain.Statistics;

namespace XInstruct.Training.Tuning;

/// <summary>One example: prompt = prefix + text + suffix, then the completion that is to be learnt.</summary>
/// <param name="Prefix">Fixed tokens before the text.</param>
/// <param name="Text">The part of the prompt that input noise may drop and shuffle; empty when there is none.</param>
/// <param name="Suffix">Fixed tokens after the text.</param>
/// <param name="Completion">The tokens to learn, with the token that ends them.</param>
/// <param name="Weight">How much its tokens count in the loss.</param>
public sealed record TrainingExample(int[] Prefix, int[] Text, int[] Suffix, int[] Completion, double Weight = 1)
{
    /// <summary>An example whose prompt is fixed.</summary>
    public static TrainingExample Of(int[] prompt, int[] completion, double weight = 1) => new(prompt, [], [], completion, weight);
}

/// <summary>
/// Noise on the text part of a prompt, new at every pass: a share of its tokens, drawn uniformly, is dropped, and with some probability the rest
/// is shuffled. The text becomes a bag of hints, which is what a few dozen examples can teach.
/// </summary>
/// <param name="ShuffleProbability">How often the tokens are put in a random order.</param>
/// <param name="MaxDrop">The largest share of tokens dropped; the share is uniform between 0 and this.</param>
public sealed record InputNoise(double ShuffleProbability = 0.5, double MaxDrop = 0.6)
{
    /// <summary>The noisy tokens.</summary>
    public int[] Disturb(ReadOnlySpan<int> tokens, DeterministicRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        var share = random.NextDouble() * MaxDrop;
        var kept = new List<int>(tokens.Length);
        foreach (var token in tokens)
        {
            if (random.NextDouble() >= share)
                kept.Add(token);
        }
        int[] result = [.. kept];
        if (random.NextDouble() < ShuffleProbability)
            random.Shuffle<int>(result);
        return result;
    }
}
