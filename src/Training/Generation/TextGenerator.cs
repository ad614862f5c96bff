using XInstruct.Domain.Statistics;
using XInstruct.Training.Models;
using XInstruct.Training.Tuning;
using static TorchSharp.torch;

namespace XInstruct.Training.Generation;

/// <summary>One prompt to continue, with the seed of its own random sequence.</summary>
/// <param name="Prompt">Token ids; at least one.</param>
/// <param name="Seed">Used when tokens are drawn (temperature above 0).</param>
public sealed record GenerationRequest(int[] Prompt, ulong Seed = 0);

/// <summary>How prompts are continued.</summary>
public sealed record GenerationOptions
{
    /// <summary>New tokens at most.</summary>
    public int MaxNewTokens { get; init; } = 64;

    /// <summary>Ids that end a continuation.</summary>
    public IReadOnlyList<int> StopIds { get; init; } = [];

    /// <summary>How the next token is chosen.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Prompts continued together. Part of what determines the result's last bits, as are the threads.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Threads of the tensor library.</summary>
    public int Threads { get; init; } = 1;
}

/// <summary>A continuation.</summary>
/// <param name="Ids">The new tokens without the stop token.</param>
/// <param name="LogProbabilities">Of each new token and, when it stopped, of the stop token last: natural logarithms under the model itself, before any filter.</param>
/// <param name="Stopped">Whether a stop token ended it, rather than the limit.</param>
public sealed record Continuation(int[] Ids, float[] LogProbabilities, bool Stopped)
{
    /// <summary>Mean log-probability of a token, the stop token included; −∞ when there is none.</summary>
    public double MeanLogProbability => LogProbabilities.Length == 0 ? double.NegativeInfinity : LogProbabilities.Average(value => (double)value);
}

/// <summary>Continues prompts in batches with a key–value cache. Batches are made of neighbours in the caller's order.</summary>
public static class TextGenerator
{
    /// <summary>Continues the prompts; results are in their order.</summary>
    /// <exception cref="ArgumentException">A prompt is empty.</exception>
    public static IReadOnlyList<Continuation> Generate(
        Decoder model, IReadOnlyList<GenerationRequest> requests, GenerationOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(requests);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.BatchSize);
        if (requests.Any(request => request.Prompt.Length == 0))
            throw new ArgumentException("A prompt needs at least one token.", nameof(requests));
        set_num_threads(options.Threads);
        model.eval();
        var results = new List<Continuation>(requests.Count);
        foreach (var batch in requests.Chunk(options.BatchSize))
            results.AddRange(GenerateBatch(model, batch, options, cancellation));
        return results;
    }

    private static IEnumerable<Continuation> GenerateBatch(
        Decoder model, GenerationRequest[] requests, GenerationOptions options, CancellationToken cancellation)
    {
        using var noGrad = no_grad();
        using var batchScope = NewDisposeScope();
        using var cache = new KeyValueCache();
        var rows = requests.Select(request => new Row(request, options)).ToArray();
        var width = requests.Max(request => request.Prompt.Length);
        var device = model.Device();
        var (ids, mask, positions) = PadLeft(requests, width);
        // All of it once; a step sees a part.
        var seen = cat([tensor(mask, [rows.Length, width], device: device), ones([rows.Length, options.MaxNewTokens], ScalarType.Int64, device)], 1);
        var input = (Ids: ids, Positions: positions, Columns: width);
        for (var step = 0; step < options.MaxNewTokens && rows.Any(row => !row.IsDone); step++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var hidden = model.Hidden(
                tensor(input.Ids, [rows.Length, input.Columns], device: device),
                seen.narrow(1, 0, width + step),
                tensor(input.Positions, [rows.Length, input.Columns], device: device),
                cache);
            var logits = model.Logits(hidden.select(1, input.Columns - 1)).to_type(ScalarType.Float32); // (B, V)
            Choose(rows, logits, options);
            input = (new long[rows.Length], new long[rows.Length], 1);
            for (var i = 0; i < rows.Length; i++)
            {
                input.Ids[i] = rows[i].Last;
                input.Positions[i] = requests[i].Prompt.Length + step;
            }
        }
        return rows.Select(row => row.Result());
    }

    private static (long[] Ids, long[] Mask, long[] Positions) PadLeft(GenerationRequest[] requests, int width)
    {
        var (ids, mask, positions) = (new long[requests.Length * width], new long[requests.Length * width], new long[requests.Length * width]);
        for (var i = 0; i < requests.Length; i++)
        {
            var prompt = requests[i].Prompt;
            for (var t = 0; t < prompt.Length; t++)
            {
                var at = (i * width) + width - prompt.Length + t;
                (ids[at], mask[at], positions[at]) = (prompt[t], 1, t);
            }
        }
        return (ids, mask, positions);
    }

    private static void Choose(Row[] rows, Tensor logits, GenerationOptions options)
    {
        if (options.Sampling.IsPlainGreedy)
        {
            var (best, index) = logits.log_softmax(-1).max(1);
            var chosen = index.cpu().data<long>().ToArray();
            var values = best.cpu().data<float>().ToArray();
            for (var i = 0; i < rows.Length; i++)
                rows[i].Add((int)chosen[i], values[i]);
            return;
        }
        var all = logits.cpu().data<float>().ToArray();
        var size = all.Length / rows.Length;
        for (var i = 0; i < rows.Length; i++)
        {
            if (!rows[i].IsDone)
                rows[i].Sample(all.AsSpan(i * size, size));
        }
    }

    private sealed class Row(GenerationRequest request, GenerationOptions options)
    {
        private readonly List<int> _history = [.. request.Prompt];
        private readonly List<float> _logProbabilities = [];
        private readonly DeterministicRandom _random = new(request.Seed);
        private bool _stopped;

        public bool IsDone => _stopped || _history.Count - request.Prompt.Length >= options.MaxNewTokens;

        public int Last => _history[^1];

        public void Sample(Span<float> logits)
        {
            var filtered = logits.ToArray();
            TokenSampler.Filter(filtered, [.. _history], options.Sampling);
            var chosen = options.Sampling.Temperature > 0 ? TokenSampler.Draw(filtered, _random) : TokenSampler.Greedy(filtered);
            Add(chosen, (float)TokenSampler.LogProbability(logits, chosen));
        }

        public void Add(int id, float logProbability)
        {
            if (IsDone)
                return;
            _logProbabilities.Add(logProbability);
            if (options.StopIds.Contains(id))
                _stopped = true;
            else
                _history.Add(id);
        }

        public Continuation Result() => new([.. _history.Skip(request.Prompt.Length)], [.. _logProbabilities], _stopped);
    }
}
