using System.ComponentModel.DataAnnotations;

namespace XInstruct.Training.Generation;

/// <summary>What a <see cref="GenerationEngine"/> may use.</summary>
public sealed record EngineOptions
{
    /// <summary>Requests worked on together; others wait in the order they came.</summary>
    [Range(1, 4096)]
    public int MaxRows { get; init; } = 32;

    /// <summary>Tokens a step: one for each row that is being continued, the rest for prompts, of which long ones are taken in pieces. Above <see cref="MaxRows"/>.</summary>
    [Range(2, 1 << 20)]
    public int TokenBudget { get; init; } = 512;

    /// <summary>Tokens of prompt and continuation at most; null for what the model was made for.</summary>
    public int? MaxContext { get; init; }

    /// <summary>Threads of the tensor library.</summary>
    [Range(1, 1024)]
    public int Threads { get; init; } = 1;

    /// <summary>Requests that may wait; one more is refused.</summary>
    [Range(1, int.MaxValue)]
    public int MaxWaiting { get; init; } = 1024;

    /// <summary>Tokens of prompts whose keys and values are kept for prompts that begin alike; 0 keeps none.</summary>
    [Range(0, 1 << 24)]
    public int PrefixCacheTokens { get; init; } = 8192;

    /// <summary>Whether logits are a long way from the host, so that only candidates are fetched; null for as the model's device is.</summary>
    internal bool? UsesCandidates { get; init; }
}
