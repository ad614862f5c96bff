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

/// <summary>
/// AdamW over a decoder's trainable parameters, one step at a time. A step leaves no tensor behind. Parameters in 16 bits are updated through
/// copies in 32 (Micikevicius et al. 2018): gradients are gathered and steps taken there, and the parameters are their rounded values.
/// </summary>
internal sealed class OptimizationSession : IDisposable
{
    private readonly Decoder _model;
    private readonly OptimizerOptions _options;
    private readonly LearningRateSchedule _schedule;
    private readonly List<(string Name, Parameter Own, Parameter Master)> _parameters;
    private readonly Parameter[] _masters;
    private readonly AdamW _optimizer;
    private readonly GradientScale? _scale;
    private int _step;

    public OptimizationSession(Decoder model, OptimizerOptions options, LearningRateSchedule schedule)
    {
        _model = model;
        _options = options;
        _schedule = schedule;
        _scale = model.Type == ScalarType.Float16 ? new GradientScale() : null;
        var trained = model.named_parameters().Where(p => p.parameter.requires_grad).ToArray();
        bool IsDecayed((string name, Parameter parameter) p) => !options.DecayMatricesOnly || p.parameter.dim() > 1;
        // In the order of the optimizer's groups, which is that of its state.
        _parameters = [.. trained.Where(IsDecayed).Concat(trained.Where(p => !IsDecayed(p))).Select(p => (p.name, p.parameter, Master(p.parameter)))];
        // In the model's order: sums of norms depend on it in the last bit.
        _masters = [.. trained.Select(p => _parameters.Find(q => ReferenceEquals(q.Own, p.parameter)).Master)];
        var decayed = trained.Count(IsDecayed);
        var groups = new List<AdamW.ParamGroup> { new() { Parameters = _parameters.Take(decayed).Select(p => p.Master), Options = new AdamW.Options { weight_decay = options.WeightDecay } } };
        if (decayed < _parameters.Count) groups.Add(new() { Parameters = _parameters.Skip(decayed).Select(p => p.Master), Options = new AdamW.Options { weight_decay = 0 } });
        _optimizer = new AdamW(groups, options.LearningRate, options.Beta1, options.Beta2, options.Epsilon);
    }

    /// <summary>One update from one or more micro-batches.</summary>
    public StepResult Step(IReadOnlyList<TrainingRow[]> microBatches) => Step(Parts(_model, [.. microBatches.Select(TokenBatch.Of)], _options));

