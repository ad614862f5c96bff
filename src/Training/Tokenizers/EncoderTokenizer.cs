namespace XInstruct.Training.Tokenizers;

/// <summary>
/// Text to the token ids of a sentence encoder, as its <c>tokenizer.json</c> says: WordPiece (BERT and its kin) or byte-level BPE (RoBERTa and
/// its kin), with the tokens that its template puts around a text. Safe for use by several threads.
/// </summary>
public sealed class EncoderTokenizer
{
    private readonly Action<string, List<int>> _encode;
    private readonly IReadOnlyList<int> _prefix;
    private readonly IReadOnlyList<int> _suffix;

    private EncoderTokenizer(Action<string, List<int>> encode, IReadOnlyList<int> prefix, IReadOnlyList<int> suffix, int maxId, int padId) =>
        (_encode, _prefix, _suffix, MaxId, PadId) = (encode, prefix, suffix, maxId, padId);

    /// <summary>The highest id that a text can get.</summary>
    public int MaxId { get; }

    /// <summary>The id that fills short rows; what it is does not matter where the model honours its mask.</summary>
    public int PadId { get; }

    /// <summary>Reads <c>tokenizer.json</c> in an encoder's folder.</summary>
    /// <exception cref="TokenizerFileException">The file is missing, damaged, or of a kind that is not supported.</exception>
    public static EncoderTokenizer Load(string folder) => TextTokenizer.Read(folder, (json, path) => Parse(json, path));

    /// <summary>Reads the bytes of a <c>tokenizer.json</c>; <paramref name="name"/> stands for the path in errors.</summary>
    /// <exception cref="TokenizerFileException">The bytes are damaged or of a kind that is not supported.</exception>
    public static EncoderTokenizer Parse(ReadOnlyMemory<byte> json, string name = TextTokenizer.FileName) => TokenizerFile.Parse(json, name, root =>
    {
        var model = root.Object("model");
        var padId = root.Optional("padding")?.Optional("pad_id")?.Int(0, int.MaxValue) ?? 0;
        // Files written before the kinds had names are BPE.
        return (model.OptionalString("type") ?? "BPE") switch
        {
            "WordPiece" => WordPiece(root, padId),
            "BPE" => Bpe(TextTokenizer.Parse(json.Span, name), padId),
            var kind => throw model.At("type").Error($"the model kind '{kind}' is not supported for encoders; WordPiece and byte-level BPE are"),
        };
    });

    /// <summary>The ids of a text with the tokens of the template around it; at least one.</summary>
    /// <param name="text">The text; a lone surrogate is read as U+FFFD.</param>
    /// <param name="maxTokens">Ids at most; the end of the text is cut, the template's tokens stay.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxTokens"/> leaves no room for the text.</exception>
    public int[] Encode(string text, int maxTokens)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(maxTokens, _prefix.Count + _suffix.Count);
        var ids = new List<int>(_prefix);
        _encode(TextTokenizer.WellFormed(text), ids);
        var room = maxTokens - _suffix.Count;
        if (ids.Count > room) ids.RemoveRange(room, ids.Count - room);
        ids.AddRange(_suffix);
        // A text of which the normaliser leaves nothing, and no template.
        if (ids.Count == 0) ids.Add(PadId);
        return [.. ids];
    }

    private static EncoderTokenizer Bpe(TextTokenizer tokenizer, int padId) =>
        new((text, ids) => ids.AddRange(tokenizer.Encode(text)), tokenizer.Prefix, tokenizer.Suffix, tokenizer.Size - 1, padId);

    private static EncoderTokenizer WordPiece(JsonField root, int padId)
    {
        var (pieces, normalizer, vocabulary) = WordPieces.Read(root);
        var added = TokenizerFile.ReadAdded(root, new Dictionary<string, int>(vocabulary, StringComparer.Ordinal));
        var raw = new AddedTokenSplitter(added.Where(token => !token.Normalized));
        var normalized = new AddedTokenSplitter(added.Where(token => token.Normalized));
        List<int> prefix = [], suffix = [];
        if (root.Optional("post_processor") is { } processor) TokenizerFile.ReadTemplate(processor, added, prefix, suffix);
        return new EncoderTokenizer(Encode, prefix, suffix, vocabulary.Values.Concat(added.Select(token => token.Id)).Max(), padId);

        void Encode(string text, List<int> ids)
        {
            foreach (var (part, token) in raw.Split(text))
            {
                if (token is not null) ids.Add(token.Id);
                else Normalized(normalizer.Normalize(part), ids);
            }
        }

        void Normalized(string text, List<int> ids)
        {
            foreach (var (part, token) in normalized.Split(text))
            {
                if (token is not null) ids.Add(token.Id);
                else pieces.Encode(part, ids);
            }
        }
    }
}
