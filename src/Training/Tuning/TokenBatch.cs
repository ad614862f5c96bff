using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Tuning;

/// <summary>
/// Rows of token sequences as a model takes them. A row may hold several sequences one after the other: each sees only itself and counts its
/// positions from 0, so that it gives what it gives alone. Rows are padded on the right, which a causal model never sees.
/// </summary>
internal sealed class TokenBatch
{
    private readonly int _rows;
    private readonly int _length;
    private readonly long[] _ids;
    private readonly long[]? _positions;
    private readonly long[]? _segments;
    private readonly List<long> _learnt = [];
    private readonly List<long> _targets = [];
    private readonly List<long> _sequences = [];

    private TokenBatch(IReadOnlyList<IReadOnlyList<TrainingRow>> rows)
    {
        _rows = rows.Count;
        // The last token of a sequence is only ever a target.
        _length = rows.Max(row => row.Sum(sequence => sequence.Tokens.Length - 1));
        _ids = new long[_rows * _length];
        if (rows.Any(row => row.Count > 1)) (_positions, _segments) = (new long[_ids.Length], new long[_ids.Length]);
        Sequences = [.. rows.SelectMany(row => row)];
        var sequence = 0;
        for (var r = 0; r < _rows; r++)
        {
            var at = r * _length;
            foreach (var one in rows[r]) at = Put(one, at, sequence++);
            // Padding is a text of its own, or it would stretch no one's positions.
            if (_segments is not null) Array.Fill(_segments, -1, at, ((r + 1) * _length) - at);
        }
    }

    /// <summary>The sequences in their order.</summary>
    public IReadOnlyList<TrainingRow> Sequences { get; }

    /// <summary>A sequence a row.</summary>
    public static TokenBatch Of(IReadOnlyList<TrainingRow> rows) => new([.. rows.Select(row => new[] { row })]);

    /// <summary>Several sequences a row.</summary>
    public static TokenBatch Of(IReadOnlyList<IReadOnlyList<TrainingRow>> rows) => new(rows);

    /// <summary>
    /// Mean cross entropy of the learnt tokens, each weighed as its sequence. Only the positions that are learnt meet the output matrix.
    /// </summary>
    public Tensor MeanLoss(Decoder model, double labelSmoothing)
    {
        var (log, targets) = Learnt(model);
        var loss = -log.gather(1, targets).squeeze(1);
        if (labelSmoothing > 0) loss = (loss * (1 - labelSmoothing)) - (log.mean([-1]) * labelSmoothing);
        var weight = tensor(_sequences.Select(sequence => (float)Sequences[(int)sequence].Weight).ToArray(), device: log.device);
        return (loss * weight).sum() / weight.sum();
    }

    /// <summary>The sum of the log-probabilities of each sequence's learnt tokens.</summary>
    public Tensor LogProbabilities(Decoder model)
    {
        var (log, targets) = Learnt(model);
        var each = log.gather(1, targets).squeeze(1);
        return zeros([Sequences.Count], ScalarType.Float32, each.device).index_add(0, tensor(_sequences.ToArray(), device: each.device), each, 1);
    }

    /// <summary>Log-probabilities at the positions whose next token is learnt (N, V), and those tokens (N, 1).</summary>
    private (Tensor Log, Tensor Targets) Learnt(Decoder model)
    {
        var device = model.Device();
        var hidden = model.Hidden(Shaped(_ids, device)!, positions: Shaped(_positions, device), segments: Shaped(_segments, device)); // (B, T, D)
        var learnt = hidden.reshape(-1, hidden.shape[2]).index_select(0, tensor(_learnt.ToArray(), device: device)); // (N, D)
        var log = model.Logits(learnt).to_type(ScalarType.Float32).log_softmax(-1); // (N, V)
        return (log, tensor(_targets.ToArray(), device: device).unsqueeze(1));
    }

    private Tensor? Shaped(long[]? values, Device device) => values is null ? null : tensor(values, [_rows, _length], device: device);

    private int Put(TrainingRow sequence, int at, int number)
    {
        var tokens = sequence.Tokens;
        for (var t = 0; t + 1 < tokens.Length; t++)
        {
            _ids[at + t] = tokens[t];
            if (_positions is not null) (_positions[at + t], _segments![at + t]) = (t, number);
            if (t + 1 < sequence.LearnFrom) continue;
            _learnt.Add(at + t);
            _targets.Add(tokens[t + 1]);
            _sequences.Add(number);
        }

        return at + tokens.Length - 1;
    }
}
