namespace XInstruct.Training.Tokenizers.Models;

/// <summary>
/// WordPiece: each word is cut from the left into the longest pieces that the vocabulary has (Wu et al. 2016, arXiv 1609.08144, section 4.1).
/// A word that cannot be cut so is the unknown token.
/// </summary>
internal sealed class WordPieces : TokenModel
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _first;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _later;
    private readonly int _unknown;
    private readonly int _longestWord;

    private WordPieces(Dictionary<string, int> vocabulary, string continuation, int unknown, int longestWord)
        : base(vocabulary)
    {
        _first = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        _later = vocabulary.Where(p => p.Key.Length > continuation.Length && p.Key.StartsWith(continuation, StringComparison.Ordinal))
            .ToDictionary(p => p.Key[continuation.Length..], p => p.Value, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
        (Continuation, _unknown, _longestWord) = (continuation, unknown, longestWord);
    }

    /// <summary>What a piece that does not begin a word starts with.</summary>
    public string Continuation { get; }

    public static new WordPieces Read(JsonField model)
    {
        var vocabulary = TokenizerFile.ReadVocabulary(model.Object("vocab"));
        var unknown = model.OptionalString("unk_token") ?? "[UNK]";
        if (!vocabulary.TryGetValue(unknown, out var id)) throw model.Error($"the unknown token '{unknown}' is not in the vocabulary");
        var longest = model.Optional("max_input_chars_per_word")?.Int(1, 10_000) ?? 100;
        return new WordPieces(vocabulary, model.OptionalString("continuing_subword_prefix") ?? "##", id, longest);
    }

    public override void Encode(ReadOnlySpan<char> text, List<ModelToken> tokens)
    {
        var before = tokens.Count;
        if (Runes(text) <= _longestWord && TryCut(text, tokens)) return;
        tokens.RemoveRange(before, tokens.Count - before);
        tokens.Add(new ModelToken(_unknown, 0, text.Length));
    }

    private bool TryCut(ReadOnlySpan<char> text, List<ModelToken> tokens)
    {
        for (int start = 0, end; start < text.Length; start = end)
        {
            var id = 0;
            for (end = text.Length; end > start && !(start == 0 ? _first : _later).TryGetValue(text[start..end], out id);) end--;
            if (end == start) return false;
            tokens.Add(new ModelToken(id, start, end));
        }

        return true;
    }

    private static int Runes(ReadOnlySpan<char> word)
    {
        var count = 0;
        foreach (var _ in word.EnumerateRunes()) count++;
        return count;
    }
}
