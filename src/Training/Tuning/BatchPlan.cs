using XInstruct.Domain.Statistics;

namespace XInstruct.Training.Tuning;

/// <summary>One sequence to train on.</summary>
/// <param name="Tokens">All of it; at least two.</param>
/// <param name="LearnFrom">Index of the first token that is learnt; the first of all follows nothing and never is.</param>
/// <param name="Weight">How much its tokens count in the loss.</param>
public sealed record TrainingRow(int[] Tokens, int LearnFrom, double Weight)
{
    /// <summary>Tokens in the loss.</summary>
    public int LearntTokens => Tokens.Length - Math.Max(1, LearnFrom);
}

/// <summary>
/// Which rows each optimisation step sees, fixed by the examples' order, the options and the seed: every pass draws the noise anew, puts rows of
/// similar length together and shuffles the batches.
/// </summary>
internal sealed class BatchPlan(IReadOnlyList<TrainingExample> examples, TrainingOptions options)
{
    /// <summary>The steps in order, each a list of micro-batches.</summary>
    public List<TrainingRow[][]> Steps()
    {
        var steps = new List<TrainingRow[][]>();
        var budget = options.Budget;
        var pending = new List<TrainingRow[]>();
        var tokens = 0L;
        for (var pass = 0; budget.PassCount is not { } passes || pass < passes; pass++)
        {
            foreach (var batch in Pass(pass))
            {
                pending.Add(batch);
                if (pending.Count < options.AccumulationSteps)
                    continue;
                if (budget.TokenCount is { } limit && (tokens += Count(pending)) > limit && steps.Count > 0)
                    return steps;
                steps.Add([.. pending]);
                pending.Clear();
                if (steps.Count == budget.StepCount)
                    return steps;
            }
        }
        if (pending.Count > 0)
            steps.Add([.. pending]);
        return steps;
    }

    public static long Count(IEnumerable<TrainingRow[]> batches) => batches.Sum(batch => batch.Sum(row => (long)row.Tokens.Length));

    private List<TrainingRow[]> Pass(int pass)
    {
        var random = new DeterministicRandom(options.Seed, (ulong)pass);
        var order = Enumerable.Range(0, examples.Count).ToArray();
        random.Shuffle<int>(order);
        // A stable sort: rows of the same length stay in the shuffled order.
        var rows = order.Select(index => Row(pass, index)).OrderBy(row => row.Tokens.Length).ToArray();
        var batches = new List<TrainingRow[]>();
        var start = 0;
        for (var i = 1; i <= rows.Length; i++)
        {
            if (i < rows.Length && rows[i].Tokens.Length * (long)(i + 1 - start) <= options.BatchTokens)
                continue;
            batches.Add(rows[start..i]);
            start = i;
        }
        var shuffled = batches.ToArray();
        random.Shuffle<TrainingRow[]>(shuffled);
        return [.. shuffled];
    }

    private TrainingRow Row(int pass, int index)
    {
        var example = examples[index];
        ReadOnlySpan<int> text = example.Text;
        if (options.Noise is { } noise && text.Length > 0)
            text = noise.Disturb(text, new DeterministicRandom(options.Seed, (ulong)pass, (ulong)index + 1));
        var completion = example.Completion.AsSpan(0, Math.Min(example.Completion.Length, options.MaxTokens - 1));
        var room = options.MaxTokens - completion.Length;
        text = text[..Math.Clamp(room - example.Prefix.Length - example.Suffix.Length, 0, text.Length)];
        int[] prompt = [.. example.Prefix, .. text, .. example.Suffix];
        if (prompt.Length > room)
            prompt = prompt[^room..];
        return new TrainingRow([.. prompt, .. completion], options.CompletionsOnly ? prompt.Length : 0, example.Weight);
    }
}
