#nullable enable
namespace Microsoft.ML.Tokenizers;

/// <summary>What a byte-pair encoder is made of.</summary>
public sealed class BpeOptions
{
    public BpeOptions(IEnumerable<KeyValuePair<string, int>> vocabulary)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        Vocabulary = vocabulary;
    }

    /// <summary>Piece to id; no piece and no id twice.</summary>
    public IEnumerable<KeyValuePair<string, int>> Vocabulary { get; }

    /// <summary>Merges "left right", the first one strongest; both sides and the result are in the vocabulary.</summary>
    public IEnumerable<string>? Merges { get; set; }

    /// <summary>Pieces that keep their own id when the pre-tokenizer isolates them.</summary>
    public IReadOnlyDictionary<string, int>? SpecialTokens { get; set; }

    public Normalizer? Normalizer { get; set; }

    /// <summary>Null means words or runs of other characters, without white space.</summary>
    public PreTokenizer? PreTokenizer { get; set; }

    public string? UnknownToken { get; set; }

    /// <summary>Encode UTF-8 bytes, each shown as one printable character.</summary>
    public bool ByteLevel { get; set; }
}
