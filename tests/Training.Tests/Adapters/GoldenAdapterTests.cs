using System.Text.Json;
using TorchSharp;
using XInstruct.Training.Adapters;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Tests.Tuning;
using XInstruct.Training.Tuning;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace XInstruct.Training.Tests.Adapters;

/// <summary>Adapters against PEFT, for every folder of golden adapters.</summary>
public sealed class GoldenAdapterTests(ITestOutputHelper output) : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private int _cases;

    public static TheoryData<string> Folders => Golden.Named("training", "lora");

    [GoldenTheory("training", "lora")]
    [MemberData(nameof(Folders))]
    public void Load_GoldenAdapter_GivesTheSameLogitsMergedOrNot(string name)
    {
        using var model = Load(name, out var adapter, out var expected, out var folder);
        adapter.Options.Scaling.ShouldBe(expected.GetProperty("scaling").GetDouble(), 1e-6);
        adapter.TrainableParameters.ShouldBe(expected.GetProperty("trainable_parameters").GetInt64());
        adapter.TotalParameters.ShouldBe(expected.GetProperty("total_parameters").GetInt64());
        using var noGrad = no_grad();
        var ids = tensor(expected.GetProperty("input_ids").Ints().Select(id => (long)id).ToArray()).unsqueeze(0);
        var last = ids.shape[1] - 1;
        var logits = model.call(ids)[0];
        var rows = expected.GetProperty("adapter_logits").Rows();
        for (var t = 0; t < rows.Length; t++) Near(logits[t], rows[t]);
        adapter.IsOn = false;
        Near(model.call(ids)[0, last], expected.GetProperty("base_logits").Doubles());
        adapter.IsOn = true;
        adapter.Merge();
        Near(model.call(ids)[0, last], expected.GetProperty("merged_logits_last").Doubles());
        foreach (var entry in expected.GetProperty("merged_weights").EnumerateObject())
        {
            Trace.Same(model.get_parameter(entry.Name)!, entry.Value, entry.Name);
            _cases++;
        }

        Checkpoint.Save(model, Path.Combine(folder.FullName, "merged"));
        using var again = Checkpoint.Load(Path.Combine(folder.FullName, "merged"), CPU);
        Near(again.call(ids)[0, last], expected.GetProperty("merged_logits_last").Doubles());
        folder.Delete(recursive: true);
        output.WriteLine($"{name}: {_cases} cases");
    }

    [GoldenTheory("training", "lora")]
    [MemberData(nameof(Folders))]
    public void Save_OfLoad_GivesTheSameTensorsAndFields(string name)
    {
        using var model = Load(name, out var adapter, out _, out var folder);
        adapter.Save(folder.FullName);
        var golden = Path.Combine(Golden.Folder("training", name), "adapter");
        var places = Safetensors.ReadHeader(Path.Combine(folder.FullName, "adapter_model.safetensors"));
        var expected = Safetensors.ReadHeader(Path.Combine(golden, "adapter_model.safetensors"));
        places.Select(p => p.Name).Order(StringComparer.Ordinal).ShouldBe(expected.Select(p => p.Name).Order(StringComparer.Ordinal));
        foreach (var place in expected)
        {
            using var from = Safetensors.Read(place);
            using var to = Safetensors.Read(places.Single(p => p.Name == place.Name));
            to.Equals(from).ShouldBeTrue(place.Name);
        }

        var saved = Golden.Json(Path.Combine(folder.FullName, "adapter_config.json"));
        var given = Golden.Json(Path.Combine(golden, "adapter_config.json"));
        foreach (var field in saved.EnumerateObject().Where(f => f.Name != "target_modules"))
            JsonElement.DeepEquals(field.Value, given.GetProperty(field.Name)).ShouldBeTrue(field.Name);
        saved.GetProperty("target_modules").EnumerateArray().Select(t => t.GetString()).ShouldBe(given.GetProperty("target_modules").EnumerateArray().Select(t => t.GetString()), ignoreOrder: true);
        folder.Delete(recursive: true);
    }

    [GoldenTheory("training", "lora")]
    [MemberData(nameof(Folders))]
    public void Step_GoldenTrace_IsTheSame(string name)
    {
        using var model = Load(name, out var adapter, out var expected, out var folder);
        var batches = Trace.Batches(Path.Combine(Golden.Folder("training", name), "..", "full_finetune.json"));
        var first = expected.GetProperty("first_batch");
        model.train();
        var loss = OptimizationSession.MeanLoss(model, batches[0], 0);
        ((double)loss.item<float>()).ShouldBe(first.GetProperty("loss").GetDouble(), 1e-4);
        loss.backward();
        var parameters = model.named_parameters().ToDictionary(p => "base_model.model." + p.name, p => p.parameter, StringComparer.Ordinal);
        foreach (var entry in first.GetProperty("grads").EnumerateObject())
        {
            Trace.SameGradient(parameters[entry.Name].grad!, entry.Value, entry.Name);
            _cases++;
        }

        var before = TestModels.Bytes(model).Length;
        var frozen = parameters["base_model.model.model.layers.0.self_attn.q_proj.weight"].data<float>().ToArray();
        var training = expected.GetProperty("training");
        var options = Trace.Optimizer(training.GetProperty("optimizer")) with { ClipNorm = double.MaxValue };
        using (var session = new OptimizationSession(model, options, new LearningRateSchedule(options.LearningRate, Decay.Constant, 0, 5)))
        {
            foreach (var step in training.GetProperty("steps").EnumerateArray())
            {
                var result = session.Step([batches[step.GetProperty("step").GetInt32() - 1]]);
                result.MicroLosses[0].ShouldBe(step.GetProperty("micro_losses")[0].GetDouble(), 1e-4);
                var length = step.GetProperty("grad_norm_before_clip").GetDouble();
                result.GradientNorm!.Value.ShouldBe(length, 1e-4 * length);
                _cases++;
            }
        }

        using var noGrad = no_grad();
        foreach (var entry in training.GetProperty("final_adapter").EnumerateObject())
        {
            Trace.Same(parameters[entry.Name], entry.Value, entry.Name);
            _cases++;
        }

        var after = training.GetProperty("loss_after_on_all_batches").Doubles();
        for (var i = 0; i < batches.Length; i++) OptimizationSession.MeanLoss(model, batches[i], 0).item<float>().ShouldBe((float)after[i], 1e-4f);
        parameters["base_model.model.model.layers.0.self_attn.q_proj.weight"].data<float>().ToArray().ShouldBe(frozen);
        adapter.Remove();
        TestModels.Bytes(model).Length.ShouldBeLessThan(before);
        folder.Delete(recursive: true);
        output.WriteLine($"{name}: {_cases} cases");
    }

    public void Dispose() => _scope.Dispose();

    private static Decoder Load(string name, out Adapter adapter, out JsonElement expected, out DirectoryInfo scratch)
    {
        var folder = Golden.Folder("training", name);
        expected = Golden.Json(Path.Combine(folder, "expected.json"));
        var model = Checkpoint.Load(Path.Combine(folder, expected.GetProperty("base_model").GetString()!), CPU);
        adapter = Adapter.Load(model, Path.Combine(folder, expected.GetProperty("adapter").GetString()!));
        scratch = Directory.CreateTempSubdirectory("xi-adapter");
        return model;
    }

    private void Near(Tensor actual, double[] expected)
    {
        var values = actual.data<float>().ToArray();
        values.Length.ShouldBe(expected.Length);
        for (var i = 0; i < values.Length; i++) ((double)values[i]).ShouldBe(expected[i], 1e-4, $"element {i}");
        _cases++;
    }
}
