using XInstruct.Training.Models;
using XInstruct.Training.Tuning;
using static TorchSharp.torch;

namespace XInstruct.Training.Scoring;

/// <summary>A completion to judge after a prompt.</summary>
public sealed record ScoreRequest(int[] Prompt, int[] Completion);

/// <summary>The log-likelihood of a completion.</summary>
/// <param name="LogLikelihood">Σ log p(token | all before it), natural logarithm.</param>
/// <param name="Tokens">Tokens of the completion.</param>
/// <param name="IsGreedy">Whether each token is the most probable one.</param>
public sealed record SequenceScore(double LogLikelihood, int Tokens, bool IsGreedy)
{
    /// <summary>Log-likelihood a token.</summary>
    public double Mean => LogLikelihood / Tokens;
}

/// <summary>Scores completions in batches of similar length; the batches depend on the list alone.</summary>
public static class SequenceScorer
{
    // 128 MiB of 32-bit logits, and as much of log-probabilities.
    private const long LogitsAtOnce = 1 << 25;

    /// <summary>Scores the completions; results are in the order of the requests.</summary>
    /// <param name="model">The model.</param>
    /// <param name="requests">Prompts (at least one token) and completions (at least one token).</param>
    /// <param name="batchTokens">Rows times longest row of a batch, at most.</param>
    /// <param name="threads">Threads of the tensor library.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="ArgumentException">A prompt or completion is empty.</exception>
    public static IReadOnlyList<SequenceScore> Score(
        Decoder model, IReadOnlyList<ScoreRequest> requests, int batchTokens = 4096, int threads = 1, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(requests);
        if (requests.Any(request => request.Prompt.Length == 0 || request.Completion.Length == 0))
            throw new ArgumentException("A prompt and a completion need at least one token each.", nameof(requests));
        set_num_threads(threads);
        model.eval();
        using var noGrad = no_grad();
        var results = new SequenceScore[requests.Count];
        foreach (var batch in LengthBatches.Of(requests, request => request.Prompt.Length + request.Completion.Length, batchTokens))
        {
            cancellation.ThrowIfCancellationRequested();
            ScoreBatch(model, requests, batch, results);
        }
        return results;
    }

    private static void ScoreBatch(Decoder model, IReadOnlyList<ScoreRequest> requests, int[] batch, SequenceScore[] results)
    {
        using var scope = NewDisposeScope();
        var rows = batch.Select(index => (int[])[.. requests[index].Prompt, .. requests[index].Completion]).ToArray();
        var length = rows.Max(row => row.Length) - 1;
        var positions = new List<long>();
        var targets = new List<int>();
        for (var i = 0; i < rows.Length; i++)
        {
            for (var t = requests[batch[i]].Prompt.Length; t < rows[i].Length; t++)
            {
                positions.Add((i * length) + t - 1);
                targets.Add(rows[i][t]);
            }
        }
        var device = model.Device();
        var hidden = model.Hidden(PaddedRows.Tensor(rows, length, device));
        var chosen = hidden.reshape(-1, hidden.shape[2]).index_select(0, tensor(positions.ToArray(), device: device)); // (N, D)
        Collect(model, chosen, [.. targets], [.. batch.Select(index => (index, requests[index].Completion.Length))], results);
    }

    /// <summary>Sums the log-probabilities of completions that lie behind each other. Of a large vocabulary those of few tokens are in memory at a time.</summary>
    /// <param name="model">The model.</param>
    /// <param name="hidden">Hidden states (N, D) that give the completions' tokens.</param>
    /// <param name="targets">The N tokens.</param>
    /// <param name="completions">Places in the results, with their tokens.</param>
    /// <param name="results">Where the scores go.</param>
    /// <param name="logitsAtOnce">Numbers of the largest matrix (tokens, V).</param>
    internal static void Collect(Decoder model, Tensor hidden, int[] targets, IReadOnlyList<(int Index, int Tokens)> completions, SequenceScore[] results, long logitsAtOnce = LogitsAtOnce)
    {
        var (values, best) = (new float[targets.Length], new long[targets.Length]);
        var most = (int)Math.Max(1, logitsAtOnce / model.Config.VocabularySize);
        for (var start = 0; start < targets.Length; start += most)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(most, targets.Length - start);
            var log = model.Logits(hidden.narrow(0, start, count)).to_type(ScalarType.Float32).log_softmax(-1); // (≤ most, V)
            var ids = tensor(Array.ConvertAll(targets[start..(start + count)], id => (long)id), device: log.device);
            log.gather(1, ids.unsqueeze(1)).squeeze(1).cpu().data<float>().ToArray().CopyTo(values, start);
            log.argmax(1).cpu().data<long>().ToArray().CopyTo(best, start);
        }

        var at = 0;
        foreach (var (index, count) in completions)
        {
            var (sum, greedy) = (0.0, true);
            for (var end = at + count; at < end; at++)
            {
                sum += values[at];
                greedy &= best[at] == targets[at];
            }
            results[index] = new SequenceScore(sum, count, greedy);
        }
    }
}
