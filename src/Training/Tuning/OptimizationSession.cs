using TorchSharp;
using TorchSharp.Modules;
using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Tuning;

/// <summary>What one optimisation step did.</summary>
/// <param name="LearningRate">The rate in force for the update.</param>
/// <param name="MicroLosses">Mean loss of each micro-batch before the update, in nats a token.</param>
/// <param name="GradientNorm">L2 norm of all gradients before clipping; null when nothing is clipped.</param>
internal sealed record StepResult(double LearningRate, IReadOnlyList<double> MicroLosses, double? GradientNorm);

/// <summary>AdamW over a decoder's trainable parameters, one step at a time. A step leaves no tensor behind.</summary>
internal sealed class OptimizationSession : IDisposable
{
    private readonly Decoder _model;
    private readonly OptimizerOptions _options;
    private readonly LearningRateSchedule _schedule;
    private readonly Parameter[] _parameters;
    private readonly AdamW _optimizer;
    private int _step;

    public OptimizationSession(Decoder model, OptimizerOptions options, LearningRateSchedule schedule)
    {
        _model = model;
        _options = options;
        _schedule = schedule;
        _parameters = [.. model.parameters().Where(parameter => parameter.requires_grad)];
        var decayed = _parameters.Where(parameter => !options.DecayMatricesOnly || parameter.dim() > 1).ToArray();
        var kept = _parameters.Where(parameter => options.DecayMatricesOnly && parameter.dim() <= 1).ToArray();
        var groups = new List<AdamW.ParamGroup> { new() { Parameters = decayed, Options = new AdamW.Options { weight_decay = options.WeightDecay } } };
        if (kept.Length > 0)
            groups.Add(new() { Parameters = kept, Options = new AdamW.Options { weight_decay = 0 } });
        _optimizer = new AdamW(groups, options.LearningRate, options.Beta1, options.Beta2, options.Epsilon);
    }

    /// <summary>One update from one or more micro-batches.</summary>
    public StepResult Step(IReadOnlyList<TrainingRow[]> microBatches)
    {
        var total = microBatches.Sum(batch => batch.Sum(row => (double)row.LearntTokens));
        return Step([.. microBatches.Select(batch => (
            _options.Weighting == AccumulationWeighting.Tokens ? batch.Sum(row => (double)row.LearntTokens) / total : 1.0 / microBatches.Count,
            (Func<Tensor>)(() => MeanLoss(_model, batch, _options.LabelSmoothing))))]);
    }

    /// <summary>One update from one or more losses, each with its share of the gradient.</summary>
    public StepResult Step(IReadOnlyList<(double Share, Func<Tensor> Loss)> parts)
    {
        using var scope = NewDisposeScope();
        _optimizer.zero_grad();
        var losses = new List<double>(parts.Count);
        foreach (var (share, part) in parts)
        {
            using var micro = NewDisposeScope();
            var loss = part();
            losses.Add(loss.item<float>());
            (share == 1 ? loss : loss * share).backward();
        }
        double? norm = _options.ClipNorm is { } limit ? nn.utils.clip_grad_norm_(_parameters, limit) : null;
        var rate = _schedule.At(_step++);
        foreach (var group in _optimizer.ParamGroups)
            group.LearningRate = rate;
        _optimizer.step();
        return new StepResult(rate, losses, norm);
    }

    /// <summary>
    /// Mean cross entropy of the learnt tokens, each weighed as its row. Rows are padded on the right, which a causal model never sees, and
    /// only the positions that are learnt meet the output matrix.
    /// </summary>
    public static Tensor MeanLoss(Decoder model, TrainingRow[] batch, double labelSmoothing)
    {
        var (log, targets, rows) = Learnt(model, batch);
        var loss = -log.gather(1, targets).squeeze(1);
        if (labelSmoothing > 0)
            loss = (loss * (1 - labelSmoothing)) - (log.mean([-1]) * labelSmoothing);
        var weight = tensor(rows.Select(row => (float)batch[(int)row].Weight).ToArray(), device: log.device);
        return (loss * weight).sum() / weight.sum();
    }

    /// <summary>The sum of the log-probabilities of each row's learnt tokens.</summary>
    public static Tensor LearntLogProbabilities(Decoder model, TrainingRow[] batch)
    {
        var (log, targets, rows) = Learnt(model, batch);
        var each = log.gather(1, targets).squeeze(1);
        return zeros([batch.Length], ScalarType.Float32, each.device).index_add(0, tensor(rows.ToArray(), device: each.device), each, 1);
    }

    /// <summary>Log-probabilities at the positions whose next token is learnt (N, V), those tokens (N, 1), and the row of each.</summary>
    private static (Tensor Log, Tensor Targets, List<long> Rows) Learnt(Decoder model, TrainingRow[] batch)
    {
        var length = batch.Max(row => row.Tokens.Length) - 1;
        var ids = new long[batch.Length * length];
        var (positions, targets, rows) = (new List<long>(), new List<long>(), new List<long>());
        for (var i = 0; i < batch.Length; i++)
        {
            var tokens = batch[i].Tokens;
            for (var t = 0; t + 1 < tokens.Length; t++)
            {
                ids[(i * length) + t] = tokens[t];
                if (t + 1 < batch[i].LearnFrom)
                    continue;
                positions.Add((i * length) + t);
                targets.Add(tokens[t + 1]);
                rows.Add(i);
            }
        }
        var device = model.Device();
        var hidden = model.Hidden(tensor(ids, [batch.Length, length], device: device)); // (B, T, D)
        var learnt = hidden.reshape(-1, hidden.shape[2]).index_select(0, tensor(positions.ToArray(), device: device)); // (N, D)
        var log = model.Logits(learnt).to_type(ScalarType.Float32).log_softmax(-1); // (N, V)
        return (log, tensor(targets.ToArray(), device: device).unsqueeze(1), rows);
    }

    public void Dispose() => _optimizer.Dispose();
}
