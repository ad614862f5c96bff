using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Tuning;

/// <summary>What is trained on, cut into steps, and how well the model does it.</summary>
public abstract class TuningTask
{
    private protected TuningTask(Decoder model) => Model = model;

    /// <summary>The model.</summary>
    public Decoder Model { get; }

    /// <summary>Steps in all.</summary>
    public abstract int Steps { get; }

    /// <summary>Whether there is something to evaluate on.</summary>
    public abstract bool CanEvaluate { get; }

    /// <summary>Losses of a step's micro-batches, each with its share of the gradient.</summary>
    internal abstract IReadOnlyList<(double Share, Func<Tensor> Loss)> Parts(int step, OptimizerOptions options);

    /// <summary>Tokens that a step reads.</summary>
    internal abstract long Tokens(int step);

    /// <summary>Mean loss on the rows that are not trained on.</summary>
    internal abstract double Evaluate(CancellationToken cancellation);

    /// <summary>What the last step measured beside its loss, by name.</summary>
    internal virtual IReadOnlyDictionary<string, double>? Measures => null;

    /// <summary>Works out what training needs of the untrained model.</summary>
    internal virtual void Prepare(CancellationToken cancellation)
    {
    }

    /// <summary>What <see cref="Prepare"/> worked out, for checkpoints.</summary>
    internal virtual IReadOnlyDictionary<string, Tensor> Prepared => new Dictionary<string, Tensor>();

    /// <summary>Puts a tensor of a checkpoint back.</summary>
    internal virtual void Restore(string name, Tensor tensor) => throw new ArgumentException($"Nothing is called {name}.", nameof(name));
}

/// <summary>Learning what follows: cross entropy of the learnt tokens (supervised fine-tuning).</summary>
public sealed class SupervisedTask : TuningTask
{
    private readonly IReadOnlyList<TrainingRow> _rows;
    private readonly RowPlan _plan;
    private readonly List<TokenBatch> _evaluation;

    /// <summary>Cuts sequences into steps.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">Sequences to train on; at least one.</param>
    /// <param name="evaluation">Sequences that are only evaluated.</param>
    /// <param name="plan">How they are put together.</param>
    public SupervisedTask(Decoder model, IReadOnlyList<TrainingRow> rows, IReadOnlyList<TrainingRow> evaluation, RowPlanOptions plan)
        : base(model)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(evaluation);
        ArgumentNullException.ThrowIfNull(plan);
        if (rows.Count == 0) throw new ArgumentException("Training needs at least one example.", nameof(rows));
        // Dynamic scaling stretches a whole row by its length: sequences would not give what they give alone.
        if (plan.PackedTokens > 0 && model.Config.RopeScaling is { Kind: "dynamic" })
            throw new ArgumentException("A model with dynamic rope scaling cannot be trained on packed rows. Set batch.pack: false.", nameof(plan));
        if (rows.Concat(evaluation).Any(row => row.LearntTokens < 1)) throw new ArgumentException("An example has nothing to learn.", nameof(rows));
        (_rows, _plan) = (rows, new RowPlan([.. rows.Select(row => row.Tokens.Length)], plan));
        _evaluation = [.. RowPlan.Batches(Enumerable.Range(0, evaluation.Count).Select(i => new[] { i }), [.. evaluation.Select(row => row.Tokens.Length)], plan.BatchTokens)
            .Select(batch => TokenBatch.Of([.. batch.Select(row => evaluation[row[0]])]))];
    }

    /// <inheritdoc/>
    public override int Steps => _plan.Count;

    /// <inheritdoc/>
    public override bool CanEvaluate => _evaluation.Count > 0;

    internal override IReadOnlyList<(double Share, Func<Tensor> Loss)> Parts(int step, OptimizerOptions options) =>
        OptimizationSession.Parts(Model, [.. _plan.Step(step).Select(batch => TokenBatch.Of([.. batch.Select(row => row.Select(i => _rows[i]).ToArray())]))], options);

    internal override long Tokens(int step) => _plan.Step(step).Sum(batch => batch.Sum(row => row.Sum(i => (long)_rows[i].Tokens.Length)));

    internal override double Evaluate(CancellationToken cancellation)
    {
        var (sum, weight) = (0.0, 0.0);
        foreach (var batch in _evaluation)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var learnt = batch.Sequences.Sum(row => row.Weight * row.LearntTokens);
            sum += batch.MeanLoss(Model, 0).item<float>() * learnt;
            weight += learnt;
        }

        return sum / weight;
    }
}

/// <summary>Learning which of two completions is preferred (DPO and its kin).</summary>
public sealed class PreferenceTask : TuningTask
{
    private const string ChosenName = "reference.chosen";
    private const string RejectedName = "reference.rejected";
    private readonly IReadOnlyList<PreferencePair> _pairs;
    private readonly int _trained;
    private readonly PreferenceOptions _preference;
    private readonly RowPlan _plan;
    private readonly List<int[]> _batches;
    private readonly List<int[]> _evaluation;
    private readonly float[] _chosen;
    private readonly float[] _rejected;
    private readonly Dictionary<string, double> _measures = new(StringComparer.Ordinal);

