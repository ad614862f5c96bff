using System.Text.Json;
using System.Text.Json.Nodes;

namespace XInstruct.Training.Models;

/// <summary>Writes config.json as transformers reads it.</summary>
internal static class ConfigWriter
{
    private static readonly JsonSerializerOptions s_format = new() { WriteIndented = true, NewLine = "\n" };

    public static string Write(DecoderConfig config)
    {
        var json = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal)
        {
            ["architectures"] = new JsonArray(config.Names.Architecture),
            ["eos_token_id"] = config.EndId,
            ["hidden_size"] = config.HiddenSize,
            ["initializer_range"] = config.InitStd,
            ["intermediate_size"] = config.IntermediateSize,
            ["max_position_embeddings"] = config.MaxPositions,
            ["model_type"] = config.Family,
            ["num_attention_heads"] = config.Heads,
            ["num_hidden_layers"] = config.Layers,
            ["pad_token_id"] = config.PadId,
            ["rope_theta"] = config.RopeTheta,
            ["tie_word_embeddings"] = config.TiesEmbeddings,
            ["torch_dtype"] = "float32",
            ["vocab_size"] = config.VocabularySize,
        };
        json["hidden_act"] = config.Activation switch
        {
            Activation.Silu => "silu",
            Activation.Gelu => "gelu",
            Activation.GeluTanh => "gelu_pytorch_tanh",
            _ => "relu",
        };
        if (config.Family == "gpt_neox")
        {
            json["attention_bias"] = config.QueryKeyValueBias;
            json["layer_norm_eps"] = config.NormEpsilon;
            json["rotary_emb_base"] = config.RopeTheta;
            json["rotary_pct"] = config.RotaryShare;
            json["use_parallel_residual"] = config.ParallelResidual;
        }
        else
        {
            json["num_key_value_heads"] = config.KeyValueHeads;
            json["rms_norm_eps"] = config.NormEpsilon;
        }

        if (config.Family is "llama" or "gemma") json["attention_bias"] = config.QueryKeyValueBias;
        if (config.Family is "llama" or "gemma" or "mistral") json["head_dim"] = config.HeadSize;
        if (config.Family == "llama") json["mlp_bias"] = config.FeedForwardBias;
        if (config.Family == "gemma") json["hidden_activation"] = json["hidden_act"]!.DeepClone();
        if (config.Family is "mistral" or "qwen2") json["sliding_window"] = config.SlidingWindow;
        if (config.Family == "qwen2")
        {
            json["use_sliding_window"] = config.SlidingWindow is not null;
            json["max_window_layers"] = config.WindowFromLayer;
        }

        if (config.RopeScaling is { } scaling)
        {
            var rope = new JsonObject { ["rope_type"] = scaling.Kind, ["factor"] = scaling.Factor };
            if (scaling.Kind == "llama3")
            {
                rope["low_freq_factor"] = scaling.LowFactor;
                rope["high_freq_factor"] = scaling.HighFactor;
                rope["original_max_position_embeddings"] = scaling.OriginalPositions;
            }

            json["rope_scaling"] = rope;
        }

        return new JsonObject(json).ToJsonString(s_format) + "\n";
    }
}
