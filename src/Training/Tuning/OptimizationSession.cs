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
        using var scope = NewDisposeScope();
        _optimizer.zero_grad();
        var total = microBatches.Sum(batch => batch.Sum(row => (double)row.LearntTokens));
        var losses = new List<double>(microBatches.Count);
        foreach (var batch in microBatches)
        {
            using var micro = NewDisposeScope();
            var share = _options.Weighting == AccumulationWeighting.Tokens
                ? batch.Sum(row => (double)row.LearntTokens) / total
                : 1.0 / microBatches.Count;
            var loss = MeanLoss(_model, batch, _options.LabelSmoothing);
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
        var length = batch.Max(row => row.Tokens.Length) - 1;
        var ids = new long[batch.Length * length];
        var positions = new List<long>();
        var targets = new List<long>();
        var weights = new List<float>();
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
                weights.Add((float)batch[i].Weight);
            }
        }
        var device = model.Device();
        var hidden = model.Hidden(tensor(ids, [batch.Length, length], device: device)); // (B, T, D)
        var learnt = hidden.reshape(-1, hidden.shape[2]).index_select(0, tensor(positions.ToArray(), device: device)); // (N, D)
        var log = model.Logits(learnt).to_type(ScalarType.Float32).log_softmax(-1); // (N, V)
        var loss = -log.gather(1, tensor(targets.ToArray(), device: device).unsqueeze(1)).squeeze(1);
        if (labelSmoothing > 0)
            loss = (loss * (1 - labelSmoothing)) - (log.mean([-1]) * labelSmoothing);
        var weight = tensor(weights.ToArray(), device: device);
        return (loss * weight).sum() / weight.sum();
    }

    public void Dispose() => _optimizer.Dispose();
}
