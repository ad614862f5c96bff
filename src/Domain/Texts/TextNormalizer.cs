using System.Text;

namespace XInstruct.Domain.Texts;

/// <summary>
/// The permanent normalisation that sample ids and exact deduplication stand on (docs/formats.md): U+FEFF and control characters other than
/// white space go, runs of white space become one space, both ends are trimmed, and what is left is brought to NFC. NFC comes last because
/// what stood between a letter and its accent may just have gone; it never makes white space.
/// </summary>
public static class TextNormalizer
{
    /// <summary>The normalised text; the same instance when nothing had to change.</summary>
    /// <param name="text">A well-formed text (<see cref="WellFormedText"/>).</param>
    /// <exception cref="ArgumentException">The text holds half a surrogate pair.</exception>
    public static string Normalize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var spaced = IsClean(text) ? text : Clean(text);
        return spaced.IsNormalized(NormalizationForm.FormC) ? spaced : spaced.Normalize(NormalizationForm.FormC);
    }

    private static bool IsClean(string text)
    {
        var space = true;
        foreach (var unit in text)
        {
            if (unit == ' ')
            {
                if (space) return false;
                space = true;
                continue;
            }

            if (IsDropped(unit) || UnicodeSpace.Is(unit)) return false;
            space = false;
        }

        return !space || text.Length == 0;
    }

    private static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        var space = false;
        foreach (var unit in text)
        {
            if (UnicodeSpace.Is(unit))
            {
                space = clean.Length > 0;
            }
            else if (!IsDropped(unit))
            {
                if (space) clean.Append(' ');
                clean.Append(unit);
                space = false;
            }
        }

        return clean.ToString();
    }

    /// <summary>U+FEFF and Cc; white space among them is asked for first.</summary>
    private static bool IsDropped(char unit) => unit is < ' ' or (>= '\u007F' and <= '\u009F' and not '\u0085') or '\uFEFF' && !UnicodeSpace.Is(unit);
}
