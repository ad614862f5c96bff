using XInstruct.Domain.Languages;

namespace XInstruct.Domain.Texts;

/// <summary>Outcome for one text.</summary>
/// <param name="Reason">Why it is rejected (<see cref="RejectionReason"/>); null when it goes on to deduplication.</param>
/// <param name="CheckedBy">How its language was checked: profile, script or none; null when an earlier filter rejected it.</param>
public readonly record struct ScreenResult(string? Reason, string? CheckedBy);

/// <summary>
/// The per-text stage of ingest as one pure object: the filters, then the language. What it lets through goes to
/// <see cref="Deduplication.NearDuplicateFinder"/> as sketches, language by language, in row order.
/// </summary>
public sealed class TextScreen(LanguageIdentifier identifier, FilterOptions options)
{
    /// <summary>Checks a text against its declared language. Safe to call from many threads.</summary>
    /// <exception cref="FormatException">Nobody knows the language code.</exception>
    public ScreenResult Check(string text, string language)
    {
        if (TextFilters.Reject(text, options, out var normal) is { } reason) return new ScreenResult(reason, null);
        var verdict = identifier.Check(normal, language);
        return new ScreenResult(verdict.IsDeclared ? null : RejectionReason.WrongLanguage, verdict.CheckedBy);
    }
}
