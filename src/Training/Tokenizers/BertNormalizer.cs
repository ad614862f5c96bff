using System.Globalization;
using System.Text;

namespace XInstruct.Training.Tokenizers;

/// <summary>
/// The text cleaning of BERT (github.com/google-research/bert, tokenization.py) as tokenizer.json switches it: control characters go, every white
/// space is a blank, ideographs stand alone, accents go, letters are lower case.
/// </summary>
internal sealed record BertNormalizer(bool CleansText, bool SeparatesIdeographs, bool StripsAccents, bool Lowercases)
{
    // First and last of the blocks of Chinese characters; kana and hangul are written in words and are none of them.
    private static readonly (int First, int Last)[] Ideographs =
    [
        (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
    ];

    public string Normalize(string text)
    {
        var result = new StringBuilder(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
        {
            if (CleansText && IsSpace(rune)) result.Append(' ');
            else if (CleansText && IsControl(rune)) continue;
            else if (SeparatesIdeographs && Array.Exists(Ideographs, b => rune.Value >= b.First && rune.Value <= b.Last)) Append(result.Append(' '), rune).Append(' ');
            else Append(result, rune);
        }

        if (!StripsAccents) return Lower(result.ToString());
        var stripped = new StringBuilder(result.Length);
        foreach (var rune in result.ToString().Normalize(NormalizationForm.FormD).EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark) Append(stripped, rune);
        }

        return Lower(stripped.ToString());
    }

    /// <summary>White space, the controls among it too.</summary>
    public static bool IsSpace(Rune rune) => rune.Value is '\t' or '\n' or '\r' || Rune.IsWhiteSpace(rune);

    private string Lower(string text) => Lowercases ? text.ToLowerInvariant() : text;

    private static bool IsControl(Rune rune) => rune.Value == 0xFFFD || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate;

    private static StringBuilder Append(StringBuilder text, Rune rune)
    {
        Span<char> units = stackalloc char[2];
        return text.Append(units[..rune.EncodeToUtf16(units)]);
    }
}
