using System.Text.Json;
using TorchSharp;
using XInstruct.Training.Adapters;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Tuning;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace XInstruct.Training.Tests.Tuning;

/// <summary>Preference losses and training against trl.</summary>
public sealed class GoldenPreferenceTests(ITestOutputHelper output) : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    [GoldenFact("training/dpo/expected.json")]
    public void Of_GoldenPairs_GivesLossesAndRewards()
    {
        var (golden, folder, pairs) = Load();
        using var policy = Checkpoint.Load(Path.Combine(folder, golden.GetProperty("policy_model").GetString()!), CPU);
        using var reference = Checkpoint.Load(Path.Combine(folder, golden.GetProperty("reference_model").GetString()!), CPU);
        using var noGrad = no_grad();
        var ours = PreferenceSession.LogProbabilities(policy, pairs);
        var theirs = PreferenceSession.LogProbabilities(reference, pairs);
        Near(ours.Chosen, golden.GetProperty("policy_chosen_logps").Doubles(), 2e-4);
        Near(ours.Rejected, golden.GetProperty("policy_rejected_logps").Doubles(), 2e-4);
        Near(theirs.Chosen, golden.GetProperty("reference_chosen_logps").Doubles(), 2e-4);
        Near(theirs.Rejected, golden.GetProperty("reference_rejected_logps").Doubles(), 2e-4);
        var cases = 0;
        foreach (var expected in golden.GetProperty("losses").EnumerateArray())
        {
            var options = Options(expected);
            var losses = PreferenceLoss.Of(ours, theirs, options);
            Near(losses, expected.GetProperty("per_example").Doubles(), 1e-4);
            ((double)losses.mean().item<float>()).ShouldBe(expected.GetProperty("mean_loss").GetDouble(), 1e-4 * Math.Max(1, expected.GetProperty("mean_loss").GetDouble()));
            var (chosen, rejected) = (PreferenceLoss.Rewards(ours.Chosen, theirs.Chosen, options), PreferenceLoss.Rewards(ours.Rejected, theirs.Rejected, options));
            Near(chosen, expected.GetProperty("chosen_rewards").Doubles(), 2e-4);
            Near(rejected, expected.GetProperty("rejected_rewards").Doubles(), 2e-4);
            Near(chosen - rejected, expected.GetProperty("margins").Doubles(), 2e-4);
            var right = chosen.gt(rejected).to_type(ScalarType.Float32);
            Near(right, expected.GetProperty("accuracies").Doubles(), 1e-9);
            ((double)right.mean().item<float>()).ShouldBe(expected.GetProperty("mean_accuracy").GetDouble(), 1e-6);
            cases++;
        }

        output.WriteLine($"dpo losses: {cases} cases");
    }

    [GoldenFact("training/dpo/expected.json")]
    public void Step_GoldenTraining_IsTheSame()
    {
        var (golden, folder, pairs) = Load();
        using var policy = Checkpoint.Load(Path.Combine(folder, golden.GetProperty("policy_model").GetString()!), CPU);
        using var model = Checkpoint.Load(Path.Combine(folder, golden.GetProperty("reference_model").GetString()!), CPU);
        var reference = PreferenceSession.Reference(model, pairs);
        var cases = 0;
        var loss = PreferenceLoss.Of(PreferenceSession.LogProbabilities(policy, pairs), new(tensor(reference.Chosen), tensor(reference.Rejected)), new PreferenceOptions()).mean();
        loss.backward();
        foreach (var entry in golden.GetProperty("first_step_grads").EnumerateObject())
        {
            var length = entry.Value.GetDouble();
            ((double)policy.get_parameter(entry.Name)!.grad!.norm().item<float>()).ShouldBe(length, 1e-4 * length, entry.Name);
            cases++;
        }

        var training = golden.GetProperty("training");
        var options = Trace.Optimizer(training.GetProperty("optimizer"));
        policy.train();
        using (var session = new PreferenceSession(policy, Options(training), options, new LearningRateSchedule(options.LearningRate, Decay.Constant, 0, 5)))
        {
            foreach (var expected in training.GetProperty("steps").EnumerateArray())
            {
                var step = session.Step(pairs, reference);
                step.Loss.ShouldBe(expected.GetProperty("loss").GetDouble(), 1e-4);
                step.ChosenReward.ShouldBe(expected.GetProperty("rewards_chosen").GetDouble(), 2e-4);
                step.RejectedReward.ShouldBe(expected.GetProperty("rewards_rejected").GetDouble(), 2e-4);
                step.Accuracy.ShouldBe(expected.GetProperty("accuracy").GetDouble(), 1e-6);
                cases++;
            }
        }

        foreach (var entry in training.GetProperty("final_params").EnumerateObject())
        {
            Trace.Same(policy.get_parameter(entry.Name)!, entry.Value, entry.Name);
            cases++;
        }

        output.WriteLine($"dpo training: {cases} cases");
    }

    [Fact]
    public void Reference_PolicyIsAnAdapter_IsTheModelWithoutIt()
    {
        using var model = TestModels.Tiny();
        PreferencePair[] pairs = [new([1, 5, 6], [7, 8, 3], [9, 3]), new([1, 4], [10, 3], [11, 12, 3])];
        var before = PreferenceSession.Reference(model, pairs);
        var adapter = Adapter.Attach(model, new AdapterOptions { Rank = 4 }, 1);
        model.train();
        using (var session = new PreferenceSession(model, new PreferenceOptions { Beta = 0.5 }, new OptimizerOptions { LearningRate = 0.01 }, new LearningRateSchedule(0.01, Decay.Constant, 0, 20)))
        {
            for (var i = 0; i < 20; i++) session.Step(pairs, before).Accuracy.ShouldBe(i == 0 ? 0 : 1);
        }

        PreferenceSession.Reference(model, pairs).Chosen.ShouldNotBe(before.Chosen);
        adapter.IsOn = false;
        PreferenceSession.Reference(model, pairs).Chosen.ShouldBe(before.Chosen);
        PreferenceSession.Reference(model, pairs).Rejected.ShouldBe(before.Rejected);
    }

    public void Dispose() => _scope.Dispose();

    private static (JsonElement Golden, string Folder, PreferencePair[] Pairs) Load()
    {
        var file = Golden.Find("training/dpo/expected.json")!;
        var golden = Golden.Json(file);
        return (golden, Path.GetDirectoryName(file)!,
            [.. golden.GetProperty("triples").EnumerateArray().Select(t => new PreferencePair(t.GetProperty("prompt").Ints(), t.GetProperty("chosen").Ints(), t.GetProperty("rejected").Ints()))]);
    }

    private static PreferenceOptions Options(JsonElement expected) => new()
    {
        Beta = expected.GetProperty("beta").GetDouble(),
        Kind = Enum.Parse<PreferenceLossKind>(expected.GetProperty("loss_type").GetString()!, ignoreCase: true),
        LabelSmoothing = expected.TryGetProperty("label_smoothing", out var share) ? share.GetDouble() : 0,
    };

    private static void Near(Tensor actual, double[] expected, double tolerance)
    {
        var values = actual.data<float>().ToArray();
        values.Length.ShouldBe(expected.Length);
        for (var i = 0; i < values.Length; i++) ((double)values[i]).ShouldBe(expected[i], tolerance * Math.Max(1, Math.Abs(expected[i])), $"pair {i}");
    }
}
