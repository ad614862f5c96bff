using System.Diagnostics;
using XInstruct.Training.Adapters;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Tuning;

/// <summary>
/// Trains a task step by step with checkpoints, evaluations and early stopping. Interrupted at any moment and started again with the same folder,
/// it goes on from its last checkpoint and ends, on one kind of CPU, with the same bytes.
/// </summary>
/// <param name="task">What is trained on.</param>
/// <param name="adapter">The adapter that is trained; null for the whole model.</param>
/// <param name="options">How.</param>
/// <param name="folder">Where the checkpoints lie.</param>
/// <param name="training">What is trained: a name, or a hash, of all that decides the result.</param>
public sealed class TuningLoop(TuningTask task, Adapter? adapter, LoopOptions options, string folder, string training)
{
    private readonly TuningCheckpoints _checkpoints = new(folder, training, options.KeptCheckpoints);
    private readonly List<StepMetrics> _metrics = [];
    private TuningState _state = new(training, 0, 0, new SessionCounters(0, 0, null, null), [], null, null, 0, []);

    /// <summary>Trains until the last step, or until evaluations stop getting better. Then the model has the best weights, or the last.</summary>
    /// <param name="progress">Told after every step.</param>
    /// <param name="saved">Told of every checkpoint that is on the disk, the one gone on from included.</param>
    /// <param name="cancellation">Ends training after the step under way; what came after the last checkpoint is done again next time.</param>
    /// <exception cref="TrainingMemoryException">It does not fit into memory.</exception>
    /// <exception cref="NotSupportedException">The device does not compute in the model's type.</exception>
    /// <exception cref="InvalidOperationException">The loss is no number any more, or the folder belongs to another training.</exception>
    public TuningReport Run(IProgress<TuningProgress>? progress = null, Action<SavedTuning>? saved = null, CancellationToken cancellation = default)
    {
        set_num_threads(options.Threads);
        var model = task.Model;
        model.SeedDropout(options.Seed);
        var schedule = new LearningRateSchedule(
            options.Optimizer.LearningRate, options.Decay, (int)Math.Round(options.WarmupShare * task.Steps), task.Steps, options.RateFloor);
        // Without a limit the norm is still worth knowing.
        var optimizer = options.Optimizer with { ClipNorm = options.Optimizer.ClipNorm ?? double.MaxValue };
        try
        {
            using var session = new OptimizationSession(model, optimizer, schedule);
            Start(session, saved, cancellation);
            model.train();
            var sitting = Stopwatch.StartNew();
            var from = _state.Step;
            while (_state.Step < task.Steps && !HasStopped)
            {
                cancellation.ThrowIfCancellationRequested();
                Step(session, optimizer, cancellation);
                if (_state.Step % Math.Max(1, options.CheckpointSteps) == 0 || _state.Step == task.Steps || HasStopped) Save(session, saved);
                var left = sitting.Elapsed / (_state.Step - from) * (task.Steps - _state.Step);
                progress?.Report(new TuningProgress(_metrics[^1], task.Steps, left, _state.BestLoss));
            }
        }
        catch (Exception e) when (IsOutOfMemory(e))
        {
            throw new TrainingMemoryException(_state.Step + 1, Advice, e);
        }
        catch (System.Runtime.InteropServices.ExternalException e) when (e.Message.Contains("'Half'", StringComparison.Ordinal))
        {
            throw new NotSupportedException("This device's libtorch does not compute in float16. Use bfloat16 or float32.", e);
        }

        if (_state.BestStep is { } best && best != _state.Step) RestoreWeights(_checkpoints.BestOf(best));
        model.eval();
        var tenth = Math.Max(1, _metrics.Count / 10);
        return new TuningReport(
            _state.Step, _state.Tokens, _metrics.Take(tenth).Average(m => m.Loss), _metrics.TakeLast(tenth).Average(m => m.Loss), _state.BestStep, _state.BestLoss, HasStopped, _metrics);
    }

    private bool HasStopped => options.Patience > 0 && _state.Misses >= options.Patience;

    private bool Evaluates => options.EvaluationSteps > 0 && task.CanEvaluate;

    private string Advice =>
        $"Lower batchTokens (and raise accumulation by as much), or maxTokens; {(task.Model.RecomputesLayers ? "" : "set recompute: true; ")}" +
        (adapter is null ? "or train an adapter (method: lora) in place of the whole model." : task.Model.IsQuantized ? "or lower adapter.rank." : "or hold the model in fewer bits (method: qlora), or lower adapter.rank.");

