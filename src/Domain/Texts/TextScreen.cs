using XInstruct.Domain.Languages;

namespace XInstruct.Domain.Texts;

/// <summary>What the per-text stage says of one text.</summary>
/// <param name="Reason">Why it is rejected (<see cref="RejectionReason"/>); null when it goes on to deduplication.</param>
/// <param name="Normalised">The normalised text; empty when it is malformed.</param>
/// <param name="Language">What the language check said; null when an earlier filter rejected the text.</param>
public sealed record Screened(string? Reason, string Normalised, LanguageVerdict? Language);

/// <summary>
/// The per-text stage of ingest as one pure object: filters, then the language check. Texts it lets through go to
/// <see cref="Deduplication.DuplicateFinder"/> as sketches, language by language, in row order.
/// </summary>
public sealed class TextScreen(FilterOptions options, LanguageIdentifier identifier)
{
    /// <summary>Checks one text against its declared language. Safe to call from many threads.</summary>
    public Screened Check(string text, Language declared)
    {
        ArgumentNullException.ThrowIfNull(declared);
        if (TextFilters.Reject(text, options, out var normalised) is { } reason) return new Screened(reason, normalised, null);
        var verdict = identifier.Check(normalised, declared);
        return new Screened(verdict.IsDeclared ? null : RejectionReason.WrongLanguage, normalised, verdict);
    }
}
