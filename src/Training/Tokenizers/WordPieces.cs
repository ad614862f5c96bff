using System.Globalization;
using System.Text;

namespace XInstruct.Training.Tokenizers;

/// <summary>
/// WordPiece: a text is cut at white space and around each punctuation mark, and each word from the left into the longest pieces that the
/// vocabulary has (Wu et al. 2016, arXiv 1609.08144, section 4.1). A word that cannot be cut so is the unknown token.
/// </summary>
internal sealed class WordPieces
{
    private readonly Dictionary<string, int> _first;
    private readonly Dictionary<string, int> _later;
    private readonly int _unknown;
    private readonly int _longestWord;

    public WordPieces(IReadOnlyDictionary<string, int> vocabulary, string continuation, int unknown, int longestWord)
    {
        _first = new Dictionary<string, int>(vocabulary, StringComparer.Ordinal);
        _later = vocabulary.Where(p => p.Key.Length > continuation.Length && p.Key.StartsWith(continuation, StringComparison.Ordinal))
            .ToDictionary(p => p.Key[continuation.Length..], p => p.Value, StringComparer.Ordinal);
        (_unknown, _longestWord) = (unknown, longestWord);
    }

    /// <summary>Reads the model, normaliser and pre-tokeniser of a file.</summary>
    public static (WordPieces Pieces, BertNormalizer Normalizer, IReadOnlyDictionary<string, int> Vocabulary) Read(JsonField root)
    {
        var model = root.Object("model");
        var vocabulary = TokenizerFile.ReadVocabulary(model.Object("vocab"));
        var unknown = model.OptionalString("unk_token") ?? "[UNK]";
        if (!vocabulary.TryGetValue(unknown, out var id)) throw model.Error($"the unknown token '{unknown}' is not in the vocabulary");
        var longest = model.Optional("max_input_chars_per_word")?.Int(1, 10_000) ?? 100;
        if (root.Optional("pre_tokenizer") is { } splitter && splitter.At("type").String() is var kind && kind != "BertPreTokenizer")
            throw splitter.At("type").Error($"the pre-tokenizer kind '{kind}' is not supported for WordPiece; BertPreTokenizer is");
        return (new WordPieces(vocabulary, model.OptionalString("continuing_subword_prefix") ?? "##", id, longest), ReadNormalizer(root), vocabulary);
    }

    /// <summary>Appends the ids of a normalised text.</summary>
    public void Encode(string text, List<int> ids)
    {
        var start = 0;
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (BertNormalizer.IsSpace(rune) || IsPunctuation(rune))
            {
                Word(text.AsSpan(start, at - start), ids);
                start = at + rune.Utf16SequenceLength;
                if (!BertNormalizer.IsSpace(rune)) Word(text.AsSpan(at, rune.Utf16SequenceLength), ids);
            }

            at += rune.Utf16SequenceLength;
        }

        Word(text.AsSpan(start), ids);
    }

    private void Word(ReadOnlySpan<char> word, List<int> ids)
    {
        if (word.IsEmpty) return;
        var before = ids.Count;
        var (first, later) = (_first.GetAlternateLookup<ReadOnlySpan<char>>(), _later.GetAlternateLookup<ReadOnlySpan<char>>());
        var isTooLong = Runes(word) > _longestWord;
        for (var start = 0; start < word.Length && !isTooLong;)
        {
            var end = word.Length;
            var id = 0;
            while (end > start && !(start == 0 ? first : later).TryGetValue(word[start..end], out id)) end--;
            if (end == start)
            {
                isTooLong = true;
                break;
            }

            ids.Add(id);
            start = end;
        }

        if (!isTooLong) return;
        ids.RemoveRange(before, ids.Count - before);
        ids.Add(_unknown);
    }

    private static int Runes(ReadOnlySpan<char> word)
    {
        var count = 0;
        foreach (var _ in word.EnumerateRunes()) count++;
        return count;
    }

    private static BertNormalizer ReadNormalizer(JsonField root)
    {
        if (root.Optional("normalizer") is not { } normalizer) return new BertNormalizer(false, false, false, false);
        if (normalizer.At("type").String() is var kind && kind != "BertNormalizer")
            throw normalizer.At("type").Error($"the normalizer kind '{kind}' is not supported for WordPiece; BertNormalizer is");
        var lowercase = normalizer.OptionalBool("lowercase", whenAbsent: true);
        return new BertNormalizer(
            normalizer.OptionalBool("clean_text", whenAbsent: true),
            normalizer.OptionalBool("handle_chinese_chars", whenAbsent: true),
            normalizer.OptionalBool("strip_accents", whenAbsent: lowercase),
            lowercase);
    }

    // ASCII's signs such as $ and ^ count as punctuation too, though Unicode has other classes for them.
    private static bool IsPunctuation(Rune rune) => rune.IsAscii
        ? rune.Value is > 32 and < 127 && !Rune.IsLetterOrDigit(rune)
        : Rune.GetUnicodeCategory(rune) is UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation
            or UnicodeCategory.ClosePunctuation or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation or UnicodeCategory.OtherPunctuation;
}
