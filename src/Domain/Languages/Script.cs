using System.Text;

namespace XInstruct.Domain.Languages;

/// <summary>Writing systems that are told apart. <see cref="None"/> is everything common to several (digits, punctuation) or unknown.</summary>
public enum Script
{
    None,
    Latin,
    Greek,
    Cyrillic,
    Armenian,
    Hebrew,
    Arabic,
    Syriac,
    Thaana,
    Nko,
    Devanagari,
    Bengali,
    Gurmukhi,
    Gujarati,
    Oriya,
    Tamil,
    Telugu,
    Kannada,
    Malayalam,
    Sinhala,
    Thai,
    Lao,
    Tibetan,
    Myanmar,
    Georgian,
    Ethiopic,
    Cherokee,
    Khmer,
    Mongolian,
    Tifinagh,
    Hiragana,
    Katakana,
    Bopomofo,
    Han,
    Hangul,
    Yi,
    Olchiki,
    Vai,
    Adlam,
}

/// <summary>Scripts of characters, by ranges of the Unicode character database.</summary>
public static class Scripts
{
    private static readonly (int First, int Last, Script Script)[] Ranges =
    [
        (0x0041, 0x005A, Script.Latin), (0x0061, 0x007A, Script.Latin), (0x00AA, 0x00AA, Script.Latin), (0x00BA, 0x00BA, Script.Latin),
        (0x00C0, 0x00D6, Script.Latin), (0x00D8, 0x00F6, Script.Latin), (0x00F8, 0x02B8, Script.Latin), (0x0370, 0x03E1, Script.Greek),
        (0x0400, 0x052F, Script.Cyrillic), (0x0531, 0x058A, Script.Armenian), (0x0591, 0x05F4, Script.Hebrew), (0x0600, 0x06FF, Script.Arabic),
        (0x0700, 0x074F, Script.Syriac), (0x0750, 0x077F, Script.Arabic), (0x0780, 0x07B1, Script.Thaana), (0x07C0, 0x07FF, Script.Nko),
        (0x0870, 0x08FF, Script.Arabic), (0x0900, 0x0963, Script.Devanagari), (0x0966, 0x097F, Script.Devanagari), (0x0980, 0x09FE, Script.Bengali),
        (0x0A01, 0x0A76, Script.Gurmukhi), (0x0A81, 0x0AFF, Script.Gujarati), (0x0B01, 0x0B77, Script.Oriya), (0x0B82, 0x0BFA, Script.Tamil),
        (0x0C00, 0x0C7F, Script.Telugu), (0x0C80, 0x0CF3, Script.Kannada), (0x0D00, 0x0D7F, Script.Malayalam), (0x0D81, 0x0DF4, Script.Sinhala),
        (0x0E01, 0x0E3A, Script.Thai), (0x0E40, 0x0E5B, Script.Thai), (0x0E81, 0x0EDF, Script.Lao), (0x0F00, 0x0FDA, Script.Tibetan),
        (0x1000, 0x109F, Script.Myanmar), (0x10A0, 0x10FF, Script.Georgian), (0x1100, 0x11FF, Script.Hangul), (0x1200, 0x139F, Script.Ethiopic),
        (0x13A0, 0x13FD, Script.Cherokee), (0x1780, 0x17F9, Script.Khmer), (0x1800, 0x18AA, Script.Mongolian), (0x1C50, 0x1C7F, Script.Olchiki),
        (0x1C80, 0x1C8A, Script.Cyrillic), (0x1C90, 0x1CBF, Script.Georgian), (0x1D00, 0x1D25, Script.Latin), (0x1E00, 0x1EFF, Script.Latin),
        (0x1F00, 0x1FFE, Script.Greek), (0x2C60, 0x2C7F, Script.Latin), (0x2D00, 0x2D2D, Script.Georgian), (0x2D30, 0x2D7F, Script.Tifinagh),
        (0x2D80, 0x2DDE, Script.Ethiopic), (0x2E80, 0x2FD5, Script.Han), (0x3005, 0x3007, Script.Han), (0x3041, 0x309F, Script.Hiragana),
        (0x30A1, 0x30FA, Script.Katakana), (0x30FC, 0x30FF, Script.Katakana), (0x3105, 0x312F, Script.Bopomofo), (0x3131, 0x318E, Script.Hangul),
        (0x31F0, 0x31FF, Script.Katakana), (0x3400, 0x4DBF, Script.Han), (0x4E00, 0x9FFF, Script.Han), (0xA000, 0xA4C6, Script.Yi),
        (0xA500, 0xA62B, Script.Vai), (0xA640, 0xA69F, Script.Cyrillic), (0xA722, 0xA7FF, Script.Latin), (0xA8E0, 0xA8FF, Script.Devanagari),
        (0xA960, 0xA97C, Script.Hangul), (0xA9E0, 0xA9FE, Script.Myanmar), (0xAA60, 0xAA7F, Script.Myanmar), (0xAB01, 0xAB2E, Script.Ethiopic),
        (0xAB30, 0xAB64, Script.Latin), (0xAC00, 0xD7FB, Script.Hangul), (0xF900, 0xFAD9, Script.Han), (0xFB00, 0xFB06, Script.Latin),
        (0xFB1D, 0xFB4F, Script.Hebrew), (0xFB50, 0xFDFF, Script.Arabic), (0xFE70, 0xFEFC, Script.Arabic), (0xFF21, 0xFF3A, Script.Latin),
        (0xFF41, 0xFF5A, Script.Latin), (0xFF66, 0xFF9D, Script.Katakana), (0xFFA0, 0xFFDC, Script.Hangul), (0x1E900, 0x1E95F, Script.Adlam),
        (0x20000, 0x3134A, Script.Han),
    ];

    /// <summary>Script of a character.</summary>
    public static Script Of(Rune rune)
    {
        var (low, high) = (0, Ranges.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var (first, last, script) = Ranges[middle];
            if (rune.Value < first) high = middle - 1;
            else if (rune.Value > last) low = middle + 1;
            else return script;
        }

        return Script.None;
    }

    /// <summary>Share of a text's characters of any script that are of one of <paramref name="expected"/>; 0 for a text without any.</summary>
    public static double Share(string text, IReadOnlySet<Script> expected)
    {
        var (right, all) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            var script = Of(rune);
            if (script == Script.None) continue;
            all++;
            if (expected.Contains(script)) right++;
        }

        return all == 0 ? 0 : (double)right / all;
    }
}
