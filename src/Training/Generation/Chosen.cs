using static TorchSharp.torch;

namespace XInstruct.Training.Generation;

/// <summary>What came to the host of a pass' logits.</summary>
/// <param name="ready">Which of the pass' rows get a token.</param>
/// <param name="plain">Their most probable tokens, the logits of these, and what makes log-probabilities of logits.</param>
/// <param name="logits">All of it, (B, V), which lives as long as the pass.</param>
internal sealed class Chosen(int[] ready, double[] plain, Tensor logits)
{
    private readonly int _vocabulary = (int)logits.shape[1];
    private int[] _rows = [];
    private float[] _logits = [];
    private int[] _candidates = [];
    private float[] _values = [];
    private long[] _ids = [];
    private float[] _scaled = [];

    public int[] Ready => ready;

    /// <summary>These rows need all logits.</summary>
    public void SetRows(int[] rows, Func<Tensor, int[], int, Tensor> pick)
    {
        if (rows.Length > 0) (_rows, _logits) = (rows, pick(logits, rows, ready.Length).cpu().data<float>().ToArray());
    }

    /// <summary>These rows may do with candidates.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="values">(rows, candidates) logits, descending.</param>
    /// <param name="ids">Their tokens.</param>
    /// <param name="scaled">What makes log-probabilities of logits divided by the rows' temperatures.</param>
    public void SetCandidates(int[] rows, Tensor values, Tensor ids, Tensor scaled) =>
        (_candidates, _values, _ids, _scaled) = (rows, values.cpu().data<float>().ToArray(), ids.cpu().data<long>().ToArray(), scaled.cpu().data<float>().ToArray());

    /// <summary>Lets a row take its token.</summary>
    public void Choose(int i, EngineRow row)
    {
        var total = (float)plain[(2 * ready.Length) + i];
        if (Array.IndexOf(_rows, i) is >= 0 and var at)
        {
            row.Choose(_logits.AsSpan(at * _vocabulary, _vocabulary), total);
        }
        else if (Array.IndexOf(_candidates, i) is >= 0 and var place)
        {
            var range = new Range(place * CandidateSampler.Count, (place + 1) * CandidateSampler.Count);
            Span<int> ids = stackalloc int[CandidateSampler.Count];
            for (var c = 0; c < ids.Length; c++) ids[c] = (int)_ids[(place * CandidateSampler.Count) + c];
            if (row.TryChoose(_values.AsSpan(range), ids, total, _scaled[place], _vocabulary)) return;
            using var line = logits[i].cpu();
            row.Choose(line.data<float>().ToArray(), total);
        }
        else
        {
            row.Take((int)plain[i], (float)(plain[ready.Length + i] - plain[(2 * ready.Length) + i]));
        }
    }
}
