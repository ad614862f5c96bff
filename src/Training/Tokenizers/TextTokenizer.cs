using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace XInstruct.Training.Tokenizers;

/// <summary>
/// Text to token ids and back, as a Hugging Face <c>tokenizer.json</c> says (byte-level BPE). Safe for use by several threads.
/// A lone UTF-16 surrogate is read as U+FFFD.
/// </summary>
public sealed class TextTokenizer
{
    /// <summary>The name of the file in a model folder.</summary>
    public const string FileName = "tokenizer.json";

    private const long MaxFileBytes = 512L << 20;

    private readonly byte[] _json;
    private readonly TokenizerFile _file;
    private readonly BpeTokenizer _model;
    private readonly AddedTokenSplitter _raw;
    private readonly AddedTokenSplitter _normalized;
    private readonly Dictionary<int, (string Piece, byte[] Bytes)> _pieces = [];
    private readonly Dictionary<string, int> _ids;
    private readonly HashSet<int> _special;

    private TextTokenizer(byte[] json, string name)
    {
        _json = json;
        _file = TokenizerFile.Parse(json, name);
        _model = BpeTokenizer.Create(new BpeOptions(_file.Vocabulary)
        {
            Merges = _file.Merges,
            ByteLevel = true,
            PreTokenizer = _file.Splitter,
        });
        _raw = new AddedTokenSplitter(_file.Added.Where(token => !token.Normalized));
        _normalized = new AddedTokenSplitter(_file.Added.Where(token => token.Normalized));
        _ids = new Dictionary<string, int>(_file.Vocabulary, StringComparer.Ordinal);
        foreach (var (piece, id) in _file.Vocabulary)
            _pieces[id] = (piece, ByteSymbols.Bytes(piece));
        foreach (var token in _file.Added)
        {
            _ids[token.Content] = token.Id;
            _pieces[token.Id] = (token.Content, ByteSymbols.Bytes(token.Content));
        }
        _special = [.. _file.Added.Where(token => token.IsSpecial).Select(token => token.Id)];
        Size = _pieces.Keys.Max() + 1;
    }

    /// <summary>The highest id plus one: the rows a model's embedding needs at least.</summary>
    public int Size { get; }

    /// <summary>Pieces (in the byte alphabet, see <see cref="ByteSymbols"/>) and added tokens with their ids.</summary>
    public IReadOnlyDictionary<string, int> Vocabulary => _ids;

    /// <summary>The added tokens, in the order of the file.</summary>
    public IReadOnlyList<AddedToken> AddedTokens => _file.Added;

    /// <summary>Ids that the file's template puts before a text.</summary>
    internal IReadOnlyList<int> Prefix => _file.Prefix;

    /// <summary>Ids that the file's template puts after a text.</summary>
    internal IReadOnlyList<int> Suffix => _file.Suffix;

    /// <summary>Reads <c>tokenizer.json</c> in a model folder.</summary>
    /// <exception cref="TokenizerFileException">The file is missing, damaged, or of a kind that is not supported.</exception>
    public static TextTokenizer Load(string folder) => Read(folder, (json, path) => new TextTokenizer(json, path));

    /// <summary>Reads the file of a model folder and makes something of its bytes and its path.</summary>
    /// <exception cref="TokenizerFileException">The file is missing or too large.</exception>
    internal static T Read<T>(string folder, Func<byte[], string, T> parse)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaxFileBytes })
                throw new TokenizerFileException(path, "", "is larger than 512 MB");
            return parse(File.ReadAllBytes(path), path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TokenizerFileException(path, "", $"cannot be read ({error.Message})", error);
        }
    }

    /// <summary>Reads the bytes of a <c>tokenizer.json</c>; <paramref name="name"/> stands for the path in errors.</summary>
    /// <exception cref="TokenizerFileException">The bytes are damaged or of a kind that is not supported.</exception>
    public static TextTokenizer Parse(ReadOnlySpan<byte> json, string name = FileName) => new(json.ToArray(), name);

    /// <summary>Writes <c>tokenizer.json</c>, byte for byte as it was read or trained, and the <c>tokenizer_config.json</c> that transformers wants.</summary>
    public void Save(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, FileName), _json);
        var config = Path.Combine(folder, "tokenizer_config.json");
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
        if (addSpecialTokens)
            ids.AddRange(_file.Prefix);
        foreach (var (part, token) in _raw.Split(WellFormed(text)))
        {
            if (token is not null)
                ids.Add(token.Id);
            else
                EncodePart(Normalize(part), ids);
        }
        if (addSpecialTokens)
            ids.AddRange(_file.Suffix);
        return [.. ids];
    }

    /// <summary>The text of some ids. Bytes that are not UTF-8 become U+FFFD; ids outside the vocabulary are left out.</summary>
    /// <param name="ids">Token ids.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        var bytes = new List<byte>(ids.Length * 4);
        foreach (var id in ids)
        {
            if (_pieces.TryGetValue(id, out var piece) && !(skipSpecialTokens && _special.Contains(id)))
                bytes.AddRange(piece.Bytes);
        }
        return Encoding.UTF8.GetString([.. bytes]);
    }

    /// <summary>The id of a piece or added token, or null.</summary>
    public int? FindId(string piece) => _ids.TryGetValue(piece, out var id) ? id : null;

    /// <summary>The id of an added token that must exist.</summary>
    /// <exception cref="KeyNotFoundException">There is no such token.</exception>
    public int SpecialId(string content)
        => FindId(content) ?? throw new KeyNotFoundException($"The tokenizer has no token '{content}'.");

    /// <summary>The piece (byte alphabet) or added token of an id, or null.</summary>
    public string? FindPiece(int id) => _pieces.TryGetValue(id, out var piece) ? piece.Piece : null;

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

    private string Normalize(string text)
    {
        foreach (var form in _file.Normalization)
            text = text.Normalize(form);
        return text;
    }

    private void EncodePart(string text, List<int> ids)
    {
        foreach (var (part, token) in _normalized.Split(text))
        {
            if (token is not null)
                ids.Add(token.Id);
            else
                EncodeText(_file.Splitter.AddPrefixSpace && part[0] != ' ' ? " " + part : part, ids);
        }
    }

    private void EncodeText(string text, List<int> ids)
    {
        if (!_file.IgnoreMerges)
        {
            ids.AddRange(_model.EncodeToIds(text));
            return;
        }
        // A piece that is in the vocabulary as a whole is taken as it is, reachable by merges or not.
        foreach (var (offset, length) in _file.Splitter.PreTokenize(text))
        {
            var piece = text.Substring(offset, length);
            if (_file.Vocabulary.TryGetValue(ByteSymbols.Show(piece), out var id))
                ids.Add(id);
            else
                ids.AddRange(_model.EncodeToIds(piece, considerPreTokenization: false));
        }
    }
}
