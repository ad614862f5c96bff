namespace XInstruct.Training.Tokenizers.Models;

/// <summary>A token of a part of a text: its id and the UTF-16 units of the part that it stands for.</summary>
internal readonly record struct ModelToken(int Id, int Start, int End);

/// <summary>The <c>model</c> of a tokenizer file: a vocabulary and how a part of a text becomes its pieces. Safe for use by several threads.</summary>
internal abstract class TokenModel(IReadOnlyDictionary<string, int> vocabulary)
{
    public IReadOnlyDictionary<string, int> Vocabulary { get; } = vocabulary;

    /// <summary>Appends the tokens of a part that is not empty.</summary>
    public abstract void Encode(ReadOnlySpan<char> text, List<ModelToken> tokens);

    /// <summary>Whether tokens of an id stand for unknown text, which they show.</summary>
    public virtual bool ShowsText(int id) => false;

    /// <summary>Whether a text may also be cut before every sign that follows another character: the tokens are the same, and words come again.</summary>
    public bool MayCutBefore(char sign) => !Vocabulary.Keys.Any(piece =>
    {
        for (var at = piece.IndexOf(sign, 1 <= piece.Length ? 1 : 0); at > 0; at = piece.IndexOf(sign, at + 1))
        {
            if (piece[at - 1] != sign) return true;
        }

        return false;
    });

    /// <summary>Reads the model of a file.</summary>
    public static TokenModel Read(JsonField model)
    {
        // Files written before the kinds had names are BPE.
        var kind = model.OptionalString("type") ?? "BPE";
        return kind switch
        {
            "BPE" => BpeModel.Read(model),
            "Unigram" => UnigramModel.Read(model),
            "WordPiece" => WordPieces.Read(model),
            _ => throw model.At("type").Error($"the model kind '{kind}' is not supported; BPE, Unigram and WordPiece are"),
        };
    }
}
