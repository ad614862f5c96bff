namespace XInstruct.Domain.Texts;

/// <summary>The filters that need nothing but the text (methods section 1), in order of cost. Language-agnostic.</summary>
public static class TextFilters
{
    /// <summary>Why the text is rejected (<see cref="RejectionReason"/>), or null; the normalised text when it is well-formed.</summary>
    /// <remarks>
    /// Boilerplate goes before length: what a menu says of itself matters more than that it is short. The other order would call most
    /// page furniture too short.
    /// </remarks>
    public static string? Reject(string text, FilterOptions options, out string normalised)
    {
        ArgumentNullException.ThrowIfNull(options);
        normalised = "";
        if (TextNormalizer.Malformation(text) is { } malformed) return malformed;
        normalised = TextNormalizer.Normalize(text);
        if (normalised.Length == 0) return RejectionReason.Empty;
        var length = TextNormalizer.CodePoints(normalised);
        if (length > options.MaxChars) return RejectionReason.TooLong;
        if (Boilerplate.Score(text) >= options.MaxBoilerplate) return RejectionReason.Boilerplate;
        if (length < options.MinChars) return RejectionReason.TooShort;
        if (Capitals.Share(normalised) >= options.MaxUppercase) return RejectionReason.Uppercase;
        // The raw text: its line ends separate sentences.
        return Repetition.Share(text, options.SentenceSimilarity) > options.MaxRepetition ? RejectionReason.Repetition : null;
    }
}
