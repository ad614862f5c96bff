using System.Text.Json;

namespace XInstruct.Training.Models;

/// <summary>Reads config.json field by field; what it does not know how to honour is an error, never ignored.</summary>
internal sealed class ConfigReader(string file, JsonElement root)
{
    private const int MaxCount = 1 << 20;

    public DecoderConfig Read()
    {
        if (root.ValueKind != JsonValueKind.Object) throw Error("(file)", "must be a JSON object.");
        var type = Text("model_type") ?? throw Error("model_type", "is missing.");
        if (type != "llama") throw Error("model_type", $"is '{type}'; the families built here are: llama.");
        if ((Text("hidden_act") ?? "silu") != "silu") throw Error("hidden_act", $"is '{Text("hidden_act")}'; a llama model has silu.");
        foreach (var bias in new[] { "attention_bias", "mlp_bias" })
        {
            if (Flag(bias)) throw Error(bias, "is true; llama models with biases are not built here.");
        }

        var hidden = Count("hidden_size");
        var heads = Count("num_attention_heads");
        var keyValueHeads = OptionalCount("num_key_value_heads") ?? heads;
        if (heads % keyValueHeads != 0) throw Error("num_key_value_heads", $"is {keyValueHeads}, which does not divide num_attention_heads ({heads}).");
        var headSize = OptionalCount("head_dim") ?? (hidden % heads == 0 ? hidden / heads : throw Error("hidden_size", $"is {hidden}, which num_attention_heads ({heads}) does not divide."));
        if (headSize % 2 != 0) throw Error("head_dim", $"is {headSize}; rotary positions need an even number.");
        return new DecoderConfig
        {
            VocabularySize = Count("vocab_size"),
            HiddenSize = hidden,
            IntermediateSize = Count("intermediate_size"),
            Layers = Count("num_hidden_layers"),
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadSize = headSize,
            NormEpsilon = Number("rms_norm_eps") ?? 1e-6,
            RopeTheta = Number("rope_theta") ?? 10_000,
            RopeScaling = Scaling(),
            MaxPositions = OptionalCount("max_position_embeddings") ?? 2048,
            TiesEmbeddings = Flag("tie_word_embeddings"),
            InitStd = Number("initializer_range") ?? 0.02,
            EndId = Id("eos_token_id"),
            PadId = Id("pad_token_id"),
        };
    }

    private RopeScaling? Scaling()
    {
        if (!root.TryGetProperty("rope_scaling", out var scaling) || scaling.ValueKind == JsonValueKind.Null) return null;
        if (scaling.ValueKind != JsonValueKind.Object) throw Error("rope_scaling", "must be an object or null.");
        var inner = new ConfigReader(file, scaling);
        var kind = inner.Text("rope_type") ?? inner.Text("type") ?? throw Error("rope_scaling.rope_type", "is missing.");
        return kind switch
        {
            "default" => null,
            "linear" => new RopeScaling(kind, inner.Needed("factor"), 0, 0, 0),
            "llama3" => new RopeScaling(kind, inner.Needed("factor"), inner.Needed("low_freq_factor"), inner.Needed("high_freq_factor"), inner.Count("original_max_position_embeddings")),
            _ => throw Error("rope_scaling.rope_type", $"is '{kind}'; built here are: default, linear, llama3."),
        };
    }

    private ModelConfigException Error(string field, string problem) => new(file, field, problem);

    private double Needed(string name) => Number(name) ?? throw Error("rope_scaling." + name, "is missing.");

    private int Count(string name) => OptionalCount(name) ?? throw Error(name, "is missing.");

    private int? OptionalCount(string name)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number is > 0 and <= MaxCount
            ? number
            : throw Error(name, $"is {value}; it must be a whole number from 1 to {MaxCount}.");
    }

    private int? Id(string name)
    {
        if (!root.TryGetProperty(name, out var value)) return null;
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0) value = value[0];
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var id) ? id : null;
    }

    private double? Number(string name)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) && number > 0
            ? number
            : throw Error(name, $"is {value}; it must be a number above 0.");
    }

    private string? Text(string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private bool Flag(string name) => root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;
}
