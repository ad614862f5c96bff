using System.Text.Json;

namespace XInstruct.Training.Models;

/// <summary>Reads config.json field by field; what changes a model's values and is not honoured is an error, never ignored.</summary>
internal sealed class ConfigReader(string file, JsonElement root) : ConfigFields(file, root)
{
    private const int MaxLayers = 4096;

    // Each changes what a model computes, and none is built here.
    private static readonly string[] s_refused = ["quantization_config", "attn_logit_softcapping", "final_logit_softcapping", "query_pre_attn_scalar"];

    public DecoderConfig Read()
    {
        var family = Text("model_type") ?? throw Error("model_type", "is missing.");
        if (!FamilyNames.Families.Contains(family, StringComparer.Ordinal))
            throw Error("model_type", $"is '{family}'; the families built here are: {string.Join(", ", FamilyNames.Families)}.");
        foreach (var field in s_refused)
        {
            if (Has(field)) throw Error(field, $"is there; a {family} model here knows no such thing.");
        }

        var config = Shape(family);
        config = family switch
        {
            "llama" => config with
            {
                QueryKeyValueBias = Flag("attention_bias"),
                OutputBias = Flag("attention_bias"),
                FeedForwardBias = Flag("mlp_bias"),
            },
            "mistral" => config with { SlidingWindow = OptionalCount("sliding_window") },
            "gemma" => config with
            {
                Norm = NormKind.RmsOnePlus,
                // transformers ignores gemma's hidden_act, which early files spell wrong.
                Activation = Function(Text("hidden_activation") ?? "gelu_pytorch_tanh", "hidden_activation"),
                ScalesEmbedding = true,
                QueryKeyValueBias = Flag("attention_bias"),
                OutputBias = Flag("attention_bias"),
            },
            "qwen2" => config with
            {
                QueryKeyValueBias = true,
                SlidingWindow = Flag("use_sliding_window") ? OptionalCount("sliding_window") : null,
                WindowFromLayer = Flag("use_sliding_window") ? OptionalCount("max_window_layers", zero: true) ?? 0 : 0,
            },
            _ => config with
            {
                Norm = NormKind.Layer,
                QueryKeyValueBias = Flag("attention_bias", true),
                OutputBias = Flag("attention_bias", true),
                FeedForwardBias = true,
                ParallelResidual = Flag("use_parallel_residual", true),
            },
        };
        if (config.RotarySize is < 2 || config.RotarySize % 2 != 0)
            throw Error(family == "gpt_neox" ? "rotary_pct" : "head_dim", $"gives {config.RotarySize} rotated values of the {config.HeadSize} of a head; it must be an even number above 0.");
        if (config.RopeScaling is { Kind: "dynamic" } && config.RotarySize == 2)
            throw Error("rope_scaling.rope_type", "is 'dynamic', which needs more than 2 rotated values a head.");
        CheckLayerTypes(config);
        return config;
    }

    private DecoderConfig Shape(string family)
    {
        var neox = family == "gpt_neox";
        var hidden = Count("hidden_size");
        var heads = Count("num_attention_heads");
        // Only the first Llama had no such field; the other families' defaults fit no shape but one. null is as many as heads.
        var keyValueHeads = neox ? heads : OptionalCount("num_key_value_heads") ?? (family == "llama" || Root.TryGetProperty("num_key_value_heads", out _) ? heads : throw Error("num_key_value_heads", "is missing."));
        if (heads % keyValueHeads != 0) throw Error("num_key_value_heads", $"is {keyValueHeads}, which does not divide num_attention_heads ({heads}).");
        if (family == "gemma" && !Has("head_dim")) throw Error("head_dim", "is missing.");
        var given = neox ? null : OptionalCount("head_dim");
        var head = given ?? (hidden % heads == 0 ? hidden / heads : throw Error("hidden_size", $"is {hidden}, which num_attention_heads ({heads}) does not divide."));
        if (given is null && neox && Has("head_dim")) throw Error("head_dim", "is there; a gpt_neox model's is hidden_size / num_attention_heads.");
        if (!neox && (Number("partial_rotary_factor") ?? 1) != 1) throw Error("partial_rotary_factor", $"is not 1; a {family} model rotates whole heads.");
        var layers = Count("num_hidden_layers");
        if (layers > MaxLayers) throw Error("num_hidden_layers", $"is {layers}; at most {MaxLayers} are built.");
        var share = neox ? Number("rotary_pct") ?? Number("partial_rotary_factor") ?? 0.25 : 1;
        if (share > 1) throw Error("rotary_pct", $"is {share}; it is a share, at most 1.");
        if (neox && Number("partial_rotary_factor") is { } other && other != share) throw Error("partial_rotary_factor", $"is {other}, but rotary_pct is {share}.");
        var positions = OptionalCount("max_position_embeddings") ?? 2048;
        var end = Id("eos_token_id");
        return new DecoderConfig
        {
            Family = family,
            VocabularySize = Count("vocab_size"),
            HiddenSize = hidden,
            IntermediateSize = Count("intermediate_size"),
            Layers = layers,
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadSize = head,
            NormEpsilon = Number(neox ? "layer_norm_eps" : "rms_norm_eps") ?? (neox ? 1e-5 : 1e-6),
            Activation = family == "gemma" ? Activation.GeluTanh : Function(Text("hidden_act") ?? (neox ? "gelu" : "silu"), "hidden_act"),
            RotaryShare = share,
            RopeTheta = Theta(neox),
            RopeScaling = Scaling(positions),
            MaxPositions = positions,
            TiesEmbeddings = Flag("tie_word_embeddings", family == "gemma"),
            InitStd = Number("initializer_range") ?? 0.02,
            EndId = end,
            PadId = Id("pad_token_id"),
        };
    }

