using System.Text.RegularExpressions;

namespace XInstruct.Domain.Metrics;

/// <summary>What two answers may differ in and still be the same.</summary>
public sealed record ExactMatchOptions
{
    /// <summary>Capitals.</summary>
    public bool IgnoreCase { get; init; }

    /// <summary>ASCII punctuation.</summary>
    public bool IgnorePunctuation { get; init; }

    /// <summary>The digits 0 to 9.</summary>
    public bool IgnoreNumbers { get; init; }

    /// <summary>What is taken out first, in order.</summary>
    public IReadOnlyList<Regex> Ignored { get; init; } = [];
}

/// <summary>Whether an answer is the right one to the letter.</summary>
public static class ExactMatch
{
    /// <summary>Whether they are the same.</summary>
    public static bool IsMatch(string answer, string reference, ExactMatchOptions options) =>
        string.Equals(Reduced(answer, options), Reduced(reference, options), StringComparison.Ordinal);

    private static string Reduced(string text, ExactMatchOptions options)
    {
        foreach (var pattern in options.Ignored) text = pattern.Replace(text, "");
        if (options.IgnoreCase) text = text.ToLowerInvariant();
        return string.Concat(text.Where(c => !(options.IgnorePunctuation && char.IsAscii(c) && (char.IsPunctuation(c) || char.IsSymbol(c))) && !(options.IgnoreNumbers && char.IsAsciiDigit(c))));
    }
}
