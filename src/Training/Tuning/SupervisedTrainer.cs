using System.Diagnostics;
using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Tuning;

/// <summary>
/// Supervised training of a decoder on prompt–completion pairs. The trained weights are a function of the starting weights, the examples in
/// their order and the options, byte for byte on one kind of CPU.
/// </summary>
public static class SupervisedTrainer
{
    /// <summary>Trains the model in place. On cancellation the weights are those of the last step.</summary>
    /// <exception cref="ArgumentException">There is no example, or one has no completion.</exception>
    public static TrainingReport Train(
        Decoder model,
        IReadOnlyList<TrainingExample> examples,
        TrainingOptions options,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentNullException.ThrowIfNull(options);
        if (examples.Count == 0)
            throw new ArgumentException("Training needs at least one example.", nameof(examples));
        for (var i = 0; i < examples.Count; i++)
        {
            var example = examples[i];
            if (example.Completion.Length == 0 || example.Completion.Length + example.Prefix.Length + example.Suffix.Length < 2)
                throw new ArgumentException($"Example {i} has no completion, or nothing before it.", nameof(examples));
        }
        var clock = Stopwatch.StartNew();
        var steps = new BatchPlan(examples, options).Steps();
        set_num_threads(options.Threads);
        model.SeedDropout(options.Seed);
        var schedule = new LearningRateSchedule(
            options.Optimizer.LearningRate, options.Decay, (int)Math.Round(options.WarmupShare * steps.Count), steps.Count, options.RateFloor);
        var losses = new double[steps.Count];
        var (tokens, learnt) = (0L, 0L);
        model.train();
        using (var session = new OptimizationSession(model, options.Optimizer, schedule))
        {
            for (var i = 0; i < steps.Count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                var result = session.Step(steps[i]);
                losses[i] = result.MicroLosses.Average();
                if (!double.IsFinite(losses[i]))
                    throw new InvalidOperationException($"Training diverged: the loss of step {i + 1} is {losses[i]}. Lower the learning rate.");
                tokens += BatchPlan.Count(steps[i]);
                learnt += steps[i].Sum(batch => batch.Sum(row => (long)row.LearntTokens));
                progress?.Report(new TrainingProgress(i + 1, steps.Count, losses[i], result.LearningRate, tokens / clock.Elapsed.TotalSeconds));
            }
        }
        model.eval();
        var tenth = Math.Max(1, steps.Count / 10);
        return new TrainingReport(steps.Count, tokens, learnt, losses[..tenth].Average(), losses[^tenth..].Average(), clock.Elapsed.TotalSeconds);
    }
}