    /// <summary>Cuts pairs into steps.</summary>
    /// <param name="model">The policy; the reference is the model as it is before training, or without its adapter.</param>
    /// <param name="pairs">Pairs to train on; at least one.</param>
    /// <param name="evaluation">Pairs that are only evaluated.</param>
    /// <param name="preference">The loss.</param>
    /// <param name="plan">How they are put together; pairs are never packed.</param>
    public PreferenceTask(Decoder model, IReadOnlyList<PreferencePair> pairs, IReadOnlyList<PreferencePair> evaluation, PreferenceOptions preference, RowPlanOptions plan)
        : base(model)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        ArgumentNullException.ThrowIfNull(evaluation);
        ArgumentNullException.ThrowIfNull(plan);
        if (pairs.Count == 0) throw new ArgumentException("Training needs at least one pair.", nameof(pairs));
        (_pairs, _trained, _preference) = ([.. pairs, .. evaluation], pairs.Count, preference);
        // Two rows a pair, the longer of which counts.
        int[] lengths = [.. _pairs.Select(pair => 2 * (pair.Prompt.Length + Math.Max(pair.Chosen.Length, pair.Rejected.Length)))];
        _plan = new RowPlan(lengths[.._trained], plan with { PackedTokens = 0 });
        _batches = [.. Batches(Enumerable.Range(0, _pairs.Count))];
        _evaluation = [.. Batches(Enumerable.Range(_trained, evaluation.Count))];
        (_chosen, _rejected) = (new float[_pairs.Count], new float[_pairs.Count]);

        IEnumerable<int[]> Batches(IEnumerable<int> indices) => RowPlan.Batches(indices.Select(i => new[] { i }), lengths, plan.BatchTokens).Select(batch => batch.Select(row => row[0]).ToArray());
    }

    /// <inheritdoc/>
    public override int Steps => _plan.Count;

    /// <inheritdoc/>
    public override bool CanEvaluate => _evaluation.Count > 0;

    internal override IReadOnlyDictionary<string, double> Measures => _measures;

    internal override IReadOnlyDictionary<string, Tensor> Prepared => new Dictionary<string, Tensor> { [ChosenName] = tensor(_chosen), [RejectedName] = tensor(_rejected) };

    /// <summary>The reference's log-probabilities, once: the model before its first step, or an adapter's model, which is what the adapter starts from.</summary>
    internal override void Prepare(CancellationToken cancellation)
    {
        foreach (var batch in _batches)
        {
            cancellation.ThrowIfCancellationRequested();
            var (chosen, rejected) = PreferenceSession.Reference(Model, Pairs(batch));
            for (var i = 0; i < batch.Length; i++) (_chosen[batch[i]], _rejected[batch[i]]) = (chosen[i], rejected[i]);
        }
    }

    internal override void Restore(string name, Tensor tensor)
    {
        var target = name switch { ChosenName => _chosen, RejectedName => _rejected, _ => throw new ArgumentException($"Nothing is called {name}.", nameof(name)) };
        tensor.data<float>().CopyTo(target);
    }

    internal override IReadOnlyList<(double Share, Func<Tensor> Loss)> Parts(int step, OptimizerOptions options)
    {
        var batches = _plan.Step(step).Select(batch => batch.Select(row => row[0]).ToArray()).ToList();
        var count = batches.Sum(batch => batch.Length);
        _measures.Clear();
        return [.. batches.Select(batch => ((double)batch.Length / count, (Func<Tensor>)(() => Loss(batch, (double)batch.Length / count))))];
    }

    internal override long Tokens(int step) => _plan.Step(step).Sum(batch => batch.Sum(row => Length(_pairs[row[0]])));

    internal override double Evaluate(CancellationToken cancellation)
    {
        var sum = 0.0;
        foreach (var batch in _evaluation)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            sum += Loss(batch, null).item<float>() * batch.Length;
        }

        return sum / (_pairs.Count - _trained);
    }

    private static long Length(PreferencePair pair) => (2L * pair.Prompt.Length) + pair.Chosen.Length + pair.Rejected.Length;

    private Tensor Loss(int[] batch, double? share)
    {
        var device = Model.Device();
        var policy = PreferenceSession.LogProbabilities(Model, Pairs(batch));
        var reference = new PairLogProbabilities(
            tensor(batch.Select(i => _chosen[i]).ToArray(), device: device), tensor(batch.Select(i => _rejected[i]).ToArray(), device: device));
        if (share is { } part) Measure(policy, reference, part);
        return PreferenceLoss.Of(policy, reference, _preference).mean();
    }

    private void Measure(PairLogProbabilities policy, PairLogProbabilities reference, double share)
    {
        using var noGrad = no_grad();
        var (chosen, rejected) = (PreferenceLoss.Rewards(policy.Chosen, reference.Chosen, _preference), PreferenceLoss.Rewards(policy.Rejected, reference.Rejected, _preference));
        Add("chosenReward", chosen);
        Add("rejectedReward", rejected);
        Add("accuracy", chosen.gt(rejected).to_type(ScalarType.Float32));

        void Add(string name, Tensor values) => _measures[name] = _measures.GetValueOrDefault(name) + (values.mean().item<float>() * share);
    }

    private List<PreferencePair> Pairs(int[] batch) => [.. batch.Select(i => _pairs[i])];
}
