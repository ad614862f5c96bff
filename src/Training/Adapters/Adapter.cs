using System.Text.RegularExpressions;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using static TorchSharp.torch;
using Dropout = XInstruct.Training.Models.Dropout;

namespace XInstruct.Training.Adapters;

/// <summary>
/// Low-rank updates (LoRA, Hu et al. 2021) on the linear layers of a decoder, in PEFT's layout on disk. The model's own weights stay where they
/// are and are not trained; there is no second copy of them.
/// </summary>
public sealed class Adapter
{
    private const string Config = "adapter_config.json";
    private const string Weights = "adapter_model.safetensors";
    private const string Prefix = "base_model.model.";

    private readonly Decoder _model;
    private readonly List<(string Name, Projection Layer)> _layers;
    private readonly Dropout _dropout;

    private Adapter(Decoder model, AdapterOptions options, List<(string Name, Projection Layer)> layers)
    {
        (_model, Options, _layers) = (model, options, layers);
        _dropout = model.AdapterDropout(options.Dropout);
        foreach (var parameter in model.parameters()) parameter.requires_grad = false;
        // Small beside the model: kept in float32, as the optimizer's steps need, whatever the model is.
        var place = new Placement(layers[0].Layer.Device, ScalarType.Float32);
        foreach (var (_, layer) in layers)
        {
            layer.Update = new LowRank(
                new Projection(layer.InputSize, options.Rank, bias: false, place), new Projection(options.Rank, layer.OutputSize, bias: false, place), options.Scaling, _dropout);
        }
    }

    /// <summary>What was asked for.</summary>
    public AdapterOptions Options { get; }

    /// <summary>Names of the layers that have an update.</summary>
    public IReadOnlyList<string> Layers => [.. _layers.Select(layer => layer.Name)];

    /// <summary>Numbers that training changes.</summary>
    public long TrainableParameters => _model.parameters().Where(p => p.requires_grad).Sum(p => p.numel());

    /// <summary>Numbers of the model and the adapter.</summary>
    public long TotalParameters => _model.parameters().Sum(p => p.numel())
        + Linear(_model).Where(layer => layer.Layer.Quantization is not null).Sum(layer => layer.Layer.InputSize * layer.Layer.OutputSize);

    /// <summary>Whether the updates count; without them the model is what it was, which a preference loss takes for its reference.</summary>
    public bool IsOn
    {
        get => _layers[0].Layer.Update is { IsOn: true };
        set
        {
            foreach (var (_, layer) in _layers) layer.Update!.IsOn = value;
        }
    }

    /// <summary>Puts a new adapter on a model: A random as PEFT's, B zero, so that the model first gives what it gave.</summary>
    /// <exception cref="ArgumentException">A target names no linear layer, or the model has an adapter.</exception>
    public static Adapter Attach(Decoder model, AdapterOptions options, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Rank);
        var layers = Covered(model, options);
        if (!options.TargetsArePattern && options.Targets is not [AdapterOptions.AllLinear])
        {
            foreach (var target in options.Targets.Where(t => !layers.Exists(layer => AdapterOptions.Names(t, layer.Name))))
                throw new ArgumentException($"No linear layer is named {target}. There are: {string.Join(", ", Kinds(model))}.", nameof(options));
        }

        if (layers.Count == 0) throw new ArgumentException($"No linear layer matches {string.Join(", ", options.Targets)}. There are: {string.Join(", ", Kinds(model))}.", nameof(options));
        if (layers.Exists(layer => layer.Layer.Update is not null)) throw new ArgumentException("The model has an adapter already.", nameof(model));
        var adapter = new Adapter(model, options, layers);
        using var noGrad = no_grad();
        var random = new DeterministicRandom(seed, 0x10);
        foreach (var (_, layer) in layers.OrderBy(layer => layer.Name, StringComparer.Ordinal))
        {
            // PyTorch's kaiming_uniform_ with a = √5.
            var bound = 1 / Math.Sqrt(layer.InputSize);
            using var values = tensor(Uniform(random, options.Rank * layer.InputSize, bound), [options.Rank, layer.InputSize]);
            layer.Update!.A.Weight.copy_(values);
        }

