namespace XInstruct.Domain.Probing;

/// <summary>Two languages whose parallel rows are compared.</summary>
public sealed record LanguagePair(string First, string Second)
{
    /// <summary>The pairs of LLM-Multilingual-Learner (arXiv 2405.13816).</summary>
    public static IReadOnlyList<LanguagePair> Published { get; } =
        [new("en", "de"), new("en", "fr"), new("en", "hi"), new("de", "fr"), new("de", "hi"), new("fr", "hi"), new("en", "th"), new("en", "sw"), new("en", "ms")];

    /// <summary>The pair of a text like <c>en/de</c>; null when it is none.</summary>
    public static LanguagePair? Find(string text) => text?.Split('/') is [{ Length: > 0 } first, { Length: > 0 } second] ? new LanguagePair(first, second) : null;

    /// <inheritdoc/>
    public override string ToString() => $"{First}/{Second}";
}
