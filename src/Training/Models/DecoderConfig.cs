using System.Text.Json;
using System.Text.Json.Nodes;

namespace XInstruct.Training.Models;

/// <summary>A config.json that cannot be used.</summary>
public sealed class ModelConfigException(string file, string field, string problem) : Exception($"{file}: {field}: {problem}")
{
    /// <summary>File that was read.</summary>
    public string File { get; } = file;

    /// <summary>Field that is wrong.</summary>
    public string Field { get; } = field;
}

/// <summary>Scaling of rotary frequencies.</summary>
/// <param name="Kind">linear or llama3.</param>
/// <param name="Factor">By how much the context is stretched.</param>
/// <param name="LowFactor">llama3: low_freq_factor.</param>
/// <param name="HighFactor">llama3: high_freq_factor.</param>
/// <param name="OriginalPositions">llama3: original_max_position_embeddings.</param>
public sealed record RopeScaling(string Kind, double Factor, double LowFactor, double HighFactor, int OriginalPositions);

/// <summary>Shape of a Llama-type decoder, in the words of Hugging Face's config.json.</summary>
public sealed record DecoderConfig
{
    public required int VocabularySize { get; init; }

    public required int HiddenSize { get; init; }

    public required int IntermediateSize { get; init; }

    public required int Layers { get; init; }

    public required int Heads { get; init; }

    public required int KeyValueHeads { get; init; }

    public required int HeadSize { get; init; }

    public double NormEpsilon { get; init; } = 1e-5;

    public double RopeTheta { get; init; } = 10_000;

    public RopeScaling? RopeScaling { get; init; }

    public int MaxPositions { get; init; } = 2048;

    public bool TiesEmbeddings { get; init; }

    public double InitStd { get; init; } = 0.02;

    public int? EndId { get; init; }

    public int? PadId { get; init; }

    /// <summary>Shape of a small model that starts from random weights; output and input embeddings are tied.</summary>
    public static DecoderConfig Llama(int vocabulary, int hidden, int layers, int heads, int intermediate, double initStd, int endId, int padId) => new()
    {
        VocabularySize = vocabulary,
        HiddenSize = hidden,
        IntermediateSize = intermediate,
        Layers = layers,
        Heads = heads,
        KeyValueHeads = heads,
        HeadSize = hidden / heads,
        TiesEmbeddings = true,
        InitStd = initStd,
        EndId = endId,
        PadId = padId,
    };

    /// <summary>Reads a folder's config.json.</summary>
    /// <exception cref="ModelConfigException">A field is missing, unknown or inconsistent; the message names it.</exception>
    public static DecoderConfig Load(string folder)
    {
        var path = Path.Combine(folder, "config.json");
        if (!File.Exists(path)) throw new ModelConfigException(path, "(file)", "does not exist. A model folder in the Hugging Face layout has one.");
        if (new FileInfo(path).Length > 1 << 20) throw new ModelConfigException(path, "(file)", "is larger than 1 MiB: that is no config.json.");
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return new ConfigReader(path, document.RootElement).Read();
        }
        catch (JsonException e)
        {
            throw new ModelConfigException(path, "(file)", "is not JSON: " + e.Message);
        }
    }

    /// <summary>config.json as transformers reads it.</summary>
    public string ToJson()
    {
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["attention_bias"] = false,
            ["eos_token_id"] = EndId,
            ["head_dim"] = HeadSize,
            ["hidden_act"] = "silu",
            ["hidden_size"] = HiddenSize,
            ["initializer_range"] = InitStd,
            ["intermediate_size"] = IntermediateSize,
            ["max_position_embeddings"] = MaxPositions,
            ["mlp_bias"] = false,
            ["model_type"] = "llama",
            ["num_attention_heads"] = Heads,
            ["num_hidden_layers"] = Layers,
            ["num_key_value_heads"] = KeyValueHeads,
            ["pad_token_id"] = PadId,
            ["rms_norm_eps"] = NormEpsilon,
            ["rope_theta"] = RopeTheta,
            ["tie_word_embeddings"] = TiesEmbeddings,
            ["torch_dtype"] = "float32",
            ["vocab_size"] = VocabularySize,
        };
        if (RopeScaling is { } r)
        {
            json["rope_scaling"] = r.Kind == "linear"
                ? new JsonObject { ["rope_type"] = r.Kind, ["factor"] = r.Factor }
                : new JsonObject
                {
                    ["rope_type"] = r.Kind,
                    ["factor"] = r.Factor,
                    ["low_freq_factor"] = r.LowFactor,
                    ["high_freq_factor"] = r.HighFactor,
                    ["original_max_position_embeddings"] = r.OriginalPositions,
                };
        }

        return json.ToJsonString(new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n";
    }
}
