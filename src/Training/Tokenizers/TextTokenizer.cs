using System.Globalization;
using System.Text;
using XInstruct.Training.Tokenizers.Models;
using XInstruct.Training.Tokenizers.Normalizing;
using XInstruct.Training.Tokenizers.SentencePiece;
using XInstruct.Training.Tokenizers.Splitting;

namespace XInstruct.Training.Tokenizers;

/// <summary>
/// Text to token ids and back, as a Hugging Face <c>tokenizer.json</c> or a SentencePiece <c>.model</c> says. Safe for use by several threads.
/// A lone UTF-16 surrogate is read as U+FFFD.
/// </summary>
public sealed class TextTokenizer
{
    /// <summary>The name of the file in a model folder.</summary>
    public const string FileName = "tokenizer.json";

    /// <summary>The names that a SentencePiece model has in a model folder, looked for when there is no <see cref="FileName"/>.</summary>
    public static readonly IReadOnlyList<string> SentencePieceNames = ["tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "spm.model"];

    // What transformers reads beside the tokenizer's file, and of a SentencePiece model this class too.
    private static readonly string[] s_beside = [TokenizerConfig.FileName, TokenizerConfig.TemplateFileName, "special_tokens_map.json", "added_tokens.json"];

    private const long MaxFileBytes = 512L << 20;

    private readonly byte[] _bytes;
    private readonly string _fileName;
    private readonly TokenizerParts _parts;
    private readonly WordCache _model;
    private readonly AddedTokenSplitter _raw;
    private readonly AddedTokenSplitter _normalized;
    private readonly Dictionary<int, string> _pieces = [];
    private readonly Dictionary<string, int> _ids;
    private readonly HashSet<int> _special;
    private readonly Dictionary<string, byte[]> _beside = [];

    private TextTokenizer(byte[] bytes, string fileName, TokenizerParts parts)
    {
        (_bytes, _fileName, _parts) = (bytes, fileName, parts);
        _model = new WordCache(parts.Model);
        _raw = new AddedTokenSplitter(parts.Added.Where(token => !token.Normalized));
        _normalized = new AddedTokenSplitter(parts.Added.Where(token => token.Normalized), parts.Normalizer is { } normalizer ? normalizer.Normalize : null);
        _ids = new Dictionary<string, int>(parts.Model.Vocabulary, StringComparer.Ordinal);
        foreach (var (piece, id) in parts.Model.Vocabulary)
            _pieces[id] = piece;
        foreach (var token in parts.Added)
        {
            _ids[token.Content] = token.Id;
            _pieces[token.Id] = token.Content;
        }
        _special = [.. parts.Added.Where(token => token.IsSpecial).Select(token => token.Id)];
        Size = _pieces.Keys.Max() + 1;
    }

    /// <summary>The highest id plus one: the rows a model's embedding needs at least.</summary>
    public int Size { get; }

    /// <summary>Pieces (of a byte-level tokenizer in the byte alphabet, see <see cref="ByteSymbols"/>) and added tokens with their ids.</summary>
    public IReadOnlyDictionary<string, int> Vocabulary => _ids;

    /// <summary>Whether pieces are written in the byte alphabet.</summary>
    internal bool IsByteLevel => _parts.Splitter?.Any<ByteLevelSplitter>() is true;

    /// <summary>The added tokens, in the order of the file.</summary>
    public IReadOnlyList<AddedToken> AddedTokens => _parts.Added;

    /// <summary>The id that fills short rows, as the file's padding says; 0 when it says nothing.</summary>
    internal int PadId => _parts.PadId;

    /// <summary>Ids that the file's template puts before a text.</summary>
    internal IReadOnlyList<int> Prefix => _parts.Template.Prefix;

    /// <summary>Ids that the file's template puts after a text.</summary>
    internal IReadOnlyList<int> Suffix => _parts.Template.Suffix;

    /// <summary>Reads <c>tokenizer.json</c> in a model folder or, where it is not, the SentencePiece model; or such a file itself.</summary>
    /// <exception cref="TokenizerFileException">The file is missing, damaged, or of a kind that is not supported.</exception>
    public static TextTokenizer Load(string folder)
    {
        if (File.Exists(folder)) return Path.GetExtension(folder) == ".json" ? Parse(Read(folder), folder) : FromSentencePiece(Read(folder), folder, null);
        var path = Path.Combine(folder, FileName);
        var tokenizer = !File.Exists(path) && SentencePieceNames.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists) is { } model
            ? FromSentencePiece(Read(model), model, TokenizerConfig.Load(folder))
            : Parse(Read(path), path);
        foreach (var name in s_beside.Where(name => File.Exists(Path.Combine(folder, name)))) tokenizer._beside[name] = Read(Path.Combine(folder, name));
        return tokenizer;
    }