    /// <summary>The micro-batches' losses and their shares of the gradient.</summary>
    public static IReadOnlyList<(double Share, Func<Tensor> Loss)> Parts(Decoder model, IReadOnlyList<TokenBatch> batches, OptimizerOptions options)
    {
        var total = batches.Sum(Weight);
        return [.. batches.Select(batch => (
            options.Weighting == AccumulationWeighting.Tokens ? Weight(batch) / total : 1.0 / batches.Count,
            (Func<Tensor>)(() => batch.MeanLoss(model, options.LabelSmoothing))))];

        static double Weight(TokenBatch batch) => batch.Sequences.Sum(row => row.Weight * row.LearntTokens);
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
            var weight = share * (_scale?.Factor ?? 1);
            (weight == 1 ? loss : loss * weight).backward();
            Gather();
        }
        if (_scale is not null) Unscale();
        double? norm = _options.ClipNorm is { } limit ? nn.utils.clip_grad_norm_(_masters, limit) : null;
        var rate = _schedule.At(_step++);
        // Gradients that 16 bits could not hold: the next step tries a smaller scale.
        if (_scale is not null && !_scale.Judge(norm ?? nn.utils.clip_grad_norm_(_masters, double.MaxValue))) return new StepResult(rate, losses, norm);
        foreach (var group in _optimizer.ParamGroups)
            group.LearningRate = rate;
        _optimizer.step();
        using (no_grad())
        {
            foreach (var (_, own, master) in _parameters)
                if (!ReferenceEquals(own, master)) own.copy_(master);
        }
        return new StepResult(rate, losses, norm);
    }

    /// <summary>Mean cross entropy of the learnt tokens of rows, each weighed as its row.</summary>
    public static Tensor MeanLoss(Decoder model, TrainingRow[] batch, double labelSmoothing) => TokenBatch.Of(batch).MeanLoss(model, labelSmoothing);

    /// <summary>All that the next step depends on beside the parameters: the moments, the 32-bit copies, and how many steps were taken.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> State()
    {
        var states = _optimizer.state_dict().State;
        for (var i = 0; i < _parameters.Count; i++)
        {
            var (name, own, master) = _parameters[i];
            var state = (AdamW.State)states[i];
            yield return ("first." + name, state.exp_avg);
            yield return ("second." + name, state.exp_avg_sq);
            if (!ReferenceEquals(own, master)) yield return ("master." + name, master);
        }
    }

    /// <summary>Numbers that belong to the state.</summary>
    public SessionCounters Counters
    {
        get => new(_step, _parameters.Count == 0 ? 0 : ((AdamW.State)_optimizer.state_dict().State[0]).step, _scale?.Factor, _scale?.Good);
        set
        {
            _step = value.Step;
            foreach (AdamW.State state in _optimizer.state_dict().State) state.step = value.Updates;
            if (_scale is not null) (_scale.Factor, _scale.Good) = (value.Scale!.Value, value.GoodSteps!.Value);
            // As after a step: a first gradient that is taken and not added may differ in the sign of a zero.
            foreach (var (_, own, _) in _parameters)
            {
                using var zero = zeros_like(own);
                own.grad = zero;
            }
        }
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        foreach (var (_, own, master) in _parameters)
            if (!ReferenceEquals(own, master)) master.Dispose();
    }

    private static Parameter Master(Parameter own)
    {
        if (own.dtype is not (ScalarType.Float16 or ScalarType.BFloat16)) return own;
        using var noGrad = no_grad();
        return (Parameter)nn.Parameter(own.detach().to_type(ScalarType.Float32)).DetachFromDisposeScope();
    }

    /// <summary>Adds the 16-bit gradients of a micro-batch to those in 32.</summary>
    private void Gather()
    {
        using var noGrad = no_grad();
        foreach (var (_, own, master) in _parameters)
        {
            if (ReferenceEquals(own, master) || own.grad is not { } grad) continue;
            if (master.grad is { } sum) sum.add_(grad.to_type(ScalarType.Float32));
            else master.grad = grad.to_type(ScalarType.Float32);
            own.grad = null;
        }
    }

    private void Unscale()
    {
        using var noGrad = no_grad();
        foreach (var master in _masters) master.grad?.mul_(1 / _scale!.Factor);
    }
}

/// <summary>Numbers of an optimisation that go into its checkpoints.</summary>
/// <param name="Step">Steps of the schedule.</param>
/// <param name="Updates">Updates of the parameters: fewer when gradients overflowed.</param>
/// <param name="Scale">What losses are multiplied by; null when they are not.</param>
/// <param name="GoodSteps">Steps since the scale last changed.</param>
internal sealed record SessionCounters(int Step, long Updates, double? Scale, int? GoodSteps);

/// <summary>
/// The factor that keeps small gradients within float16 (Micikevicius et al. 2018, section 3.2): halved when one overflows, doubled after so many
/// good steps.
/// </summary>
internal sealed class GradientScale
{
    private const int Patience = 2000;

    public double Factor { get; set; } = 65536;

    public int Good { get; set; }

    /// <summary>Whether gradients of this norm can be used.</summary>
    public bool Judge(double norm)
    {
        if (!double.IsFinite(norm))
        {
            (Factor, Good) = (Math.Max(1, Factor / 2), 0);
            return false;
        }

        if (++Good == Patience) (Factor, Good) = (Factor * 2, 0);
        return true;
    }
}
