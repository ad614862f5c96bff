using System.Globalization;
using System.Text;

namespace XInstruct.Domain.Texts;

/// <summary>Text of unknown origin on one line of a screen or page, so that it steers neither.</summary>
public static class DisplayText
{
    /// <summary>Line breaks and tabs as blanks; other control characters and bidirectional formatting characters as U+FFFD.</summary>
    public static string Clean(string text) => Clean(text, keepsLines: false);

    /// <summary>The same for a text of several lines: line breaks and tabs stay.</summary>
    public static string CleanLines(string text) => Clean(text, keepsLines: true);

    private static string Clean(string text, bool keepsLines)
    {
        ArgumentNullException.ThrowIfNull(text);
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var isBidi = rune.Value is 0x061C or 0x200E or 0x200F or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069);
            var isControl = Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control;
            clean.Append(rune.Value switch
            {
                '\n' or '\t' when keepsLines => rune.ToString(),
                0x2028 or 0x2029 when keepsLines => "\n",
                '\n' or '\t' or 0x2028 or 0x2029 => " ",
                _ => isBidi || isControl ? "\uFFFD" : rune.ToString(),
            });
        }

        return clean.ToString();
    }

    /// <summary>The same, cut to so many code points, with an ellipsis where something is missing.</summary>
    public static string Clip(string text, int codePoints)
    {
        var clean = Clean(text);
        var end = 0;
        foreach (var rune in clean.EnumerateRunes())
        {
            if (codePoints-- == 0) return string.Concat(clean.AsSpan(0, end), "…");
            end += rune.Utf16SequenceLength;
        }

        return clean;
    }
}
