using System.Text.Json;
using TorchSharp.Modules;
using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Checkpoints;

/// <summary>Models in the Hugging Face layout: config.json, model.safetensors or its shards and index, generation_config.json.</summary>
public static class Checkpoint
{
    private const string Single = "model.safetensors";
    private const string Index = "model.safetensors.index.json";

    /// <summary>Loads a model folder, tensor by tensor; 16-bit weights become float32.</summary>
    /// <exception cref="ModelConfigException">config.json cannot be used.</exception>
    /// <exception cref="CheckpointException">A tensor is missing, extra, misshapen or damaged; the message names it.</exception>
    public static Decoder Load(string folder, Device device, double dropout = 0)
    {
        var config = DecoderConfig.Load(folder);
        var places = Places(folder);
        var decoder = new Decoder(config, dropout);
        try
        {
            var parameters = decoder.named_parameters().ToDictionary(p => p.name, p => p.parameter, StringComparer.Ordinal);
            // A tied checkpoint may still carry the output matrix: it equals the embedding.
            if (config.TiesEmbeddings) places.Remove("lm_head.weight");
            var missing = parameters.Keys.Where(n => !places.ContainsKey(n)).Order(StringComparer.Ordinal).ToList();
            if (missing.Count > 0) throw new CheckpointException(folder, missing[0], $"is missing ({missing.Count} in all).");
            var extra = places.Keys.Where(n => !parameters.ContainsKey(n) && !n.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
            if (extra.Count > 0) throw new CheckpointException(folder, extra[0], $"belongs to no part of a {config.Layers}-layer llama ({extra.Count} in all).");
            using var noGrad = no_grad();
            foreach (var (name, parameter) in parameters) Fill(parameter, places[name]);
            if (device.type != TorchSharp.DeviceType.CPU) throw new NotSupportedException($"Models run on the CPU so far, not on {device}.");
            decoder.eval();
            return decoder;
        }
        catch
        {
            decoder.Dispose();
            throw;
        }
    }

    /// <summary>Reads a model folder's configuration and the headers of its weights, no tensor, and returns the configuration.</summary>
    /// <exception cref="ModelConfigException">config.json cannot be used.</exception>
    /// <exception cref="CheckpointException">A file is missing, cut or damaged.</exception>
    public static DecoderConfig Check(string folder)
    {
        var config = DecoderConfig.Load(folder);
        Places(folder);
        return config;
    }

    /// <summary>Saves a model so that transformers loads the folder. The same weights give the same bytes.</summary>
    public static void Save(Decoder decoder, string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), decoder.Config.ToJson());
        var generation = JsonSerializer.Serialize(new SortedDictionary<string, int?>(StringComparer.Ordinal)
        {
            ["eos_token_id"] = decoder.Config.EndId,
            ["pad_token_id"] = decoder.Config.PadId,
        });
        File.WriteAllText(Path.Combine(folder, "generation_config.json"), generation + "\n");
        using var noGrad = no_grad();
        Safetensors.Write(Path.Combine(folder, Single), decoder.named_parameters().Select(p => (p.name, (Tensor)p.parameter)));
    }

    private static void Fill(Parameter parameter, TensorPlace place)
    {
        if (!parameter.shape.SequenceEqual(place.Shape))
        {
            throw new CheckpointException(place.File, place.Name, $"has the shape [{string.Join(", ", place.Shape)}]; the config asks for [{string.Join(", ", parameter.shape)}].");
        }

        using var stored = Safetensors.Read(place);
        parameter.copy_(stored);
    }

    private static Dictionary<string, TensorPlace> Places(string folder)
    {
        var single = Path.Combine(folder, Single);
        if (File.Exists(single)) return Safetensors.ReadHeader(single).ToDictionary(p => p.Name, StringComparer.Ordinal);
        var index = Path.Combine(folder, Index);
        if (!File.Exists(index)) throw new CheckpointException(folder, "", $"has neither {Single} nor {Index}.");
        if (new FileInfo(index).Length > 100_000_000) throw new CheckpointException(index, "", "is larger than 100 MB.");
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            var map = json.RootElement.GetProperty("weight_map").EnumerateObject().ToDictionary(e => e.Name, e => e.Value.GetString() ?? "", StringComparer.Ordinal);
            var places = new Dictionary<string, TensorPlace>(StringComparer.Ordinal);
            foreach (var file in map.Values.Distinct(StringComparer.Ordinal))
            {
                if (file.Length == 0 || Path.GetFileName(file) != file) throw new CheckpointException(index, "", $"names the file '{file}': shards must lie beside their index.");
                var path = Path.Combine(folder, file);
                if (!File.Exists(path)) throw new CheckpointException(index, "", $"names {file}, which does not exist.");
                foreach (var place in Safetensors.ReadHeader(path))
                {
                    if (map.GetValueOrDefault(place.Name) != file) throw new CheckpointException(path, place.Name, "is not what the index says of this file.");
                    places[place.Name] = place;
                }
            }

            foreach (var name in map.Keys.Where(n => !places.ContainsKey(n))) throw new CheckpointException(Path.Combine(folder, map[name]), name, "is in the index but not in the file.");
            return places;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException)
        {
            throw new CheckpointException(index, "", "is not a usable index: " + e.Message);
        }
    }
}
