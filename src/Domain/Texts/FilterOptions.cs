namespace XInstruct.Domain.Texts;

/// <summary>
/// Limits of the per-text filters. The shares were set on 9,000 real reviews in 18 languages and on the spoilt texts of <c>samples/</c>:
/// of the first at most 2% a language are rejected, of the second at least 95% for their true reason.
/// </summary>
public sealed record FilterOptions
{
    /// <summary>Shortest accepted text in code points after normalisation.</summary>
    public int MinChars { get; init; } = 600;

    /// <summary>Longest accepted text in code points after normalisation.</summary>
    public int MaxChars { get; init; } = 3000;

    /// <summary>Share of a text that may repeat an earlier part of it.</summary>
    public double MaxRepetition { get; init; } = 0.4;

    /// <summary>5-gram Jaccard similarity from which one sentence repeats another.</summary>
    public double SentenceSimilarity { get; init; } = 0.8;

    /// <summary>Share of capitals among the letters that have case from which a text counts as written in capitals.</summary>
    public double MaxUppercase { get; init; } = 0.95;

    /// <summary>Points of navigation text (<see cref="Boilerplate.Score"/>) from which a text is rejected.</summary>
    public double MaxBoilerplate { get; init; } = 1;
}