    /// <summary>Reads the bytes of a <c>tokenizer.json</c>; <paramref name="name"/> stands for the path in errors.</summary>
    /// <exception cref="TokenizerFileException">The bytes are damaged or of a kind that is not supported.</exception>
    public static TextTokenizer Parse(ReadOnlySpan<byte> json, string name = FileName)
    {
        var bytes = json.ToArray();
        return new TextTokenizer(bytes, FileName, TokenizerFile.Parse(bytes, name));
    }

    /// <summary>Reads the bytes of a SentencePiece model: its template adds nothing, and control pieces that stand in a text are text.</summary>
    /// <exception cref="TokenizerFileException">The bytes are damaged or of a kind that is not supported.</exception>
    public static TextTokenizer ParseSentencePiece(ReadOnlySpan<byte> model, string name = "tokenizer.model") => FromSentencePiece(model.ToArray(), name, null);

    /// <summary>
    /// Writes the tokenizer's file, byte for byte as it was read or trained, and as they were the files that stood beside it in the folder it was
    /// loaded from: the configuration with its added and named tokens, and the chat templates. Where no <c>tokenizer_config.json</c> is known and
    /// the folder has none, it gets the least that transformers wants.
    /// </summary>
    public void Save(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, _fileName), _bytes);
        foreach (var (name, bytes) in _beside) File.WriteAllBytes(Path.Combine(folder, name), bytes);
        var config = Path.Combine(folder, TokenizerConfig.FileName);
        if (!File.Exists(config))
            File.WriteAllText(config, "{\n  \"tokenizer_class\": \"PreTrainedTokenizerFast\",\n  \"clean_up_tokenization_spaces\": false\n}\n");
    }

    /// <summary>The ids of a text. Added tokens that stand in the text are found.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Whether the tokens of the file's template (such as begin of text) are put around it.</param>
    public int[] Encode(string text, bool addSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>(text.Length / 2);
        foreach (var slot in _parts.Template.Slots(isPair: false, addSpecialTokens))
        {
            if (slot.Id is { } id) ids.Add(id);
            else Run(WellFormed(text), isAligned: false, (found, _, _) => ids.Add(found));
        }
        return [.. ids];
    }

    /// <summary>The tokens of a text, or of a pair of texts, with their offsets in the text they come from.</summary>
    /// <param name="text">The text.</param>
    /// <param name="pair">A second text, or null.</param>
    /// <param name="addSpecialTokens">Whether the tokens of the file's template are put around.</param>
    public TextToken[] Tokenize(string text, string? pair = null, bool addSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = new List<TextToken>(text.Length / 2);
        foreach (var slot in _parts.Template.Slots(pair is not null, addSpecialTokens))
        {
            var first = tokens.Count;
            if (slot.Id is { } id) tokens.Add(new TextToken(id, FindPiece(id) ?? "", 0, 0, slot.TypeId, IsAdded: true));
            else Run(WellFormed(slot.IsSecond ? pair! : text), isAligned: true, (found, piece, origin) => tokens.Add(new TextToken(found, piece, origin.Start, origin.End, slot.TypeId)));
            for (var i = first; _parts.Template.TrimsOffsets && i < tokens.Count; i++) tokens[i] = Trim(tokens[i], isFirst: i == first);
        }
        return [.. tokens];
    }

    /// <summary>The text of some ids. Bytes that are not UTF-8 become U+FFFD; ids outside the vocabulary are left out.</summary>
    /// <param name="ids">Token ids.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        var stream = Stream(skipSpecialTokens);
        foreach (var id in ids) stream.Push(id);
        return stream.Finish();
    }

    /// <summary>A decoder for ids that come one by one.</summary>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public TokenStream Stream(bool skipSpecialTokens = false) => new(this, _parts.Decoder, skipSpecialTokens);

    /// <summary>The id of a piece or added token, or null.</summary>
    public int? FindId(string piece) => _ids.TryGetValue(piece, out var id) ? id : null;

    /// <summary>The id of an added token that must exist.</summary>
    /// <exception cref="KeyNotFoundException">There is no such token.</exception>
    public int SpecialId(string content)
        => FindId(content) ?? throw new KeyNotFoundException($"The tokenizer has no token '{content}'.");

    /// <summary>The piece (byte alphabet) or added token of an id, or null.</summary>
    public string? FindPiece(int id) => _pieces.GetValueOrDefault(id);

    /// <summary>Whether decoding may leave the id out.</summary>
    public bool IsSpecial(int id) => _special.Contains(id);

    internal static string WellFormed(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return text;
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            result.Append(CultureInfo.InvariantCulture, $"{rune}");
        return result.ToString();
    }

    private static TextTokenizer FromSentencePiece(byte[] bytes, string path, TokenizerConfig? config)
    {
        var file = SentencePieceFile.Parse(bytes, path);
        var model = file.Model();
        var template = config is null ? TokenTemplate.Read(null, []) : TokenTemplate.Around(
            config.AddsBegin ?? file.BeginId is not null ? Ids(file.BeginId) : [], config.AddsEnd ?? file.BeginId is null ? Ids(file.EndId) : []);
        TextSplitter? cutter = model is ScoredMerges && file.EscapesSpaces && model.MayCutBefore(Metaspace.DefaultSign) ? new SpaceCutter() : null;
        return new TextTokenizer(bytes, Path.GetFileName(path), new TokenizerParts(config?.AddedTokens ?? [], file.Normalizer(), cutter, model, template, file.Decoder()));

        static int[] Ids(int? id) => id is { } value ? [value] : [];
    }

    private static byte[] Read(string path)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaxFileBytes })
                throw new TokenizerFileException(path, "", "is larger than 512 MB");
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TokenizerFileException(path, "", $"cannot be read ({error.Message})", error);
        }
    }

    private void Run(string text, bool isAligned, Action<int, string, (int Start, int End)> add)
    {
        var raw = AlignedText.Of(text, isAligned);
        var scratch = new List<ModelToken>();
        foreach (var (start, length, token) in _raw.Split(text))
        {
            if (token is not null) add(token.Id, isAligned ? text.Substring(start, length) : "", raw.Origin(start, start + length));
            else Normalized(raw.Slice(start, length), isFirst: start == 0);
        }

        void Normalized(AlignedText part, bool isFirst)
        {
            if (_parts.Normalizer is { } normalizer) part = normalizer.Normalize(part);
            foreach (var (start, length, token) in _normalized.Split(part.Text))
            {
                if (token is not null) add(token.Id, isAligned ? part.Text.Substring(start, length) : "", part.Origin(start, start + length));
                else Model(new TextSpan(part, start, length, isFirst && start == 0));
            }
        }

        void Model(TextSpan part)
        {
            List<TextSpan> spans = [part];
            foreach (var span in _parts.Splitter?.Split(spans) ?? spans)
            {
                foreach (var (id, start, end) in _model.Encode(span.Span, scratch))
                {
                    if (isAligned) add(id, Shown(id, span, start, end), span.Source.Origin(span.Start + start, span.Start + end));
                    else add(id, "", default);
                }
            }
        }
    }

    private string Shown(int id, TextSpan span, int start, int end)
        => _parts.Model.ShowsText(id) ? span.Span[start..end].ToString() : FindPiece(id)!;

    // Spaces at a token's ends are none of it, but for one that was put before the text.
    private TextToken Trim(TextToken token, bool isFirst)
    {
        var piece = token.Piece;
        var leading = piece.TakeWhile(IsSpace).Count();
        var trailing = piece.Reverse().TakeWhile(IsSpace).Count();
        if (leading > 0)
        {
            if ((isFirst || token.Start == 0) && _parts.Template.KeepsPrefixSpace) leading--;
            token = token with { Start = Math.Min(token.Start + leading, token.End) };
        }

        return trailing > 0 && token.End >= trailing ? token with { End = Math.Max(token.End - trailing, token.Start) } : token;

        static bool IsSpace(char symbol) => symbol == ByteSymbols.Of((byte)' ') || char.IsWhiteSpace(symbol);
    }
}
