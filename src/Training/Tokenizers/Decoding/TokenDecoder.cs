using XInstruct.Training.Tokenizers.Splitting;

namespace XInstruct.Training.Tokenizers.Decoding;

/// <summary>The <c>decoder</c> of a tokenizer file: makes, for each text, the stages from pieces to text.</summary>
internal sealed class TokenDecoder(IReadOnlyList<Func<DecoderStage>> stages)
{
    /// <summary>Reads a part and the parts inside it; a file without one joins its pieces with blanks.</summary>
    /// <exception cref="TokenizerFileException">The kind is not known.</exception>
    public static TokenDecoder Read(JsonField? field) => new(field is { } decoder ? [.. Stages(decoder)] : [() => new JoinStage()]);

    /// <summary>Fresh stages; the first one takes the pieces.</summary>
    public (DecoderStage First, DecodedText Text) Start()
    {
        var text = new DecodedText();
        DecoderStage first = text;
        for (var i = stages.Count - 1; i >= 0; i--)
        {
            var stage = stages[i]();
            stage.Next = first;
            first = stage;
        }

        return (first, text);
    }

    private static IEnumerable<Func<DecoderStage>> Stages(JsonField field)
    {
        var kind = field.At("type").String();
        switch (kind)
        {
            case "Sequence":
                return [.. field.Array("decoders").Items().SelectMany(Stages)];
            case "ByteLevel":
                return [() => new ByteLevelStage()];
            case "ByteFallback":
                return [() => new ByteFallbackStage()];
            case "Fuse":
                return [() => new FuseStage()];
            case "Metaspace":
                var space = Metaspace.Read(field);
                return [() => new MetaspaceStage(space)];
            case "Replace":
                var (pattern, content) = (TextPattern.Read(field.Object("pattern")), field.At("content").String());
                return [() => new ReplaceStage(pattern, content)];
            case "Strip":
                var stripped = field.At("content").String();
                if (stripped.Length != 1) throw field.At("content").Error("is not one character");
                var (start, stop) = (field.At("start").Int(0, int.MaxValue), field.At("stop").Int(0, int.MaxValue));
                return [() => new StripStage(stripped[0], start, stop)];
            case "WordPiece":
                var (prefix, cleans) = (field.OptionalString("prefix") ?? "##", field.OptionalBool("cleanup", whenAbsent: true));
                return [() => new WordPieceStage(prefix, cleans)];
            default:
                throw field.At("type").Error($"the decoder kind '{kind}' is not supported");
        }
    }
}
