using System.Text.Json;
using System.Text.Json.Nodes;
using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Checkpoints;

/// <summary>The JSON files that go with a model's weights. What was loaded is saved again as it was, with all that only other programs read.</summary>
/// <param name="Config">config.json.</param>
/// <param name="Generation">generation_config.json.</param>
internal sealed record CheckpointTexts(string Config, string Generation)
{
    private const long MaxGeneration = 1 << 20;

    public static JsonSerializerOptions Format { get; } = new() { WriteIndented = true, NewLine = "\n" };

    public static CheckpointTexts Of(DecoderConfig config) => new(config.ToJson(), GenerationOf(config));

    public static CheckpointTexts Read(string folder)
    {
        var generation = new FileInfo(Path.Combine(folder, "generation_config.json"));
        return new(
            File.ReadAllText(Path.Combine(folder, "config.json")),
            generation is { Exists: true, Length: <= MaxGeneration } ? File.ReadAllText(generation.FullName) : GenerationOf(DecoderConfig.Load(folder)));
    }

    /// <summary>config.json, naming the type that the weights are saved in.</summary>
    public string ConfigFor(ScalarType type)
    {
        var name = type switch
        {
            ScalarType.BFloat16 => "bfloat16",
            ScalarType.Float16 => "float16",
            _ => "float32",
        };
        var json = JsonNode.Parse(Config)!.AsObject();
        // transformers 5 calls it dtype.
        var field = json.ContainsKey("dtype") ? "dtype" : "torch_dtype";
        if (json[field] is JsonValue value && value.TryGetValue<string>(out var given) && given == name) return Config;
        json[field] = name;
        return json.ToJsonString(Format) + "\n";
    }

    private static string GenerationOf(DecoderConfig config) => JsonSerializer.Serialize(new SortedDictionary<string, int?>(StringComparer.Ordinal)
    {
        ["eos_token_id"] = config.EndId,
        ["pad_token_id"] = config.PadId,
    }) + "\n";
}