        return adapter;
    }

    /// <summary>Puts an adapter of PEFT's layout on a model.</summary>
    /// <exception cref="ModelConfigException">adapter_config.json cannot be used.</exception>
    /// <exception cref="CheckpointException">Tensors are missing, extra, misshapen or damaged; the message names all of them.</exception>
    public static Adapter Load(Decoder model, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        var config = Path.Combine(folder, Config);
        var options = AdapterOptions.Load(config);
        var file = Path.Combine(folder, Weights);
        if (!File.Exists(file)) throw new CheckpointException(folder, "", $"has no {Weights}.");
        var places = Safetensors.ReadHeader(file).ToDictionary(p => p.Name, StringComparer.Ordinal);
        List<(string Name, Projection Layer)> layers;
        try
        {
            layers = Covered(model, options);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new ModelConfigException(config, "target_modules", $"is '{options.Targets[0]}', a regular expression that takes too long.");
        }

        if (layers.Count == 0) throw new ModelConfigException(config, "target_modules", $"names no linear layer of this {model.Config.Family} model. There are: {string.Join(", ", Kinds(model))}.");
        var expected = layers.SelectMany(layer => new[]
        {
            (Name: FileName(layer.Name, "A"), Shape: new[] { options.Rank, layer.Layer.InputSize }),
            (Name: FileName(layer.Name, "B"), Shape: new[] { layer.Layer.OutputSize, options.Rank }),
        }).ToDictionary(p => p.Name, p => p.Shape, StringComparer.Ordinal);
        var problems = new List<(string, string)>();
        foreach (var (name, shape) in expected)
        {
            if (!places.TryGetValue(name, out var place)) problems.Add((name, "is missing."));
            else if (!place.Shape.SequenceEqual(shape)) problems.Add((name, $"has the shape [{string.Join(", ", place.Shape)}]; the model and rank {options.Rank} ask for [{string.Join(", ", shape)}]."));
            else if (!is_floating_point(place.Type)) problems.Add((name, $"has dtype {SafetensorsHeader.NameOf(place.Type)}; a weight is F32, F16, BF16 or F64."));
        }

        foreach (var name in places.Keys.Where(name => !expected.ContainsKey(name)).Order(StringComparer.Ordinal)) problems.Add((name, "belongs to no layer that the adapter is for."));
        if (problems.Count > 0) throw new CheckpointException(file, problems);
        if (layers.Exists(layer => layer.Layer.Update is not null)) throw new ArgumentException("The model has an adapter already.", nameof(model));
        var adapter = new Adapter(model, options, layers);
        adapter.Read(places);
        return adapter;
    }

    /// <summary>Puts the updates of a folder, which <see cref="Save"/> wrote, in the place of these.</summary>
    public void Restore(string folder) => Read(Safetensors.ReadHeader(Path.Combine(folder, Weights)).ToDictionary(p => p.Name, StringComparer.Ordinal));

    /// <summary>Saves the updates so that PEFT loads the folder. The same updates give the same bytes.</summary>
    public void Save(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, Config), Options.ToJson());
        Safetensors.Write(Path.Combine(folder, Weights), _layers.SelectMany(layer => new (string, Tensor)[]
        {
            (FileName(layer.Name, "A"), layer.Layer.Update!.A.Weight),
            (FileName(layer.Name, "B"), layer.Layer.Update!.B.Weight),
        }));
    }

    /// <summary>Adds the updates to the model's own weights and takes the adapter away.</summary>
    /// <exception cref="InvalidOperationException">The weights are held as codes.</exception>
    public void Merge()
    {
        using (no_grad())
        {
            foreach (var (_, layer) in _layers)
            {
                using var scope = NewDisposeScope();
                layer.Weight.copy_(layer.Weight.To32().add(layer.Update!.Matrix()));
            }
        }

        Remove();
    }

    /// <summary>Takes the adapter away: the model is what it was, and all of it can be trained.</summary>
    public void Remove()
    {
        foreach (var (_, layer) in _layers)
        {
            var update = layer.Update!;
            layer.Update = null;
            update.A.Dispose();
            update.B.Dispose();
        }

        foreach (var parameter in _model.parameters()) parameter.requires_grad = true;
    }

    private void Read(Dictionary<string, TensorPlace> places)
    {
        foreach (var (name, layer) in _layers)
        {
            Safetensors.Read(places[FileName(name, "A")], layer.Update!.A.Weight);
            Safetensors.Read(places[FileName(name, "B")], layer.Update!.B.Weight);
        }
    }

    private static List<(string Name, Projection Layer)> Linear(Decoder model) =>
        [.. model.named_modules().Where(m => m.module is Projection && !IsUpdate(m.name)).Select(m => (m.name, (Projection)m.module))];

    private static List<(string Name, Projection Layer)> Covered(Decoder model, AdapterOptions options) =>
        [.. Linear(model).Where(layer => options.Covers(layer.Name, isOutput: layer.Name == model.Config.Names.Head))];

    private static IEnumerable<string> Kinds(Decoder model) => Linear(model).Select(layer => layer.Name.Split('.')[^1]).Distinct().Order(StringComparer.Ordinal);

    private static bool IsUpdate(string name) => name.EndsWith(".lora_A", StringComparison.Ordinal) || name.EndsWith(".lora_B", StringComparison.Ordinal);

    private static string FileName(string layer, string matrix) => $"{Prefix}{layer}.lora_{matrix}.weight";

    private static float[] Uniform(DeterministicRandom random, long count, double bound)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++) values[i] = (float)(((2 * random.NextDouble()) - 1) * bound);
        return values;
    }
}
