using System.Text;

namespace XInstruct.Domain.Languages;

/// <summary>
/// Script of a character by a compact table of ranges, and script shares of a text. The table follows Unicode's blocks; inside a block
/// only letters and marks count, so that figures and punctuation belong to no script.
/// </summary>
public static class Scripts
{
    // First and last code point of each range, ascending.
    private static readonly (int First, int Last, Script Script)[] Ranges =
    [
        (0x0041, 0x005A, Script.Latin), (0x0061, 0x007A, Script.Latin), (0x00AA, 0x00AA, Script.Latin), (0x00BA, 0x00BA, Script.Latin),
        (0x00C0, 0x02AF, Script.Latin), (0x0370, 0x03E1, Script.Greek), (0x03E2, 0x03EF, Script.Coptic), (0x03F0, 0x03FF, Script.Greek),
        (0x0400, 0x052F, Script.Cyrillic), (0x0531, 0x058F, Script.Armenian), (0x0591, 0x05FF, Script.Hebrew), (0x0600, 0x06FF, Script.Arabic),
        (0x0700, 0x074F, Script.Syriac), (0x0750, 0x077F, Script.Arabic), (0x0780, 0x07BF, Script.Thaana), (0x07C0, 0x07FF, Script.Nko),
        (0x0860, 0x086F, Script.Syriac), (0x0870, 0x08FF, Script.Arabic), (0x0900, 0x097F, Script.Devanagari), (0x0980, 0x09FF, Script.Bengali),
        (0x0A00, 0x0A7F, Script.Gurmukhi), (0x0A80, 0x0AFF, Script.Gujarati), (0x0B00, 0x0B7F, Script.Oriya), (0x0B80, 0x0BFF, Script.Tamil),
        (0x0C00, 0x0C7F, Script.Telugu), (0x0C80, 0x0CFF, Script.Kannada), (0x0D00, 0x0D7F, Script.Malayalam), (0x0D80, 0x0DFF, Script.Sinhala),
        (0x0E01, 0x0E3A, Script.Thai), (0x0E40, 0x0E7F, Script.Thai), (0x0E80, 0x0EFF, Script.Lao), (0x0F00, 0x0FFF, Script.Tibetan),
        (0x1000, 0x109F, Script.Myanmar), (0x10A0, 0x10FF, Script.Georgian), (0x1100, 0x11FF, Script.Hangul), (0x1200, 0x139F, Script.Ethiopic),
        (0x13A0, 0x13FF, Script.Cherokee), (0x1400, 0x167F, Script.CanadianAboriginal), (0x1780, 0x17FF, Script.Khmer), (0x1800, 0x18AF, Script.Mongolian),
        (0x18B0, 0x18FF, Script.CanadianAboriginal), (0x1950, 0x197F, Script.TaiLe), (0x19E0, 0x19FF, Script.Khmer), (0x1B00, 0x1B7F, Script.Balinese),
        (0x1B80, 0x1BBF, Script.Sundanese), (0x1C50, 0x1C7F, Script.OlChiki), (0x1C80, 0x1C8F, Script.Cyrillic), (0x1C90, 0x1CBF, Script.Georgian),
        (0x1CC0, 0x1CCF, Script.Sundanese), (0x1D00, 0x1D25, Script.Latin), (0x1D2C, 0x1D5C, Script.Latin), (0x1E00, 0x1EFF, Script.Latin),
        (0x1F00, 0x1FFF, Script.Greek), (0x2071, 0x2071, Script.Latin), (0x207F, 0x207F, Script.Latin), (0x2C60, 0x2C7F, Script.Latin),
        (0x2C80, 0x2CFF, Script.Coptic), (0x2D00, 0x2D2F, Script.Georgian), (0x2D30, 0x2D7F, Script.Tifinagh), (0x2D80, 0x2DDF, Script.Ethiopic),
        (0x2DE0, 0x2DFF, Script.Cyrillic), (0x2E80, 0x2FD5, Script.Han), (0x3005, 0x3007, Script.Han), (0x3021, 0x3029, Script.Han),
        (0x3041, 0x309F, Script.Hiragana), (0x30A1, 0x30FA, Script.Katakana), (0x30FC, 0x30FF, Script.Katakana), (0x3105, 0x312F, Script.Bopomofo),
        (0x3131, 0x318E, Script.Hangul), (0x31A0, 0x31BF, Script.Bopomofo), (0x31F0, 0x31FF, Script.Katakana), (0x3400, 0x4DBF, Script.Han),
        (0x4E00, 0x9FFF, Script.Han), (0xA000, 0xA4CF, Script.Yi), (0xA4D0, 0xA4FF, Script.Lisu), (0xA500, 0xA63F, Script.Vai),
        (0xA640, 0xA69F, Script.Cyrillic), (0xA722, 0xA7FF, Script.Latin), (0xA8E0, 0xA8FF, Script.Devanagari), (0xA960, 0xA97F, Script.Hangul),
        (0xA980, 0xA9DF, Script.Javanese), (0xA9E0, 0xA9FF, Script.Myanmar), (0xAA60, 0xAA7F, Script.Myanmar), (0xAAE0, 0xAAFF, Script.MeeteiMayek),
        (0xAB00, 0xAB2F, Script.Ethiopic), (0xAB30, 0xAB6F, Script.Latin), (0xAB70, 0xABBF, Script.Cherokee), (0xABC0, 0xABFF, Script.MeeteiMayek),
        (0xAC00, 0xD7FF, Script.Hangul), (0xF900, 0xFAFF, Script.Han), (0xFB00, 0xFB06, Script.Latin), (0xFB13, 0xFB17, Script.Armenian),
        (0xFB1D, 0xFB4F, Script.Hebrew), (0xFB50, 0xFDFF, Script.Arabic), (0xFE70, 0xFEFC, Script.Arabic), (0xFF21, 0xFF3A, Script.Latin),
        (0xFF41, 0xFF5A, Script.Latin), (0xFF66, 0xFF9F, Script.Katakana), (0xFFA0, 0xFFDC, Script.Hangul), (0x11100, 0x1114F, Script.Chakma),
        (0x1B000, 0x1B16F, Script.Hiragana), (0x1E900, 0x1E95F, Script.Adlam), (0x20000, 0x3FFFD, Script.Han),
    ];

