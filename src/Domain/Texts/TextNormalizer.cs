using System.Text;

namespace XInstruct.Domain.Texts;

/// <summary>
/// The permanent normalisation that sample ids and exact deduplication stand on (docs/formats.md): NFC; U+FEFF and control characters other
/// than white space removed; runs of white space become one space; trimmed.
/// </summary>
public static class TextNormalizer
{
    /// <summary>Normal form of a well-formed text.</summary>
    /// <exception cref="ArgumentException">The text holds a lone surrogate.</exception>
    public static string Normalize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        // NFC comes last: taking out a control character may bring a letter and its mark together. It never makes white space.
        var clean = IsClean(text) ? text : Clean(text);
        return clean.IsNormalized(NormalizationForm.FormC) ? clean : clean.Normalize(NormalizationForm.FormC);
    }

    /// <summary>Length in code points.</summary>
    public static int CodePoints(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var pairs = 0;
        for (var i = 0; i + 1 < text.Length; i++)
        {
            if (char.IsSurrogatePair(text[i], text[i + 1])) (pairs, i) = (pairs + 1, i + 1);
        }

        return text.Length - pairs;
    }

    /// <summary>Why a text cannot be stored; null when it can.</summary>
    public static string? Malformation(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\0') return RejectionReason.Nul;
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return RejectionReason.LoneSurrogate;
            i++;
        }

        return null;
    }

    private static bool IsClean(string text)
    {
        var space = true;
        foreach (var c in text)
        {
            if (c == ' ')
            {
                if (space) return false;
                space = true;
                continue;
            }

            if (IsDropped(c) || IsWhiteSpace(c)) return false;
            space = false;
        }

        return !space || text.Length == 0;
    }

    private static string Clean(string text)
    {
        var result = new StringBuilder(text.Length);
        var space = false;
        foreach (var c in text)
        {
            if (IsWhiteSpace(c))
            {
                space = true;
                continue;
            }

            if (IsDropped(c)) continue;
            if (space && result.Length > 0) result.Append(' ');
            space = false;
            result.Append(c);
        }

        return result.ToString();
    }

    // U+FEFF and Cc; white space among the latter is asked for first, or dirty anyway.
    private static bool IsDropped(char c) => c is '\uFEFF' or < ' ' or (>= '\u007F' and <= '\u009F');

    // Unicode property White_Space, written out so that no runtime update moves it.
    internal static bool IsWhiteSpace(char c) =>
        c is ' ' or (>= '\t' and <= '\r') or '\u0085' or '\u00A0' or '\u1680' or (>= '\u2000' and <= '\u200A') or '\u2028' or '\u2029' or '\u202F' or '\u205F' or '\u3000';
}
