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
        var composed = text.IsNormalized() ? text : text.Normalize(NormalizationForm.FormC);
        var result = new StringBuilder(composed.Length);
        var space = false;
        foreach (var c in composed)
        {
            if (IsWhiteSpace(c))
            {
                space = true;
                continue;
            }

            if (c == '\uFEFF' || c < ' ' || c is >= '\u007F' and <= '\u009F') continue;
            if (space && result.Length > 0) result.Append(' ');
            space = false;
            result.Append(c);
        }

        var normal = result.ToString();
        // Taking out a control character may bring a base and its mark together.
        return normal.IsNormalized() ? normal : normal.Normalize(NormalizationForm.FormC);
    }

    /// <summary>Length in code points.</summary>
    public static int CodePoints(string text)
    {
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
            if (text[i] == '\0') return "nul";
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return "lone-surrogate";
            i++;
        }

        return null;
    }

    // Unicode property White_Space, written out so that no runtime update moves it.
    private static bool IsWhiteSpace(char c) =>
        c is ' ' or (>= '\t' and <= '\r') or '\u0085' or '\u00A0' or '\u1680' or (>= '\u2000' and <= '\u200A') or '\u2028' or '\u2029' or '\u202F' or '\u205F' or '\u3000';
}
