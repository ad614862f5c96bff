using System.Text;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;
using XInstruct.Training.Tuning;
using static TorchSharp.torch;
using Decoder = XInstruct.Training.Models.Decoder;

namespace XInstruct.Training.Scoring;

/// <summary>A prompt to classify, with the seed that breaks its ties.</summary>
public sealed record LabelRequest(int[] Prompt, ulong Seed = 0);

/// <summary>The chosen label.</summary>
/// <param name="Label">Index of the label with the highest score.</param>
/// <param name="Scores">Probability mass of each label's id set at the next token; they need not sum to 1.</param>
/// <param name="IsTie">Whether several labels had the highest score and one of them was drawn.</param>
public sealed record LabelScore(int Label, double[] Scores, bool IsTie)
{
    /// <summary>A label's share of the mass of all labels.</summary>
    public double Share(int label) => Scores.Sum() is > 0 and var total ? Scores[label] / total : 1.0 / Scores.Length;
}

/// <summary>
/// Classifies by constrained decoding: one forward pass, and a label's score is the probability that the next token begins the label. Its id set
/// holds the vocabulary's entries among its prefixes, with and without a space marker; for a first character beyond ASCII its byte token;
/// and for byte-level vocabularies the first id of each encoded prefix.
/// </summary>
public sealed class LabelScorer
{
    // A blank in byte-level vocabularies and in those of SentencePiece.
    private const string ByteLevelBlank = "\u0120";
    private const string SentencePieceBlank = "\u2581";

    /// <summary>Prepares the id sets of some labels.</summary>
    /// <exception cref="ArgumentException">There are fewer than two labels, or one is empty.</exception>
    public LabelScorer(TextTokenizer tokenizer, IReadOnlyList<string> labels)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(labels);
        if (labels.Count < 2 || labels.Any(string.IsNullOrEmpty))
            throw new ArgumentException("Labels must be at least two and not empty.", nameof(labels));
        Labels = labels;
        IdSets = [.. labels.Select(label => IdSet(tokenizer, label))];
        SharedIds = [.. IdSets.SelectMany(set => set).CountBy(id => id).Where(entry => entry.Value > 1).Select(entry => entry.Key).Order()];
    }

    /// <summary>The labels.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>The ids that count for each label, ascending.</summary>
    public IReadOnlyList<int[]> IdSets { get; }

    /// <summary>Ids that count for more than one label and so cannot tell those apart; empty when all is well.</summary>
    public IReadOnlyList<int> SharedIds { get; }

    /// <summary>Classifies the prompts; results are in their order. Batches are made of prompts of similar length, fixed by the list.</summary>
    /// <param name="model">The model.</param>
    /// <param name="requests">Prompts (at least one token).</param>
    /// <param name="batchTokens">Rows times longest row of a batch, at most.</param>
    /// <param name="threads">Threads of the tensor library.</param>
    /// <param name="sharesHead">Whether what all prompts begin with, such as examples, is worked out once: the same but for rounding.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="ArgumentException">A prompt is empty.</exception>
    public IReadOnlyList<LabelScore> Score(
        Decoder model, IReadOnlyList<LabelRequest> requests, int batchTokens = 4096, int threads = 1, bool sharesHead = false, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(requests);
        if (requests.Any(request => request.Prompt.Length == 0))
            throw new ArgumentException("A prompt needs at least one token.", nameof(requests));
        set_num_threads(threads);
        model.eval();
        using var noGrad = no_grad();
        var results = new LabelScore[requests.Count];
        using var head = sharesHead ? PromptHead.Of(model, [.. requests.Select(request => request.Prompt)], left: 1) : null;
        foreach (var batch in LengthBatches.Of(requests, request => request.Prompt.Length, batchTokens))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var rows = batch.Select(index => requests[index].Prompt).ToArray();
            var logits = model.Logits(head is null ? Last(model, rows) : Last(model, rows, head)); // (B, V)
            var probabilities = logits.to_type(ScalarType.Float32).log_softmax(-1).exp().cpu().data<float>().ToArray();
            var size = probabilities.Length / rows.Length;
            for (var i = 0; i < batch.Length; i++)
                results[batch[i]] = Decide(probabilities.AsSpan(i * size, size), requests[batch[i]].Seed);
        }
        return results;
    }

    // (B, D)
    private static Tensor Last(Decoder model, int[][] rows)
    {
        var length = rows.Max(row => row.Length);
        var device = model.Device();
        var hidden = model.Hidden(PaddedRows.Tensor(rows, length, device));
        return hidden.reshape(-1, hidden.shape[2]).index_select(0, tensor([.. rows.Select((row, i) => ((long)i * length) + row.Length - 1)], device: device));
    }

    private static Tensor Last(Decoder model, int[][] rows, PromptHead head)
    {
        var pass = new SlotPass(head.Cache, [.. rows.Select((row, i) => new SlotRow(head.Begin(i, row.Length), head.Length, row.AsMemory(head.Length), row.Length))]);
        var hidden = model.Hidden(pass);
        return hidden.reshape(-1, hidden.shape[2]).index_select(0, pass.LastOfRows());
    }

    /// <summary>Sums the probabilities of each label's ids and takes the highest; ties are broken by a draw.</summary>
    internal LabelScore Decide(ReadOnlySpan<float> probabilities, ulong seed)
    {
        var scores = new double[IdSets.Count];
        for (var label = 0; label < scores.Length; label++)
        {
            foreach (var id in IdSets[label])
                scores[label] += probabilities[id];
        }
        var best = scores.Max();
        var tied = Enumerable.Range(0, scores.Length).Where(label => scores[label] == best).ToArray();
        var chosen = tied.Length == 1 ? tied[0] : tied[new DeterministicRandom(seed).Next(tied.Length)];
        return new LabelScore(chosen, scores, tied.Length > 1);
    }

    private static int[] IdSet(TextTokenizer tokenizer, string label)
    {
        var ids = new SortedSet<int>();
        var prefix = new StringBuilder();
        foreach (var rune in label.EnumerateRunes())
        {
            prefix.Append(rune.ToString());
            var text = prefix.ToString();
            foreach (var piece in (string[])[text, ByteLevelBlank + text, SentencePieceBlank + text])
            {
                if (tokenizer.FindId(piece) is { } id)
                    ids.Add(id);
            }
            if (tokenizer.IsByteLevel && tokenizer.Encode(text) is [var first, ..])
                ids.Add(first);
        }
        if (!Ascii.IsValid(label[0]) && tokenizer.FindId($"<0x{Encoding.UTF8.GetBytes(label)[0]:X2}>") is { } byteId)
            ids.Add(byteId);
        return [.. ids];
    }
}
