using System.Diagnostics;
using System.Text.Json.Nodes;
using TorchSharp;
using XInstruct.Training.Adapters;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Tuning;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace XInstruct.Training.Tests.Adapters;

public sealed class AdapterTests(ITestOutputHelper output) : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("xi-adapter");

    [GoldenTheory("models")]
    [MemberData(nameof(Training.Tests.Models.GoldenModelTests.Models), MemberType = typeof(Training.Tests.Models.GoldenModelTests))]
    public void Attach_AllLinearOfEveryFamily_ChangesNothingUntilTrained(string name)
    {
        using var model = Checkpoint.Load(Golden.Folder("models", name), CPU);
        var config = model.Config;
        using var before = model.call(Ids());
        var bytes = TestModels.Bytes(model);
        var adapter = Adapter.Attach(model, new AdapterOptions { Rank = 2, Alpha = 4 }, seed: 7);
        adapter.Layers.Count.ShouldBe(config.Layers * (config.Family == "gpt_neox" ? 4 : 7));
        adapter.Layers.ShouldNotContain(config.Names.Head);
        model.call(Ids()).Equals(before).ShouldBeTrue();
        var trainable = model.named_parameters().Where(p => p.parameter.requires_grad).Select(p => p.name).ToList();
        trainable.ShouldAllBe(n => n.EndsWith(".lora_A.weight") || n.EndsWith(".lora_B.weight"));
        trainable.Count.ShouldBe(2 * adapter.Layers.Count);
        adapter.Save(_folder.FullName);
        adapter.Remove();
        TestModels.Bytes(model).ShouldBe(bytes);
        model.parameters().ShouldAllBe(p => p.requires_grad);
        var again = Adapter.Load(model, _folder.FullName);
        again.Layers.Count.ShouldBe(adapter.Layers.Count);
    }

    [Fact]
    public void Attach_SameSeed_GivesTheSameBytesOnDisk()
    {
        byte[] Saved(ulong seed)
        {
            using var model = TestModels.Tiny();
            Adapter.Attach(model, new AdapterOptions { Rank = 3 }, seed).Save(_folder.FullName);
            return File.ReadAllBytes(Path.Combine(_folder.FullName, "adapter_model.safetensors"));
        }

        Saved(1).ShouldBe(Saved(1));
        Saved(1).ShouldNotBe(Saved(2));
    }

    [Theory]
    [InlineData("q_proj", 2)]
    [InlineData("layers.1.mlp.up_proj", 1)]
    [InlineData("proj", 0)]
    [InlineData("embed_tokens", 0)]
    public void Attach_Target_MeansWholeNamesAtTheEnd(string target, int layers)
    {
        using var model = TestModels.Tiny();
        var options = new AdapterOptions { Rank = 2, Targets = [target] };
        if (layers == 0) Should.Throw<ArgumentException>(() => Adapter.Attach(model, options, 1)).Message.ShouldContain("down_proj, gate_proj, k_proj");
        else Adapter.Attach(model, options, 1).Layers.Count.ShouldBe(layers);
    }

    [Fact]
    public void Attach_Pattern_MatchesWholeNames()
    {
        using var model = TestModels.Tiny();
        Adapter.Attach(model, new AdapterOptions { Rank = 2, Targets = [@"model\.layers\.\d+\.self_attn\.(q|v)_proj"], TargetsArePattern = true }, 1).Layers.Count.ShouldBe(4);
        Should.Throw<ArgumentException>(() => Adapter.Attach(model, new AdapterOptions { Rank = 2 }, 1)).Message.ShouldContain("already");
    }

    [Fact]
    public void Train_Adapter_LearnsAndLeavesTheModelsOwnBytes()
    {
        using var model = TestModels.Tiny();
        var bytes = TestModels.Bytes(model);
        var examples = Enumerable.Range(0, 8).Select(i => new TrainingExample([1], [10 + i], [2], [30 + (i % 4), 3])).ToArray();
        var adapter = Adapter.Attach(model, new AdapterOptions { Rank = 4, Alpha = 8, Dropout = 0.1 }, 1);
        var report = SupervisedTrainer.Train(model, examples, new TrainingOptions { Budget = StepBudget.Steps(40), BatchTokens = 64, Optimizer = new OptimizerOptions { LearningRate = 0.02 } });
        report.LastLoss.ShouldBeLessThan(report.FirstLoss / 2);
        adapter.Remove();
        TestModels.Bytes(model).ShouldBe(bytes);
    }

    [Theory]
    [InlineData("peft_type", "\"IA3\"")]
    [InlineData("r", "0")]
    [InlineData("r", "1000000")]
    [InlineData("lora_alpha", "\"x\"")]
    [InlineData("bias", "\"all\"")]
    [InlineData("use_dora", "true")]
    [InlineData("rank_pattern", "{\"a\":2}")]
    [InlineData("modules_to_save", "[\"lm_head\"]")]
    [InlineData("target_modules", "[3]")]
    [InlineData("target_modules", "\"(\"")]
    [InlineData("target_modules", "\"([a-z0-9_.]+)+!\"")] // matching takes exponential time
    [InlineData("target_modules", "[\"nothing\"]")]
    [InlineData("lora_dropout", "2")]
    public void Load_UnusableConfig_NamesTheField(string field, string value)
    {
        using var model = Saved();
        var path = Path.Combine(_folder.FullName, "adapter_config.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        json[field] = JsonNode.Parse(value);
        File.WriteAllText(path, json.ToJsonString());
        Should.Throw<ModelConfigException>(() => Adapter.Load(model, _folder.FullName)).Field.ShouldBe(field);
    }

    [Fact]
    public void Load_OtherShapes_NamesAllTensors()
    {
        using var _ = Saved();
        using var wider = Decoder.Random(TestModels.Tiny().Config with { IntermediateSize = 40 }, 1);
        var error = Should.Throw<CheckpointException>(() => Adapter.Load(wider, _folder.FullName));
        error.TensorNames.Count.ShouldBe(2 * 3);
        error.Message.ShouldContain("base_model.model.model.layers.1.mlp.down_proj.lora_A.weight: has the shape [2, 32]");
    }

    [Theory]
    [InlineData("adapter_config.json")]
    [InlineData("adapter_model.safetensors")]
    public void Load_DamagedFile_IsRefusedOrRead(string name)
    {
        using var model = Saved();
        var path = Path.Combine(_folder.FullName, name);
        var good = File.ReadAllBytes(path);
        var (refused, slowest) = (0, TimeSpan.Zero);
        for (var seed = 0; seed < Mutation.Count; seed++)
        {
            File.WriteAllBytes(path, Mutation.Of(good, seed));
            var clock = Stopwatch.StartNew();
            try
            {
                Adapter.Load(model, _folder.FullName).Remove();
            }
            catch (Exception e) when (e is CheckpointException or ModelConfigException)
            {
                refused++;
            }

            slowest = clock.Elapsed > slowest ? clock.Elapsed : slowest;
        }

        output.WriteLine($"{name}: {refused} of {Mutation.Count} refused; slowest {slowest.TotalMilliseconds:F0} ms");
        slowest.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        refused.ShouldBeGreaterThan(Mutation.Count / 20);
    }

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Delete(recursive: true);
    }

    private static Tensor Ids() => arange(1, 9).unsqueeze(0);

    private Decoder Saved()
    {
        var model = TestModels.Tiny();
        var adapter = Adapter.Attach(model, new AdapterOptions { Rank = 2 }, 1);
        adapter.Save(_folder.FullName);
        adapter.Remove();
        return model;
    }
}
