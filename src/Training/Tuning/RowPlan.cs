using XInstruct.Domain.Statistics;

namespace XInstruct.Training.Tuning;

/// <summary>How sequences are put into rows, rows into micro-batches and those into steps.</summary>
public sealed record RowPlanOptions
{
    /// <summary>How long training lasts.</summary>
    public StepBudget Budget { get; init; } = StepBudget.Passes(3);

    /// <summary>Rows times longest row of a micro-batch, at most; a longer single row is one of its own.</summary>
    public int BatchTokens { get; init; } = 2048;

    /// <summary>Micro-batches of one step.</summary>
    public int AccumulationSteps { get; init; } = 1;

    /// <summary>Tokens of a row that holds several sequences, at most; 0 for one sequence a row.</summary>
    public int PackedTokens { get; init; }

    /// <summary>Fixes the order.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>
/// Which sequences each step sees, by index: a function of their lengths, the options and the seed, so that a training that goes on from step n
/// needs to know n and nothing else. Every pass shuffles anew, packs (best fit, longest first) and puts rows of similar length together.
/// </summary>
internal sealed class RowPlan
{
    private readonly List<int[][][]> _steps = [];

    public RowPlan(IReadOnlyList<int> lengths, RowPlanOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfZero(lengths.Count);
        var budget = options.Budget;
        var pending = new List<int[][]>();
        var tokens = 0L;
        for (var pass = 0; budget.PassCount is not { } passes || pass < passes; pass++)
        {
            var random = new DeterministicRandom(options.Seed, (ulong)pass);
            var order = Enumerable.Range(0, lengths.Count).ToArray();
            random.Shuffle<int>(order);
            var batches = Batches(Rows(order, lengths, options.PackedTokens), lengths, options.BatchTokens).ToArray();
            random.Shuffle<int[][]>(batches);
            foreach (var batch in batches)
            {
                pending.Add(batch);
                if (pending.Count < options.AccumulationSteps) continue;
                tokens += pending.Sum(b => b.Sum(row => row.Sum(i => (long)lengths[i])));
                if (budget.TokenCount is { } limit && tokens > limit && _steps.Count > 0) return;
                _steps.Add([.. pending]);
                pending.Clear();
                if (_steps.Count == budget.StepCount) return;
            }
        }

        if (pending.Count > 0) _steps.Add([.. pending]);
    }

    /// <summary>Steps in all.</summary>
    public int Count => _steps.Count;

    /// <summary>A step's micro-batches, their rows, and the sequences in each row.</summary>
    public int[][][] Step(int step) => _steps[step];

    /// <summary>Rows in micro-batches, those of similar length together.</summary>
    public static IEnumerable<int[][]> Batches(IEnumerable<int[]> rows, IReadOnlyList<int> lengths, int batchTokens)
    {
        var batch = new List<int[]>();
        // A stable sort: rows of the same length stay in their order.
        foreach (var (row, length) in rows.Select(row => (Row: row, Length: row.Sum(i => (long)lengths[i]))).OrderBy(row => row.Length))
        {
            if (batch.Count > 0 && length * (batch.Count + 1) > batchTokens)
            {
                yield return [.. batch];
                batch.Clear();
            }

            batch.Add(row);
        }

        if (batch.Count > 0) yield return [.. batch];
    }

    private static IEnumerable<int[]> Rows(int[] order, IReadOnlyList<int> lengths, int packedTokens)
    {
        if (packedTokens == 0) return order.Select(i => new[] { i });
        var rows = new List<List<int>>();
        // Rows by the room that they have left.
        var open = new SortedDictionary<int, Stack<List<int>>>();
        var rooms = new SortedSet<int>();
        foreach (var i in order.OrderByDescending(i => lengths[i]))
        {
            var length = lengths[i];
            List<int> row;
            var room = rooms.GetViewBetween(length, Math.Max(length, packedTokens)) is { Count: > 0 } fitting ? fitting.Min : packedTokens;
            if (rooms.Contains(room) && room >= length)
            {
                row = open[room].Pop();
                if (open[room].Count == 0) rooms.Remove(room);
            }
            else
            {
                rows.Add(row = []);
            }

            row.Add(i);
            var left = room - length;
            if (left <= 0) continue;
            if (!open.TryGetValue(left, out var stack)) open[left] = stack = new Stack<List<int>>();
            stack.Push(row);
            rooms.Add(left);
        }

        return rows.Select(row => row.ToArray());
    }
}