    // gpt_neox: transformers wrote rotary_emb_base, later also rope_theta; transformers 5 puts it with the scaling.
    private double Theta(bool neox)
    {
        var theta = Number("rope_theta");
        var old = neox ? Number("rotary_emb_base") : null;
        if (theta is { } a && old is { } b && a != b) throw Error("rotary_emb_base", $"is {b}, but rope_theta is {a}.");
        var inner = Object("rope_parameters")?.Number("rope_theta");
        return theta ?? old ?? inner ?? 10_000;
    }

    private RopeScaling? Scaling(int positions)
    {
        var inner = Object("rope_scaling") ?? Object("rope_parameters");
        if (inner is null) return null;
        var kind = inner.Text("rope_type") ?? inner.Text("type") ?? throw inner.Error("rope_type", "is missing.");
        if (kind == "default") return null;
        if (inner.Number("factor") is < 1) throw inner.Error("factor", "is below 1: it stretches the context.");
        switch (kind)
        {
            case "linear":
            case "dynamic":
                return new RopeScaling(kind, inner.Needed("factor"), 0, 0, kind == "dynamic" ? positions : 0);
            case "llama3":
                var scaling = new RopeScaling(
                    kind, inner.Needed("factor"), inner.Needed("low_freq_factor"), inner.Needed("high_freq_factor"), inner.Count("original_max_position_embeddings"));
                if (scaling.HighFactor <= scaling.LowFactor) throw inner.Error("high_freq_factor", $"is {scaling.HighFactor}; it must be above low_freq_factor ({scaling.LowFactor}).");
                return scaling;
            default:
                throw inner.Error("rope_type", $"is '{kind}'; built here are: default, linear, dynamic, llama3.");
        }
    }

    // Newer files say it layer by layer; it must agree with the window.
    private void CheckLayerTypes(DecoderConfig config)
    {
        if (!Root.TryGetProperty("layer_types", out var types) || types.ValueKind == JsonValueKind.Null) return;
        if (types.ValueKind != JsonValueKind.Array || types.GetArrayLength() != config.Layers) throw Error("layer_types", $"must be an array of {config.Layers} names.");
        for (var i = 0; i < config.Layers; i++)
        {
            var wanted = config.SlidingWindow is not null && i >= config.WindowFromLayer ? "sliding_attention" : "full_attention";
            if (types[i].ValueKind != JsonValueKind.String || types[i].GetString() != wanted)
                throw Error("layer_types", $"says {types[i]} of layer {i}; the other fields give {wanted}.");
        }
    }

    private Activation Function(string name, string field) => name switch
    {
        "silu" or "swish" => Activation.Silu,
        "gelu" => Activation.Gelu,
        "gelu_pytorch_tanh" or "gelu_new" or "gelu_fast" => Activation.GeluTanh,
        "relu" => Activation.Relu,
        _ => throw Error(field, $"is '{name}'; built here are: silu, gelu, gelu_pytorch_tanh, gelu_new, gelu_fast, relu."),
    };
}
