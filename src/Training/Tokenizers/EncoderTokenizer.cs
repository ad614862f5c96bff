namespace XInstruct.Training.Tokenizers;

/// <summary>
/// Text to the token ids of a sentence encoder, as its <c>tokenizer.json</c> says: WordPiece (BERT and its kin), byte-level BPE (RoBERTa and
/// its kin) or unigram (XLM-R and its kin), with the tokens that its template puts around a text. Safe for use by several threads.
/// </summary>
public sealed class EncoderTokenizer
{
    private readonly TextTokenizer _tokenizer;

    private EncoderTokenizer(TextTokenizer tokenizer) => _tokenizer = tokenizer;

    /// <summary>The highest id that a text can get.</summary>
    public int MaxId => _tokenizer.Size - 1;

    /// <summary>The id that fills short rows; what it is does not matter where the model honours its mask.</summary>
    public int PadId => _tokenizer.PadId;

    /// <summary>Reads <c>tokenizer.json</c> in an encoder's folder.</summary>
    /// <exception cref="TokenizerFileException">The file is missing, damaged, or of a kind that is not supported.</exception>
    public static EncoderTokenizer Load(string folder) => new(TextTokenizer.Load(folder));

    /// <summary>Reads the bytes of a <c>tokenizer.json</c>; <paramref name="name"/> stands for the path in errors.</summary>
    /// <exception cref="TokenizerFileException">The bytes are damaged or of a kind that is not supported.</exception>
    public static EncoderTokenizer Parse(ReadOnlyMemory<byte> json, string name = TextTokenizer.FileName) => new(TextTokenizer.Parse(json.Span, name));

    /// <summary>The ids of a text with the tokens of the template around it; at least one.</summary>
    /// <param name="text">The text; a lone surrogate is read as U+FFFD.</param>
    /// <param name="maxTokens">Ids at most; the end of the text is cut, the template's tokens stay.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxTokens"/> leaves no room for the text.</exception>
    public int[] Encode(string text, int maxTokens)
    {
        var (prefix, suffix) = (_tokenizer.Prefix, _tokenizer.Suffix);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(maxTokens, prefix.Count + suffix.Count);
        var ids = _tokenizer.Encode(text);
        int[] row = [.. prefix, .. ids.AsSpan(0, Math.Min(ids.Length, maxTokens - prefix.Count - suffix.Count)), .. suffix];
        // A text of which the normaliser leaves nothing, and no template.
        return row.Length > 0 ? row : [PadId];
    }
}
