using XInstruct.Domain.Probing;
using XInstruct.Training.Models;
using XInstruct.Training.Scoring;
using XInstruct.Training.Tokenizers;
using XInstruct.Training.Tuning;
using static TorchSharp.torch;
using Decoder = XInstruct.Training.Models.Decoder;

namespace XInstruct.Training.Probing;

/// <summary>A prompt under the lens, and the index of its right label.</summary>
public sealed record LensRequest(int[] Prompt, int Gold);

/// <summary>
/// The logit lens (nostalgebraist 2020): what each layer's output at the last token of a prompt would say through the final norm and the head, as the
/// probability that the next token begins a label, in English and in the prompt's language. Labels' tokens are those of <see cref="LabelScorer"/>.
/// </summary>
public sealed class LogitLens
{
    private readonly IReadOnlyList<int[]> _english;
    private readonly IReadOnlyList<int[]>? _local;

    /// <summary>A lens for labels.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="english">The labels in English.</param>
    /// <param name="local">The same ones in the prompts' language; when they are the English ones, these alone are looked at.</param>
    /// <exception cref="ArgumentException">There are not as many labels in both languages, fewer than two, or one is empty.</exception>
    public LogitLens(TextTokenizer tokenizer, IReadOnlyList<string> english, IReadOnlyList<string> local)
    {
        ArgumentNullException.ThrowIfNull(english);
        ArgumentNullException.ThrowIfNull(local);
        if (english.Count != local.Count) throw new ArgumentException("There must be as many labels as in English.", nameof(local));
        _english = new LabelScorer(tokenizer, english).IdSets;
        _local = english.SequenceEqual(local, StringComparer.Ordinal) ? null : new LabelScorer(tokenizer, local).IdSets;
        Ambiguous = _english.Concat(_local ?? []).SelectMany(set => set).CountBy(id => id).Count(entry => entry.Value > 1);
    }

    /// <summary>Tokens that begin two labels, in one language or both.</summary>
    public int Ambiguous { get; }

    /// <summary>Why a prompt with that label says nothing: <c>no-ids</c> or <c>shared-ids</c>; null when it does.</summary>
    public string? Drops(int gold) =>
        _english[gold].Length == 0 || _local?[gold].Length == 0 ? "no-ids" : _local is not null && _english[gold].Intersect(_local[gold]).Any() ? "shared-ids" : null;

    /// <summary>Looks at prompts; of each the layers' values, the first layer's output first. Batches are fixed by the list.</summary>
    /// <param name="model">The model.</param>
    /// <param name="requests">Prompts (at least one token).</param>
    /// <param name="batchTokens">Rows times longest row of a batch, at most.</param>
    /// <param name="threads">Threads of the tensor library.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="ArgumentException">A prompt is empty.</exception>
    public IReadOnlyList<IReadOnlyList<LensValues>> Look(Decoder model, IReadOnlyList<LensRequest> requests, int batchTokens = 4096, int threads = 1, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(requests);
        var results = requests.Select(_ => new List<LensValues>(model.Config.Layers)).ToArray();
        LayerWalk.Walk(model, [.. requests.Select(r => r.Prompt)], batchTokens, threads, (batch, layer, hidden) =>
        {
            // The embedding is no layer's output.
            if (layer == 0) return;
            var last = LayerWalk.Last(hidden, [.. batch.Select(i => requests[i].Prompt.Length)]); // (B, D)
            var log = model.Logits(layer == model.Config.Layers ? last : model.Normed(last)).to_type(ScalarType.Float32).log_softmax(-1); // (B, V)
            var probabilities = log.exp();
            var entropy = Numbers((probabilities * log).to_type(ScalarType.Float64).sum(-1, keepdim: false));
            var english = Masses(probabilities, _english);
            var local = _local is null ? null : Masses(probabilities, _local);
            for (var i = 0; i < batch.Length; i++)
            {
                var gold = requests[batch[i]].Gold;
                results[batch[i]].Add(new LensValues(english[gold][i], local?[gold][i], english[^1][i], local?[^1][i], Math.Max(0, -entropy[i] / Math.Log(2))));
            }
        }, cancellation);
        return results;
    }

    // Of each label, and last of all of them together, where an id that begins two counts once.
    private static double[][] Masses(Tensor probabilities, IReadOnlyList<int[]> sets) =>
        [.. sets.Append([.. sets.SelectMany(set => set).Distinct().Order()]).Select(set => set.Length == 0
            ? new double[probabilities.shape[0]]
            : Numbers(probabilities.index_select(1, tensor([.. set.Select(id => (long)id)], device: probabilities.device)).to_type(ScalarType.Float64).sum(-1, keepdim: false)))];

    private static double[] Numbers(Tensor values) => values.cpu().data<double>().ToArray();
}
