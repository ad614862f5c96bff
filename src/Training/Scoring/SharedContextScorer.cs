using XInstruct.Training.Models;
using XInstruct.Training.Tuning;
using static TorchSharp.torch;

namespace XInstruct.Training.Scoring;

/// <summary>
/// Scores completions of which several follow the same prompt, such as the choices of a question: a prompt's keys and values are worked out once.
/// The batches depend on the list alone.
/// </summary>
public static class SharedContextScorer
{
    // A shorter prompt costs less than its copies.
    private const int ShortestShared = 8;

    /// <summary>Scores the completions; results are in the order of the requests, and those of <see cref="SequenceScorer"/> but for rounding.</summary>
    /// <param name="model">The model.</param>
    /// <param name="requests">Prompts (at least one token) and completions (at least one token).</param>
    /// <param name="batchTokens">Rows times longest row of a batch, at most.</param>
    /// <param name="threads">Threads of the tensor library.</param>
    /// <param name="sharesHead">Whether what all prompts begin with, such as examples, is worked out once too.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="ArgumentException">A prompt or completion is empty.</exception>
    public static IReadOnlyList<SequenceScore> Score(
        Decoder model, IReadOnlyList<ScoreRequest> requests, int batchTokens = 4096, int threads = 1, bool sharesHead = false, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(requests);
        if (requests.Any(request => request.Prompt.Length == 0 || request.Completion.Length == 0))
            throw new ArgumentException("A prompt and a completion need at least one token each.", nameof(requests));
        set_num_threads(threads);
        model.eval();
        using var noGrad = no_grad();
        using var head = sharesHead ? PromptHead.Of(model, [.. requests.Select(request => request.Prompt)], left: 2) : null;
        // With dynamic scaling the keys of a prompt depend on what follows it.
        var isShared = model.Config.RopeScaling is not { Kind: "dynamic" };
        var groups = Enumerable.Range(0, requests.Count)
            .GroupBy(i => requests[i].Prompt, IdsComparer.Instance)
            .Select(group => group.ToArray())
            .ToLookup(group => head is not null || (isShared && group.Length > 1 && requests[group[0]].Prompt.Length >= ShortestShared));
        var results = new SequenceScore[requests.Count];
        var alone = groups[false].SelectMany(group => group).Order().ToArray();
        var scores = SequenceScorer.Score(model, [.. alone.Select(i => requests[i])], batchTokens, threads, cancellation);
        for (var i = 0; i < alone.Length; i++) results[alone[i]] = scores[i];
        var shared = groups[true].ToList();
        using var own = head is null ? new SlotCache(model.Config, model.Device(), model.parameters().First().dtype) : null;
        foreach (var batch in Batches(shared, requests, batchTokens))
        {
            cancellation.ThrowIfCancellationRequested();
            Score(model, own ?? head!.Cache, head, batch, requests, results);
        }

        return results;
    }

    // Groups of similar length together; one that is too large is cut, and its prompt worked out for each piece.
    internal static IEnumerable<List<int[]>> Batches(List<int[]> groups, IReadOnlyList<ScoreRequest> requests, int batchTokens)
    {
        var (batch, rows, longest) = (new List<int[]>(), 0L, 0L);
        foreach (var group in groups.SelectMany(group => group.Chunk((int)Math.Max(1, batchTokens / Length(group)))).OrderBy(Length))
        {
            longest = Length(group);
            if (batch.Count > 0 && (rows + group.Length) * longest > batchTokens)
            {
                yield return batch;
                (batch, rows) = ([], 0);
            }

            batch.Add(group);
            rows += group.Length;
        }

        if (batch.Count > 0) yield return batch;

        long Length(int[] group) => requests[group[0]].Prompt.Length + group.Max(i => requests[i].Completion.Length);
    }

    private static void Score(Decoder model, SlotCache cache, PromptHead? root, List<int[]> batch, IReadOnlyList<ScoreRequest> requests, SequenceScore[] results)
    {
        using var scope = NewDisposeScope();
        var (heads, rows, order) = (new List<SlotRow>(), new List<SlotRow>(), new List<int>());
        // The first slot is that of the head of all.
        var slots = root is null ? 0 : 1;
        foreach (var group in batch)
        {
            // The last token of the prompt gives the first of the completion: it goes with that.
            var prompt = requests[group[0]].Prompt;
            var length = prompt.Length - 1;
            var done = root?.Length ?? 0;
            heads.Add(new SlotRow(root?.Begin(order.Count, prompt.Length) ?? order.Count, done, prompt.AsMemory(done, length - done), prompt.Length));
            foreach (var i in group)
            {
                rows.Add(new SlotRow(slots + order.Count, length, (int[])[prompt[^1], .. requests[i].Completion[..^1]], prompt.Length + requests[i].Completion.Length));
                order.Add(i);
            }
        }

        cache.Reserve(rows.Count + slots, rows.Max(row => row.Before) + rows.Max(row => row.Ids.Length));
        model.Hidden(new SlotPass(cache, heads));
        foreach (var row in rows)
        {
            var head = heads.Last(head => head.Slot <= row.Slot);
            if (head.Slot != row.Slot) cache.Copy(head.Slot, row.Slot, head.Before + head.Ids.Length);
        }

        var hidden = model.Hidden(new SlotPass(cache, rows)); // (B, T, D)
        var width = (int)hidden.shape[1];
        var places = rows.SelectMany((row, i) => Enumerable.Range(i * width, row.Ids.Length).Select(place => (long)place)).ToArray();
        var targets = order.SelectMany(i => requests[i].Completion).ToArray();
        var chosen = hidden.reshape(-1, hidden.shape[2]).index_select(0, tensor(places, device: cache.Device)); // (N, D)
        SequenceScorer.Collect(model, chosen, targets, [.. order.Select(i => (i, requests[i].Completion.Length))], results);
    }

    private sealed class IdsComparer : IEqualityComparer<int[]>
    {
        public static IdsComparer Instance { get; } = new();

        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] obj)
        {
            var hash = new HashCode();
            foreach (var id in obj) hash.Add(id);
            return hash.ToHashCode();
        }
    }
}
