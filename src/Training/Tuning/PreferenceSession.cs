using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Tuning;

/// <summary>A prompt and two completions, the first of which is preferred.</summary>
public sealed record PreferencePair(int[] Prompt, int[] Chosen, int[] Rejected);

/// <summary>What one step of preference training saw, before its update.</summary>
/// <param name="Loss">Mean loss of the pairs.</param>
/// <param name="ChosenReward">Mean implied reward of the preferred completions.</param>
/// <param name="RejectedReward">The same of the others.</param>
/// <param name="Accuracy">Share of pairs whose preferred completion has the higher reward.</param>
/// <param name="LearningRate">The rate in force for the update.</param>
internal sealed record PreferenceStep(double Loss, double ChosenReward, double RejectedReward, double Accuracy, double LearningRate);

/// <summary>Preference training of a decoder, one step at a time.</summary>
internal sealed class PreferenceSession(Decoder model, PreferenceOptions preference, OptimizerOptions options, LearningRateSchedule schedule) : IDisposable
{
    private readonly OptimizationSession _optimization = new(model, options, schedule);

    /// <summary>
    /// Log-probabilities that some model gives to pairs, as numbers: once before training, with the reference model or, when the policy is an
    /// adapter, with the policy's own model while the adapter is off.
    /// </summary>
    public static (float[] Chosen, float[] Rejected) Reference(Decoder model, IReadOnlyList<PreferencePair> pairs)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var wasTraining = model.training;
        model.eval();
        var (chosen, rejected) = LogProbabilities(model, pairs);
        var result = (chosen.cpu().data<float>().ToArray(), rejected.cpu().data<float>().ToArray());
        model.train(wasTraining);
        return result;
    }

    /// <summary>One update from one batch of pairs.</summary>
    /// <param name="pairs">The pairs.</param>
    /// <param name="reference">What <see cref="Reference"/> gave of them.</param>
    public PreferenceStep Step(IReadOnlyList<PreferencePair> pairs, (float[] Chosen, float[] Rejected) reference)
    {
        var (chosenReward, rejectedReward, accuracy) = (0.0, 0.0, 0.0);
        var result = _optimization.Step([(1, () =>
        {
            var device = model.Device();
            var policy = LogProbabilities(model, pairs);
            var fixedOnes = new PairLogProbabilities(tensor(reference.Chosen, device: device), tensor(reference.Rejected, device: device));
            using (no_grad())
            {
                var chosen = PreferenceLoss.Rewards(policy.Chosen, fixedOnes.Chosen, preference);
                var rejected = PreferenceLoss.Rewards(policy.Rejected, fixedOnes.Rejected, preference);
                (chosenReward, rejectedReward) = (chosen.mean().item<float>(), rejected.mean().item<float>());
                accuracy = chosen.gt(rejected).to_type(ScalarType.Float32).mean().item<float>();
            }

            return PreferenceLoss.Of(policy, fixedOnes, preference).mean();
        })]);
        return new PreferenceStep(result.MicroLosses[0], chosenReward, rejectedReward, accuracy, result.LearningRate);
    }

    public void Dispose() => _optimization.Dispose();

    /// <summary>Sums of the log-probabilities of the completions' tokens. Both completions of all pairs go through the model together.</summary>
    internal static PairLogProbabilities LogProbabilities(Decoder model, IReadOnlyList<PreferencePair> pairs)
    {
        var rows = pairs.Select(pair => Row(pair.Prompt, pair.Chosen)).Concat(pairs.Select(pair => Row(pair.Prompt, pair.Rejected))).ToArray();
        var sums = TokenBatch.Of(rows).LogProbabilities(model);
        return new PairLogProbabilities(sums.narrow(0, 0, pairs.Count), sums.narrow(0, pairs.Count, pairs.Count));
    }

    private static TrainingRow Row(int[] prompt, int[] completion) => new([.. prompt, .. completion], prompt.Length, 1);
}
