using System.Text.Json.Nodes;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Tests.Checkpoints;

public sealed class CheckpointTests : IDisposable
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