    /// <summary>How many scripts there are, <see cref="Script.None"/> included.</summary>
    internal static readonly int Number = Enum.GetValues<Script>().Length;

    // One byte a UTF-16 unit; both halves of a pair count as Other.
    private static readonly Lazy<byte[]> Units = new(() =>
    {
        var table = new byte[0x10000];
        for (var unit = 0; unit < table.Length; unit++) table[unit] = (byte)(Rune.TryCreate((char)unit, out var rune) ? Of(rune) : Script.Other);
        return table;
    });

    /// <summary>Scripts of all characters of the basic plane, as bytes by UTF-16 unit: for inner loops.</summary>
    internal static ReadOnlySpan<byte> OfUnits => Units.Value;

    /// <summary>Script of one character.</summary>
    public static Script Of(Rune rune)
    {
        var value = rune.Value;
        if (value < 0xC0) return rune.IsAscii ? char.IsAsciiLetter((char)value) ? Script.Latin : Script.None : value is 0xAA or 0xBA ? Script.Latin : Script.None;
        if (value is 0xD7 or 0xF7 or (>= 0x0300 and <= 0x036F)) return Script.None;
        var category = Rune.GetUnicodeCategory(rune);
        if (category > System.Globalization.UnicodeCategory.LetterNumber || category == System.Globalization.UnicodeCategory.DecimalDigitNumber) return Script.None;
        int low = 0, high = Ranges.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (value < Ranges[middle].First) high = middle - 1;
            else if (value > Ranges[middle].Last) low = middle + 1;
            else return Ranges[middle].Script;
        }

        return Rune.IsLetter(rune) ? Script.Other : Script.None;
    }

    /// <summary>Share, 0 to 1, of the text's letters that are in one of the scripts; 0 for a text without letters.</summary>
    public static double Share(string text, IReadOnlySet<Script> scripts)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(scripts);
        Span<int> counts = stackalloc int[Number];
        Count(text, counts);
        int all = 0, within = 0;
        for (var script = (int)Script.None + 1; script < counts.Length; script++)
        {
            all += counts[script];
            if (scripts.Contains((Script)script)) within += counts[script];
        }

        return all == 0 ? 0 : (double)within / all;
    }

    /// <summary>Adds up the letters and marks of each script.</summary>
    internal static void Count(string text, Span<int> counts)
    {
        counts.Clear();
        var units = OfUnits;
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsHighSurrogate(text[i]) || !Rune.TryGetRuneAt(text, i, out var rune))
            {
                counts[units[text[i]]]++;
                continue;
            }

            counts[(int)Of(rune)]++;
            i++;
        }
    }
}