    private void Start(OptimizationSession session, Action<SavedTuning>? saved, CancellationToken cancellation)
    {
        if (_checkpoints.Latest() is not var (path, state, metrics))
        {
            task.Prepare(cancellation);
            return;
        }

        RestoreWeights(path);
        using var scope = NewDisposeScope();
        var places = Safetensors.ReadHeader(Path.Combine(path, TuningCheckpoints.Tensors)).ToDictionary(p => p.Name, StringComparer.Ordinal);
        foreach (var (name, tensor) in session.State())
        {
            Safetensors.Read(places[name], tensor);
            places.Remove(name);
        }

        foreach (var (name, place) in places) task.Restore(name, Safetensors.Read(place));
        session.Counters = state.Counters;
        task.Model.DropoutState = state.Dropout;
        _state = state;
        _metrics.AddRange(metrics);
        saved?.Invoke(new SavedTuning(state.Step, path, TuningCheckpoints.HashOf(path), metrics[^1]));
    }

    private void Step(OptimizationSession session, OptimizerOptions optimizer, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var step = _state.Step;
        var parts = task.Parts(step, optimizer);
        var result = session.Step(parts);
        var loss = Finite(parts.Zip(result.MicroLosses, (part, value) => part.Share * value).Sum(), step + 1);
        var tokens = task.Tokens(step);
        var seconds = clock.Elapsed.TotalSeconds;
        _state = _state with { Step = step + 1, Tokens = _state.Tokens + tokens };
        double? evaluation = Evaluates && (_state.Step % options.EvaluationSteps == 0 || _state.Step == task.Steps) ? Evaluate(cancellation) : null;
        _metrics.Add(new StepMetrics(
            _state.Step, loss, result.LearningRate, result.GradientNorm is { } norm && double.IsFinite(norm) ? norm : null, _state.Tokens, tokens / seconds,
            Environment.WorkingSet, (_metrics.Count > 0 ? _metrics[^1].Seconds : 0) + seconds, evaluation, task.Measures is { Count: > 0 } measures ? new Dictionary<string, double>(measures) : null));
    }

    private static double Finite(double loss, int step) =>
        double.IsFinite(loss) ? loss : throw new InvalidOperationException($"Training diverged: the loss of step {step} is {loss}. Lower the learning rate.");

    private double Evaluate(CancellationToken cancellation)
    {
        double loss;
        task.Model.eval();
        using (no_grad()) loss = Finite(task.Evaluate(cancellation), _state.Step);
        task.Model.train();
        if (_state.BestLoss is { } best && !(loss < best))
        {
            _state = _state with { Misses = _state.Misses + 1 };
            return loss;
        }

        _checkpoints.SaveBest(_state.Step, SaveWeights);
        _state = _state with { BestStep = _state.Step, BestLoss = loss, Misses = 0 };
        return loss;
    }

    private void Save(OptimizationSession session, Action<SavedTuning>? saved)
    {
        var state = _state with { Counters = session.Counters, Dropout = task.Model.DropoutState, Files = [] };
        var (path, hash) = _checkpoints.Save(state, _metrics, part =>
        {
            SaveWeights(part);
            using var scope = NewDisposeScope();
            Safetensors.Write(Path.Combine(part, TuningCheckpoints.Tensors), session.State().Concat(task.Prepared.Select(p => (p.Key, p.Value))));
        });
        saved?.Invoke(new SavedTuning(state.Step, path, hash, _metrics[^1]));
    }

    private void SaveWeights(string path)
    {
        if (adapter is null) Checkpoint.Save(task.Model, path);
        else adapter.Save(path);
    }

    private void RestoreWeights(string path)
    {
        if (adapter is null) Checkpoint.Restore(task.Model, path);
        else adapter.Restore(path);
    }

    // libtorch has one kind of exception; its CPU and CUDA allocators are told by their words.
    private static bool IsOutOfMemory(Exception e) => e is OutOfMemoryException
        || (e is System.Runtime.InteropServices.ExternalException && new[] { "out of memory", "not enough memory", "can't allocate memory" }.Any(words => e.Message.Contains(words, StringComparison.OrdinalIgnoreCase)));
}
