using TorchSharp;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Adapters;
using XInstruct.Training.Models;
using XInstruct.Training.Tuning;

namespace XInstruct.Training.Tests.Tuning;

public sealed class TokenBatchTests
{
    [Fact]
    public void Parts_WeightedSequencesInSeveralBatches_AreThoseOfOne()
    {
        using var scope = torch.NewDisposeScope();
        TrainingRow[] rows = [new([1, 2, 3, 4, 5], 1, 1), new([9, 8, 7, 6, 5], 1, 3)];
        var one = Gradient([TokenBatch.Of(rows)]);
        var two = Gradient([TokenBatch.Of([rows[0]]), TokenBatch.Of([rows[1]])]);
        for (var i = 0; i < one.Length; i++) two[i].ShouldBe(one[i], 1e-5f);

        static float[] Gradient(IReadOnlyList<TokenBatch> batches)
        {
            using var model = TestModels.Tiny();
            foreach (var (share, loss) in OptimizationSession.Parts(model, batches, new OptimizerOptions { Weighting = AccumulationWeighting.Tokens })) (loss() * share).backward();
            return model.parameters().First().grad!.data<float>().ToArray();
        }
    }

    [Fact]
    public void SupervisedTask_PackedRowsWithDynamicScaling_AreRefused()
    {
        using var model = Decoder.Random(DecoderConfig.Llama(64, 16, 2, 2, 32, 0.05, 3, 0) with { RopeScaling = new RopeScaling("dynamic", 4, 0, 0, 32) }, 1);
        TrainingRow[] rows = [new([1, 2, 3], 1, 1)];
        Should.Throw<ArgumentException>(() => new SupervisedTask(model, rows, [], new RowPlanOptions { PackedTokens = 64 })).Message.ShouldContain("batch.pack: false");
        _ = new SupervisedTask(model, rows, [], new RowPlanOptions());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MeanLoss_ManyLayers_KeepsNoInnerTensorsOfThem(bool recomputes)
    {
        Held(12).ShouldBeLessThan(Held(2) + 40);

        int Held(int layers)
        {
            using var model = Decoder.Random(DecoderConfig.Llama(64, 16, layers, 2, 32, 0.05, 3, 0), 1);
            model.RecomputesLayers = recomputes;
            model.train();
            using var scope = torch.NewDisposeScope();
            TokenBatch.Of([new TrainingRow([1, 2, 3, 4, 5], 0, 1)]).MeanLoss(model, 0);
            return scope.DisposablesCount;
        }
    }

    public static TheoryData<string> Families => new("plain", "window", "parallel");

    [Theory]
    [MemberData(nameof(Families))]
    public void MeanLoss_Packed_IsThatOfOneSequenceARow(string family)
    {
        for (var seed = 0UL; seed < 8; seed++)
        {
            var random = new DeterministicRandom(seed, 0xBA7C);
            using var scope = torch.NewDisposeScope();
            using var model = Model(family);
            TrainingRow[] sequences = [.. Enumerable.Range(0, 2 + random.Next(6)).Select(_ => Sequence(random))];
            var (loss, gradients) = Loss(model, TokenBatch.Of(sequences));
            // Cut into rows anywhere: nothing of one sequence may reach another.
            var rows = new List<List<TrainingRow>> { new() };
            foreach (var sequence in sequences)
            {
                if (rows[^1].Count > 0 && random.Next(3) == 0) rows.Add([]);
                rows[^1].Add(sequence);
            }

            var (packed, packedGradients) = Loss(model, TokenBatch.Of([.. rows.Select(row => (IReadOnlyList<TrainingRow>)row)]));
            packed.ShouldBe(loss, 1e-5 * loss, $"seed {seed}");
            packedGradients.Count.ShouldBe(gradients.Count);
            foreach (var (name, gradient) in gradients)
            {
                var scale = gradient.abs().max().item<float>();
                packedGradients[name].sub(gradient).abs().max().item<float>().ShouldBeLessThan(1e-4f * Math.Max(scale, 1e-2f), $"seed {seed} {name}");
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MeanLoss_LayersRecomputed_HasTheSameBits(bool withAdapter)
    {
        var sequences = Enumerable.Range(0, 5).Select(i => Sequence(new DeterministicRandom((ulong)i))).ToArray();
        var kept = Trained(false);
        var recomputed = Trained(true);
        recomputed.Count.ShouldBe(withAdapter ? 28 : kept.Count);
        foreach (var (name, gradient) in kept) recomputed[name].ShouldBe(gradient, name);

        Dictionary<string, float[]> Trained(bool recomputes)
        {
            using var scope = torch.NewDisposeScope();
            using var model = TestModels.Tiny(dropout: 0.3);
            if (withAdapter)
            {
                var adapter = Adapter.Attach(model, new AdapterOptions { Rank = 2, Dropout = 0.3 }, 1);
                using var noGrad = torch.no_grad();
                foreach (var (name, parameter) in model.named_parameters().Where(p => p.name.Contains("lora_B", StringComparison.Ordinal))) parameter.fill_(0.05);
            }

            model.RecomputesLayers = recomputes;
            model.SeedDropout(9);
            model.train();
            for (var i = 0; i < 2; i++) TokenBatch.Of(sequences).MeanLoss(model, 0.1).backward();
            return model.named_parameters().Where(p => p.parameter.grad is not null).ToDictionary(p => p.name, p => p.parameter.grad!.data<float>().ToArray(), StringComparer.Ordinal);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    public void Step_EveryPass_HasEverySequenceOnceWithinItsLimits(int packed)
    {
        for (var seed = 1UL; seed < 20; seed++)
        {
            var random = new DeterministicRandom(seed);
            int[] lengths = [.. Enumerable.Range(0, 1 + random.Next(40)).Select(_ => 2 + random.Next(45))];
            var plan = new RowPlan(lengths, new RowPlanOptions { Budget = StepBudget.Passes(2), BatchTokens = 100, PackedTokens = packed, Seed = seed });
            var steps = Enumerable.Range(0, plan.Count).Select(plan.Step).ToList();
            var batches = steps.SelectMany(step => step).ToList();
            batches.SelectMany(batch => batch).SelectMany(row => row).Order().ShouldBe(Enumerable.Range(0, lengths.Length).SelectMany(i => new[] { i, i }));
            batches.ShouldAllBe(batch => batch.Length == 1 || batch.Length * batch.Max(row => row.Sum(i => lengths[i])) <= 100);
            foreach (var row in batches.SelectMany(batch => batch).Where(row => row.Length > 1)) row.Sum(i => lengths[i]).ShouldBeLessThanOrEqualTo(packed);
            if (packed == 0) continue;
            // No two rows could have been one: best fit leaves at most one that is not half full.
            var once = new RowPlan(lengths, new RowPlanOptions { Budget = StepBudget.Passes(1), PackedTokens = packed, Seed = seed });
            Enumerable.Range(0, once.Count).SelectMany(once.Step).SelectMany(batch => batch).Count(row => row.Sum(i => lengths[i]) <= packed / 2).ShouldBeLessThanOrEqualTo(1);
        }
    }

    private static Decoder Model(string family)
    {
        var tiny = DecoderConfig.Llama(64, 16, 2, 2, 32, 0.3, 3, 0);
        return Decoder.Random(family switch
        {
            // A window shorter than a packed row.
            "window" => tiny with { Family = "mistral", SlidingWindow = 3 },
            "parallel" => tiny with { ParallelResidual = true },
            _ => tiny,
        }, 1);
    }

    private static TrainingRow Sequence(DeterministicRandom random)
    {
        int[] tokens = [.. Enumerable.Range(0, 2 + random.Next(9)).Select(_ => 4 + random.Next(60))];
        return new TrainingRow(tokens, random.Next(tokens.Length), 1 + random.Next(2));
    }

    private static (double Loss, Dictionary<string, torch.Tensor> Gradients) Loss(Decoder model, TokenBatch batch)
    {
        foreach (var parameter in model.parameters()) parameter.grad = null;
        var loss = batch.MeanLoss(model, 0);
        loss.backward();
        return (loss.item<float>(), model.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!.clone(), StringComparer.Ordinal));
    }
}
