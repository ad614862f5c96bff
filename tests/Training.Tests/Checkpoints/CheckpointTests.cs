using System.Text.Json.Nodes;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace XInstruct.Training.Tests.Checkpoints;

public sealed class CheckpointTests(ITestOutputHelper output) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("xi-checkpoint");

    private string At(string name) => Path.Combine(_folder.FullName, name);

    [Fact]
    public void Load_OfSave_IsTheModel()
    {
        using var scope = NewDisposeScope();
        using var model = TestModels.Tiny();
        Checkpoint.Save(model, At("one"));
        using var again = Checkpoint.Load(At("one"), CPU);
        again.Config.ShouldBe(model.Config);
        TestModels.Bytes(again).ShouldBe(TestModels.Bytes(model));
        Checkpoint.Save(again, At("two"));
        foreach (var file in Directory.GetFiles(At("one"))) File.ReadAllBytes(file).ShouldBe(File.ReadAllBytes(Path.Combine(At("two"), Path.GetFileName(file))));
    }

    [Fact]
    public void Save_ShardedGoldenModel_KeepsEveryNameAndShape()
    {
        using var model = TestModels.Golden("llama_rope_llama3");
        Checkpoint.Save(model, At("whole"));
        var names = Safetensors.ReadHeader(At("whole/model.safetensors")).Select(p => p.Name);
        var index = JsonNode.Parse(File.ReadAllText(TestModels.GoldenPath("llama_rope_llama3", "model.safetensors.index.json")))!["weight_map"]!.AsObject();
        names.ShouldBe(index.Select(entry => entry.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Load_TensorMissing_NamesIt()
    {
        Rewrite(places => places.RemoveAll(t => t.Name == "model.norm.weight"));
        var error = Should.Throw<CheckpointException>(() => Checkpoint.Load(At("m"), CPU));
        (error.TensorName, error.Message.Contains("missing", StringComparison.Ordinal)).ShouldBe(("model.norm.weight", true));
    }

    [Fact]
    public void Load_TensorOfNoPart_NamesIt()
    {
        Rewrite(places => places.Add(("model.layers.9.mlp.up_proj.weight", ones(2))));
        Should.Throw<CheckpointException>(() => Checkpoint.Load(At("m"), CPU)).TensorName.ShouldBe("model.layers.9.mlp.up_proj.weight");
    }

    [Fact]
    public void Load_TensorOfAnotherShape_SaysFoundAndExpected()
    {
        Rewrite(places => places[places.FindIndex(t => t.Name == "model.norm.weight")] = ("model.norm.weight", ones(3)));
        var error = Should.Throw<CheckpointException>(() => Checkpoint.Load(At("m"), CPU));
        error.Message.ShouldContain("[3]");
        error.Message.ShouldContain("[16]");
    }

    [Fact]
    public void Load_ManyTensorsWrong_NamesAllInOneError()
    {
        Rewrite(places =>
        {
            places.RemoveAll(t => t.Name is "model.norm.weight" or "model.embed_tokens.weight");
            places.Add(("model.extra", ones(2)));
            places[places.FindIndex(t => t.Name == "model.layers.1.mlp.up_proj.weight")] = ("model.layers.1.mlp.up_proj.weight", ones(2, 2));
            places[places.FindIndex(t => t.Name == "model.layers.0.mlp.up_proj.weight")] = ("model.layers.0.mlp.up_proj.weight", ones([32, 16], ScalarType.Int64));
        });
        var error = Should.Throw<CheckpointException>(() => Checkpoint.Load(At("m"), CPU));
        string[] wrong = ["model.embed_tokens.weight", "model.extra", "model.layers.0.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.weight", "model.norm.weight"];
        error.TensorNames.Order(StringComparer.Ordinal).ShouldBe(wrong);
        wrong.ShouldAllBe(name => error.Message.Contains(name));
    }

    [GoldenTheory("models")]
    [MemberData(nameof(Models.GoldenModelTests.Models), MemberType = typeof(Models.GoldenModelTests))]
    public void Save_OfLoad_KeepsWeightsNamesAndWhatOthersReadInConfig(string name)
    {
        using var scope = NewDisposeScope();
        var folder = Golden.Folder("models", name);
        using var model = Checkpoint.Load(folder, CPU);
        ParameterTable.Of(model.Config).Select(p => (p.Name, string.Join(',', p.Shape)))
            .ShouldBe(model.named_parameters().Select(p => (p.name, string.Join(',', p.parameter.shape))));
        Checkpoint.Save(model, At("sharded"), shardBytes: 100_000);
        Directory.GetFiles(At("sharded"), "model-*.safetensors").Length.ShouldBeGreaterThan(1);
        File.ReadAllText(At("sharded/generation_config.json")).ShouldBe(File.ReadAllText(Path.Combine(folder, "generation_config.json")));
        var (before, after) = (JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!, JsonNode.Parse(File.ReadAllText(At("sharded/config.json")))!);
        before["torch_dtype"] = "float32";
        JsonNode.DeepEquals(before, after).ShouldBeTrue();
        using var again = Checkpoint.Load(At("sharded"), CPU);
        TestModels.Bytes(again).ShouldBe(TestModels.Bytes(model));
    }

    [Theory]
    [InlineData("gemma", ScalarType.BFloat16)]
    [InlineData("qwen2", ScalarType.Float16)]
    [InlineData("llama_gqa", ScalarType.Float32)]
    public void Save_OfLoadInTheStoredType_GivesTheSameTensors(string name, ScalarType type)
    {
        var folder = TestModels.GoldenPath(name, "");
        using var model = Checkpoint.Load(folder, CPU, type: type);
        Checkpoint.Save(model, At("same"));
        File.ReadAllText(At("same/config.json")).ShouldBe(File.ReadAllText(Path.Combine(folder, "config.json")));
        var (before, after) = (Safetensors.ReadHeader(Path.Combine(folder, "model.safetensors")), Safetensors.ReadHeader(At("same/model.safetensors")));
        after.Select(p => p.Name).Order(StringComparer.Ordinal).ShouldBe(before.Select(p => p.Name).Order(StringComparer.Ordinal));
        foreach (var place in before)
        {
            using var expected = Safetensors.Read(place);
            using var actual = Safetensors.Read(after.Single(p => p.Name == place.Name));
            actual.Equals(expected).ShouldBeTrue(place.Name);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32, ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float32)]
    [InlineData(ScalarType.Float32, ScalarType.BFloat16)]
    public void Load_LargeTensors_NeedsLittleBesideTheModel(ScalarType stored, ScalarType loaded)
    {
        var config = TestModels.Tiny().Config with { VocabularySize = 300_000, HiddenSize = 64, HeadSize = 32, TiesEmbeddings = false };
        using (var model = new Decoder(config, type: stored)) Checkpoint.Save(model, At("large"));
        var size = loaded == ScalarType.Float32 ? 4 : 2;
        var largest = 300_000L * 64 * size;
        using (var small = TestModels.Tiny()) Checkpoint.Save(small, At("small"));
        Checkpoint.Load(At("small"), CPU, type: loaded).Dispose();
        _ = ProcessMemory.ReturnFree();
        ProcessMemory.ForgetPeak();
        var before = ProcessMemory.Peak();
        using var again = Checkpoint.Load(At("large"), CPU, type: loaded);
        var weights = again.parameters().Sum(p => p.numel()) * size;
        var above = ProcessMemory.Peak() - before - weights;
        output.WriteLine($"{stored} to {loaded}: {above >> 10} kB above the model, {(double)above / largest:P1} of its largest tensor");
        above.ShouldBeLessThan((long)(1.2 * largest));
    }

    [Theory]
    [InlineData("../elsewhere.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("sub/model.safetensors")]
    [InlineData("..")]
    public void Load_IndexLeavesItsFolder_IsRefused(string file)
    {
        Directory.CreateDirectory(At("m"));
        using var model = TestModels.Tiny();
        File.WriteAllText(At("m/config.json"), model.Config.ToJson());
        File.WriteAllText(At("m/model.safetensors.index.json"), "{\"weight_map\":{\"a\":\"" + file + "\"}}");
        Should.Throw<CheckpointException>(() => Checkpoint.Load(At("m"), CPU));
    }

    [Theory]
    [InlineData("model_type", "\"mamba\"", "model_type")]
    [InlineData("hidden_act", "\"maxout\"", "hidden_act")]
    [InlineData("attention_bias", "\"yes\"", "attention_bias")]
    [InlineData("head_dim", "7", "head_dim")]
    [InlineData("partial_rotary_factor", "0.5", "partial_rotary_factor")]
    [InlineData("quantization_config", "{}", "quantization_config")]
    [InlineData("layer_types", "[\"full_attention\",\"sliding_attention\"]", "layer_types")]
    [InlineData("num_key_value_heads", "3", "num_key_value_heads")]
    [InlineData("num_hidden_layers", "2000000000", "num_hidden_layers")]
    [InlineData("hidden_size", "-4", "hidden_size")]
    [InlineData("vocab_size", "\"many\"", "vocab_size")]
    [InlineData("rms_norm_eps", "0", "rms_norm_eps")]
    [InlineData("rope_scaling", "{\"rope_type\":\"yarn\",\"factor\":2}", "rope_scaling.rope_type")]
    [InlineData("rope_scaling", "{\"rope_type\":\"linear\"}", "rope_scaling.factor")]
    [InlineData("rope_scaling", "{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":4,\"original_max_position_embeddings\":64}", "rope_scaling.high_freq_factor")]
    [InlineData("rope_scaling", "3", "rope_scaling")]
    [InlineData("rope_scaling", "{\"type\":\"dynamic\",\"factor\":0.5}", "rope_scaling.factor")]
    public void Load_UnusableConfig_NamesTheField(string field, string value, string named)
    {
        using var model = TestModels.Tiny();
        var json = JsonNode.Parse(model.Config.ToJson())!.AsObject();
        json[field] = JsonNode.Parse(value);
        Directory.CreateDirectory(At("m"));
        File.WriteAllText(At("m/config.json"), json.ToJsonString());
        Should.Throw<ModelConfigException>(() => DecoderConfig.Load(At("m"))).Field.ShouldBe(named);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void Rewrite(Action<List<(string Name, Tensor Tensor)>> change)
    {
        using var scope = NewDisposeScope();
        using var model = TestModels.Tiny();
        Checkpoint.Save(model, At("m"));
        var tensors = model.named_parameters().Select(p => (p.name, (Tensor)p.parameter)).ToList();
        change(tensors);
        using var noGrad = no_grad();
        Safetensors.Write(At("m/model.safetensors"), tensors);
    }
}
