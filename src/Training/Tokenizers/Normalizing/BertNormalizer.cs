using System.Globalization;
using System.Text;

namespace XInstruct.Training.Tokenizers.Normalizing;

/// <summary>
/// The text cleaning of BERT (github.com/google-research/bert, tokenization.py) as tokenizer.json switches it: control characters go, every white
/// space is a blank, ideographs stand alone, accents go (after decomposition where asked), letters are lower case.
/// </summary>
internal sealed class BertNormalizer(bool CleansText, bool SeparatesIdeographs, bool StripsAccents, bool Lowercases, bool Decomposes = true) : TextNormalizer
{
    private static readonly FormNormalizer Decomposition = new(NormalizationForm.FormD);

    // First and last of the blocks of Chinese characters; kana and hangul are written in words and are none of them.
    private static readonly (int First, int Last)[] Ideographs =
    [
        (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
    ];

    public static BertNormalizer ReadBert(JsonField field)
    {
        var lowercase = field.OptionalBool("lowercase", whenAbsent: true);
        return new BertNormalizer(
            field.OptionalBool("clean_text", whenAbsent: true),
            field.OptionalBool("handle_chinese_chars", whenAbsent: true),
            field.OptionalBool("strip_accents", whenAbsent: lowercase),
            lowercase);
    }

    public override AlignedText Normalize(AlignedText text)
    {
        if (CleansText || SeparatesIdeographs) text = Each(text, Clean);
        if (StripsAccents) text = Each(Decomposes ? Decomposition.Normalize(text) : text, DropAccent);
        return Lowercases ? new LowercaseNormalizer().Normalize(text) : text;
    }

    /// <summary>White space, the controls among it too.</summary>
    public static bool IsSpace(Rune rune) => rune.Value is '\t' or '\n' or '\r' || Rune.IsWhiteSpace(rune);

    private static AlignedText Each(AlignedText text, Action<AlignedText.Builder, Rune, int> append)
    {
        var result = new AlignedText.Builder(text);
        var at = 0;
        foreach (var rune in text.Text.EnumerateRunes())
        {
            append(result, rune, at);
            at += rune.Utf16SequenceLength;
        }

        return result.Build();
    }

    private void Clean(AlignedText.Builder result, Rune rune, int at)
    {
        if (CleansText && IsSpace(rune)) result.Append(" ", at);
        else if (CleansText && IsControl(rune)) return;
        else if (SeparatesIdeographs && Array.Exists(Ideographs, b => rune.Value >= b.First && rune.Value <= b.Last)) result.Append(" ", at).Append(rune, at).Append(" ", at);
        else result.Append(rune, at);
    }

    private static void DropAccent(AlignedText.Builder result, Rune rune, int at)
    {
        if (Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark) result.Append(rune, at);
    }

    private static bool IsControl(Rune rune) => rune.Value == 0xFFFD || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate;
}
