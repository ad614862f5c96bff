using System.Text.Json;
using XInstruct.Training.Tokenizers.Decoding;
using XInstruct.Training.Tokenizers.Models;
using XInstruct.Training.Tokenizers.Normalizing;
using XInstruct.Training.Tokenizers.Splitting;

namespace XInstruct.Training.Tokenizers;

/// <summary>Reads the Hugging Face <c>tokenizer.json</c>; whatever it asks for that is not known is refused by the name of its field.</summary>
internal static class TokenizerFile
{
    public const int MaxId = 16_777_216;

    /// <summary>Reads a file's bytes; <paramref name="name"/> is the path shown in errors.</summary>
    public static TokenizerParts Parse(ReadOnlyMemory<byte> json, string name) => Parse(json, name, Read);

    /// <summary>Reads the bytes of a JSON file of a tokenizer's folder.</summary>
    public static T Parse<T>(ReadOnlyMemory<byte> json, string name, Func<JsonField, T> read)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json);
        }
        catch (JsonException error)
        {
            throw new TokenizerFileException(name, "", $"is not complete JSON ({error.Message})", error);
        }
        using (document)
        {
            try
            {
                return read(new JsonField(name, "", document.RootElement));
            }
            catch (InvalidOperationException error)
            {
                // JSON strings with lone surrogate escapes only fail when their text is read.
                throw new TokenizerFileException(name, "", $"has a string that is not text ({error.Message})", error);
            }
        }
    }

    /// <summary>Pieces with their ids, each once.</summary>
    public static Dictionary<string, int> ReadVocabulary(JsonField vocab)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        var ids = new HashSet<int>();
        foreach (var (piece, field) in vocab.Members())
        {
            var id = field.Int(0, MaxId);
            if (!vocabulary.TryAdd(piece, id))
                throw field.Error("stands twice in the vocabulary");
            if (!ids.Add(id))
                throw field.Error($"has the id {id} of another piece");
        }
        return vocabulary.Count > 0 ? vocabulary : throw vocab.Error("is empty");
    }

    private static TokenizerParts Read(JsonField root)
    {
        var model = TokenModel.Read(root.Object("model"));
        var added = ReadAdded(root, model.Vocabulary);
        var normalizer = root.Optional("normalizer") is { } normalization ? TextNormalizer.Read(normalization) : null;
        var splitter = root.Optional("pre_tokenizer") is { } split ? TextSplitter.Read(split) : null;
        if (splitter?.Any<ByteLevelSplitter>() is true) CheckBytes(root.Object("model").At("vocab"), model.Vocabulary);
        // A model with no splitter sees whole texts; words come again, so they are cut where no piece reaches over.
        if (splitter is null && model is BpeModel && model.MayCutBefore(Metaspace.DefaultSign)) splitter = new SpaceCutter();
        return new TokenizerParts(
            added, normalizer, splitter, model, TokenTemplate.Read(root.Optional("post_processor"), added), TokenDecoder.Read(root.Optional("decoder")),
            root.Optional("padding")?.Optional("pad_id")?.Int(0, int.MaxValue) ?? 0);
    }

    private static void CheckBytes(JsonField vocab, IReadOnlyDictionary<string, int> vocabulary)
    {
        for (var value = 0; value < 0xF5; value++)
        {
            // 0xC0 and 0xC1 never occur in UTF-8.
            if (value is not (0xC0 or 0xC1) && !vocabulary.ContainsKey(ByteSymbols.Of((byte)value).ToString()))
                throw vocab.Error($"has no piece for the byte 0x{value:X2}, so it is not a byte-level vocabulary");
        }
    }

    // Their ids agree with the vocabulary's.
    private static List<AddedToken> ReadAdded(JsonField root, IReadOnlyDictionary<string, int> vocabulary)
    {
        var added = new List<AddedToken>();
        if (root.Optional("added_tokens") is not { } list)
            return added;
        var ids = vocabulary.ToDictionary(piece => piece.Value, piece => piece.Key);
        foreach (var item in list.Items())
        {
            var token = new AddedToken(
                item.At("id").Int(0, MaxId), item.At("content").String(), item.OptionalBool("special"), item.OptionalBool("single_word"),
                item.OptionalBool("lstrip"), item.OptionalBool("rstrip"), item.OptionalBool("normalized"));
            if (token.Content.Length == 0)
                throw item.At("content").Error("is empty");
            if (!ids.TryAdd(token.Id, token.Content) && ids[token.Id] != token.Content)
                throw item.At("id").Error($"{token.Id} already stands for '{ids[token.Id]}'");
            added.Add(token);
        }
        return added;
    }
}
