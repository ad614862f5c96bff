using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace XInstruct.Training.Tokenizers;

/// <summary>What a Hugging Face <c>tokenizer.json</c> says, checked. Byte-level BPE only; any other kind is refused by name.</summary>
internal sealed record TokenizerFile(
    IReadOnlyDictionary<string, int> Vocabulary,
    IReadOnlyList<string> Merges,
    bool IgnoreMerges,
    IReadOnlyList<AddedToken> Added,
    IReadOnlyList<NormalizationForm> Normalization,
    PatternSplitter Splitter,
    IReadOnlyList<int> Prefix,
    IReadOnlyList<int> Suffix)
{
    private const int MaxId = 16_777_216;

    // The pattern of the GPT-2 release: contractions, words, numbers, other signs, white space.
    private const string ByteLevelPattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private static readonly TimeSpan MatchTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Reads a file's bytes; <paramref name="name"/> is the path shown in errors.</summary>
    public static TokenizerFile Parse(ReadOnlyMemory<byte> json, string name) => Parse(json, name, Read);

    /// <summary>Reads a file's bytes as some kind of tokenizer.</summary>
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

    private static TokenizerFile Read(JsonField root)
    {
        var model = root.Object("model");
        var kind = model.OptionalString("type") ?? "BPE";
        if (kind != "BPE")
            throw model.At("type").Error($"the model kind '{kind}' is not supported; byte-level BPE is");
        if (model.OptionalBool("byte_fallback"))
            throw model.At("byte_fallback").Error("SentencePiece-style BPE with byte fallback is not supported; byte-level BPE is");
        foreach (var affix in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (model.OptionalString(affix) is { Length: > 0 } text)
                throw model.At(affix).Error($"the affix '{text}' is not supported");
        }
        var vocabulary = ReadByteVocabulary(model.Object("vocab"));
        var merges = ReadMerges(model.Array("merges"), vocabulary);
        var added = ReadAdded(root, vocabulary);
        var patterns = new List<Regex>();
        var addPrefixSpace = false;
        if (!ReadSplitter(root.Object("pre_tokenizer"), patterns, ref addPrefixSpace))
            throw root.At("pre_tokenizer").Error("has no ByteLevel part; only byte-level tokenizers are supported");
        var normalization = new List<NormalizationForm>();
        if (root.Optional("normalizer") is { } normalizer)
            ReadNormalizer(normalizer, normalization);
        if (root.Optional("decoder") is { } decoder && decoder.OptionalString("type") is var shown && shown != "ByteLevel")
            throw decoder.At("type").Error($"the decoder kind '{shown}' is not supported; ByteLevel is");
        List<int> prefix = [], suffix = [];
        if (root.Optional("post_processor") is { } processor)
            ReadTemplate(processor, added, prefix, suffix);
        return new TokenizerFile(
            vocabulary, merges, model.OptionalBool("ignore_merges"), added, normalization, new PatternSplitter(patterns, addPrefixSpace), prefix, suffix);
    }

    private static Dictionary<string, int> ReadByteVocabulary(JsonField vocab)
    {
        var vocabulary = ReadVocabulary(vocab);
        for (var value = 0; value < 0xF5; value++)
        {
            // 0xC0 and 0xC1 never occur in UTF-8.
            if (value is not (0xC0 or 0xC1) && !vocabulary.ContainsKey(ByteSymbols.Of((byte)value).ToString()))
                throw vocab.Error($"has no piece for the byte 0x{value:X2}, so it is not a byte-level vocabulary");
        }
        return vocabulary;
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
        return vocabulary;
    }

    private static List<string> ReadMerges(JsonField merges, Dictionary<string, int> vocabulary)
    {
        var result = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in merges.Items())
        {
            var sides = item.IsArray ? item.Items().Select(side => side.String()).ToArray() : item.String().Split(' ');
            if (sides.Length != 2 || sides.Any(side => side.Length == 0 || side.Contains(' ', StringComparison.Ordinal)))
                throw item.Error("is not a pair of pieces");
            foreach (var piece in (string[])[sides[0], sides[1], sides[0] + sides[1]])
            {
                if (!vocabulary.ContainsKey(piece))
                    throw item.Error($"'{piece}' is not in the vocabulary");
            }
            var merge = $"{sides[0]} {sides[1]}";
            if (!seen.Add(merge))
                throw item.Error("repeats an earlier merge");
            result.Add(merge);
        }
        return result;
    }

    /// <summary>The added tokens; their ids agree with the vocabulary's.</summary>
    public static List<AddedToken> ReadAdded(JsonField root, Dictionary<string, int> vocabulary)
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

    private static bool ReadSplitter(JsonField field, List<Regex> patterns, ref bool addPrefixSpace)
    {
        var kind = field.At("type").String();
        switch (kind)
        {
            case "Sequence":
                var byteLevel = false;
                foreach (var part in field.Array("pretokenizers").Items())
                    byteLevel |= ReadSplitter(part, patterns, ref addPrefixSpace);
                return byteLevel;
            case "ByteLevel":
                addPrefixSpace |= field.OptionalBool("add_prefix_space", whenAbsent: true);
                if (field.OptionalBool("use_regex", whenAbsent: true))
                    patterns.Add(Pattern(field, ByteLevelPattern));
                return true;
            case "Split":
                if (field.At("behavior").String() is var behavior && behavior != "Isolated")
                    throw field.At("behavior").Error($"'{behavior}' is not supported; Isolated is");
                if (field.OptionalBool("invert"))
                    throw field.At("invert").Error("an inverted split is not supported");
                var pattern = field.Object("pattern");
                patterns.Add(pattern.OptionalString("Regex") is { } regex
                    ? Pattern(pattern.At("Regex"), regex)
                    : Pattern(pattern, Regex.Escape(pattern.At("String").String())));
                return false;
            case "Digits":
                patterns.Add(Pattern(field, field.OptionalBool("individual_digits") ? @"\p{N}" : @"\p{N}+"));
                return false;
            default:
                throw field.At("type").Error($"the pre-tokenizer kind '{kind}' is not supported");
        }
    }

    private static Regex Pattern(JsonField field, string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.Compiled | RegexOptions.CultureInvariant, MatchTimeout);
        }
        catch (ArgumentException error)
        {
            throw field.Error($"is not a pattern that can be used ({error.Message})");
        }
    }

    private static void ReadNormalizer(JsonField field, List<NormalizationForm> forms)
    {
        var kind = field.At("type").String();
        if (kind == "Sequence")
        {
            foreach (var part in field.Array("normalizers").Items())
                ReadNormalizer(part, forms);
            return;
        }
        forms.Add(kind switch
        {
            "NFC" => NormalizationForm.FormC,
            "NFD" => NormalizationForm.FormD,
            "NFKC" => NormalizationForm.FormKC,
            "NFKD" => NormalizationForm.FormKD,
            _ => throw field.At("type").Error($"the normalizer kind '{kind}' is not supported"),
        });
    }

    /// <summary>The ids that the template puts before and after a text.</summary>
    public static void ReadTemplate(JsonField field, List<AddedToken> added, List<int> prefix, List<int> suffix)
    {
        var kind = field.At("type").String();
        switch (kind)
        {
            case "Sequence":
                foreach (var part in field.Array("processors").Items())
                    ReadTemplate(part, added, prefix, suffix);
                break;
            case "ByteLevel":
                break;
            case "TemplateProcessing":
                var target = prefix;
                foreach (var item in field.Array("single").Items())
                {
                    if (item.Optional("Sequence") is not null)
                    {
                        target = suffix;
                        continue;
                    }
                    var special = item.Object("SpecialToken").At("id");
                    var content = special.String();
                    target.Add((added.Find(token => token.Content == content) ?? throw special.Error($"'{content}' is not an added token")).Id);
                }
                break;
            case "BertProcessing" or "RobertaProcessing":
                prefix.Add(EndToken(field.Array("cls"), added));
                suffix.Add(EndToken(field.Array("sep"), added));
                break;
            default:
                throw field.At("type").Error($"the post-processor kind '{kind}' is not supported");
        }
    }

    // [content, id]
    private static int EndToken(JsonField pair, List<AddedToken> added)
    {
        var items = pair.Items().ToList();
        if (items.Count != 2)
            throw pair.Error("is not a token and its id");
        var (content, id) = (items[0].String(), items[1].Int(0, MaxId));
        return added.Exists(token => token.Id == id && token.Content == content) ? id : throw pair.Error($"'{content}' with the id {id} is not an added token");
    }
}
