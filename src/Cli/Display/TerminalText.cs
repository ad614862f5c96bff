using System.Globalization;
using System.Text;

namespace XInstruct.Cli.Display;

/// <summary>Corpus text on a terminal: control and bidirectional formatting characters are shown as �, so that no text steers the terminal.</summary>
internal static class TerminalText
{
    public static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var isBidi = rune.Value is 0x061C or 0x200E or 0x200F or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069);
            var isControl = Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control;
            clean.Append(rune.Value is '\n' or '\t' ? " " : isBidi || isControl ? "\uFFFD" : rune.ToString());
        }

        return clean.ToString();
    }
}
