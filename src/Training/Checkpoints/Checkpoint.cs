using System.Text.Json;
using XInstruct.Training.Models;
using XInstruct.Training.Quantization;
using static TorchSharp.torch;

namespace XInstruct.Training.Checkpoints;

/// <summary>Models in the Hugging Face layout: config.json, model.safetensors or its shards and index, generation_config.json.</summary>
public static class Checkpoint
{
    private const string Config = "config.json";
    private const string Generation = "generation_config.json";

    /// <summary>Loads a model folder onto a device, tensor by tensor; beside the model there is never more than a small piece of one.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device">Where the model is to lie.</param>
    /// <param name="dropout">Dropout in training.</param>
    /// <param name="type">Float32, BFloat16 or Float16: what the weights become, whatever they are stored as.</param>
    /// <param name="quantization">How the layers' matrices are to be held in fewer bits; null for as they are.</param>
    /// <exception cref="ModelConfigException">config.json cannot be used.</exception>
    /// <exception cref="CheckpointException">Tensors are missing, extra, misshapen or damaged; the message names all of them.</exception>
    public static Decoder Load(
        string folder, Device device, double dropout = 0, ScalarType type = ScalarType.Float32, QuantizationOptions? quantization = null)
    {
        var config = DecoderConfig.Load(folder);
        var places = Places(folder, config);
        var decoder = new Decoder(config, dropout, device, type, quantization) { Texts = CheckpointTexts.Read(folder) };
        try
        {
            foreach (var (name, parameter) in decoder.named_parameters()) Safetensors.Read(places[name], parameter);
            foreach (var (name, layer) in decoder.named_modules())
            {
                if (layer is not Projection { Quantization: not null } projection) continue;
                using var whole = empty([projection.OutputSize, projection.InputSize], type, device);
                Safetensors.Read(places[name + ".weight"], whole);
                projection.Quantize(whole);
            }

            decoder.eval();
            return decoder;
        }
        catch
        {
            decoder.Dispose();
            throw;
        }
    }

    /// <summary>Puts the weights of a folder into a model of the same shape, e.g. those of an earlier step of its training.</summary>
    /// <exception cref="CheckpointException">Tensors are missing, extra, misshapen or damaged.</exception>
    public static void Restore(Decoder decoder, string folder)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        var places = Places(folder, decoder.Config);
        foreach (var (name, parameter) in decoder.named_parameters()) Safetensors.Read(places[name], parameter);
    }

    /// <summary>Reads a model folder's configuration and the headers of its weights, no tensor, and returns the configuration.</summary>
    /// <exception cref="ModelConfigException">config.json cannot be used.</exception>
    /// <exception cref="CheckpointException">A file is missing, cut or damaged, or tensors are not those of the configuration.</exception>
    public static DecoderConfig Check(string folder)
    {
        var config = DecoderConfig.Load(folder);
        Places(folder, config);
        return config;
    }

    /// <summary>The type that most of a folder's weights are stored in, of those that a model can have.</summary>
    public static ScalarType StoredType(string folder)
    {
        var most = TensorFiles.Places(folder).Values.GroupBy(p => p.Type).MaxBy(g => g.Sum(p => p.Length))?.Key;
        return most is ScalarType.BFloat16 or ScalarType.Float16 ? most.Value : ScalarType.Float32;
    }

    /// <summary>Saves a model so that transformers loads the folder. The same weights give the same bytes.</summary>
    /// <param name="decoder">The model; adapters on it are not saved.</param>
    /// <param name="folder">The folder, which is made.</param>
    /// <param name="shardBytes">Tensors are spread over several files of at most so many bytes (or one tensor) when they do not fit into one.</param>
    public static void Save(Decoder decoder, string folder, long shardBytes = 5_000_000_000)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shardBytes);
        if (decoder.IsQuantized) throw new InvalidOperationException("A quantised model is not saved: its checkpoint is the one that it was loaded from, with an adapter of its own.");
        var parameters = decoder.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter, StringComparer.Ordinal);
        var tensors = ParameterTable.Of(decoder.Config).Select(p => (p.Name, Tensor: parameters[p.Name])).ToList();
        Directory.CreateDirectory(folder);
        var texts = decoder.Texts ?? CheckpointTexts.Of(decoder.Config);
        File.WriteAllText(Path.Combine(folder, Config), texts.ConfigFor(tensors[0].Tensor.dtype));
        File.WriteAllText(Path.Combine(folder, Generation), texts.Generation);
        var shards = Shards(tensors, shardBytes);
        if (shards.Count == 1)
        {
            Safetensors.Write(Path.Combine(folder, TensorFiles.Single), tensors);
            return;
        }

        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < shards.Count; i++)
        {
            var file = $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors";
            Safetensors.Write(Path.Combine(folder, file), shards[i]);
            foreach (var (name, _) in shards[i]) map[name] = file;
        }

        var index = new { metadata = new { total_size = tensors.Sum(t => Safetensors.Bytes(t.Tensor)) }, weight_map = map };
        File.WriteAllText(Path.Combine(folder, TensorFiles.Index), JsonSerializer.Serialize(index, CheckpointTexts.Format) + "\n");
    }

    private static List<List<(string Name, Tensor Tensor)>> Shards(List<(string Name, Tensor Tensor)> tensors, long limit)
    {
        var shards = new List<List<(string Name, Tensor Tensor)>> { new() };
        var size = 0L;
        foreach (var entry in tensors)
        {
            var bytes = Safetensors.Bytes(entry.Tensor);
            if (size > 0 && size + bytes > limit)
            {
                shards.Add([]);
                size = 0;
            }

            shards[^1].Add(entry);
            size += bytes;
        }

        return shards;
    }

    /// <summary>Where the tensors lie, when they are exactly those of the configuration: nothing is allocated before that is known.</summary>
    private static Dictionary<string, TensorPlace> Places(string folder, DecoderConfig config)
    {
        var places = TensorFiles.Places(folder);
        // A tied checkpoint may still carry the output matrix: it equals the embedding.
        if (config.TiesEmbeddings) places.Remove(config.Names.Head + ".weight");
        var problems = new List<(string, string)>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, shape) in ParameterTable.Of(config))
        {
            known.Add(name);
            if (!places.TryGetValue(name, out var place)) problems.Add((name, "is missing."));
            else if (!place.Shape.SequenceEqual(shape)) problems.Add((name, $"has the shape [{string.Join(", ", place.Shape)}]; config.json asks for [{string.Join(", ", shape)}]."));
            else if (!is_floating_point(place.Type)) problems.Add((name, $"has dtype {SafetensorsHeader.NameOf(place.Type)}; a weight is F32, F16, BF16 or F64."));
        }

        foreach (var name in places.Keys.Where(name => !known.Contains(name) && !FamilyNames.IsStoredTable(name)).Order(StringComparer.Ordinal))
            problems.Add((name, $"belongs to no part of a {config.Layers}-layer {config.Family} model."));
        return problems.Count == 0 ? places : throw new CheckpointException(folder, problems);
    }
}
