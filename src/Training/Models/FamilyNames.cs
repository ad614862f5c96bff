namespace XInstruct.Training.Models;

/// <summary>What Hugging Face calls the parts of one family's checkpoints.</summary>
internal sealed record FamilyNames
{
    private static readonly FamilyNames s_llama = new() { Architecture = "LlamaForCausalLM" };

    private static readonly Dictionary<string, FamilyNames> s_families = new(StringComparer.Ordinal)
    {
        ["gemma"] = s_llama with { Architecture = "GemmaForCausalLM" },
        ["gpt_neox"] = new()
        {
            Architecture = "GPTNeoXForCausalLM",
            Body = "gpt_neox",
            Embedding = "embed_in",
            FinalNorm = "final_layer_norm",
            Head = "embed_out",
            Attention = "attention",
            Fused = "query_key_value",
            Output = "dense",
            Gate = null,
            Up = "dense_h_to_4h",
            Down = "dense_4h_to_h",
        },
        ["llama"] = s_llama,
        ["mistral"] = s_llama with { Architecture = "MistralForCausalLM" },
        ["qwen2"] = s_llama with { Architecture = "Qwen2ForCausalLM" },
    };

    /// <summary>The families built here.</summary>
    public static IEnumerable<string> Families => s_families.Keys;

    public required string Architecture { get; init; }

    public string Body { get; init; } = "model";

    public string Embedding { get; init; } = "embed_tokens";

    public string FinalNorm { get; init; } = "norm";

    public string Head { get; init; } = "lm_head";

    public string Attention { get; init; } = "self_attn";

    /// <summary>Query, key and value of each head in one matrix; null where they are three.</summary>
    public string? Fused { get; init; }

    public string Output { get; init; } = "o_proj";

    /// <summary>The matrix whose activation multiplies the up projection; null where there is none.</summary>
    public string? Gate { get; init; } = "gate_proj";

    public string Up { get; init; } = "up_proj";

    public string Down { get; init; } = "down_proj";

    public static FamilyNames Of(string family) => s_families[family];

    /// <summary>Whether a checkpoint may carry this beside the parameters: tables that older versions stored.</summary>
    public static bool IsStoredTable(string name) =>
        name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal)
        || name.EndsWith(".attention.bias", StringComparison.Ordinal)
        || name.EndsWith(".attention.masked_bias", StringComparison.Ordinal);
}
