#nullable enable
using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.ObjectModel;
using System.Text;

namespace Microsoft.ML.Tokenizers;

/// <summary>Byte-pair encoding: a piece starts as single characters and the strongest merge is applied until none is left.</summary>
public sealed class BpeTokenizer : Tokenizer
{
    private const int LongestCached = 15;
    private const int CacheSize = 8192;

    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<int, string> _pieces = [];
    private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> _merges = [];
    private readonly Dictionary<int, string> _specialPieces = [];
    private readonly ConcurrentDictionary<string, Symbol[]> _cache = new(StringComparer.Ordinal);
    private readonly PreTokenizer _preTokenizer;
    private readonly Normalizer? _normalizer;
    private readonly int? _unknown;

    private BpeTokenizer(BpeOptions options)
    {
        ByteLevel = options.ByteLevel;
        SpecialTokens = options.SpecialTokens;
        UnknownToken = options.UnknownToken;
        _preTokenizer = options.PreTokenizer ?? PreTokenizer.CreateWordOrNonWord();
        _normalizer = options.Normalizer;
        foreach (var (piece, id) in options.Vocabulary)
        {
            _ids.Add(piece, id);
            _pieces.Add(id, piece);
        }
        if (_ids.Count == 0)
            throw new InvalidOperationException("A vocabulary needs at least one piece.");
        if (UnknownToken is not null)
            _unknown = IdOf(UnknownToken, "unknown token");
        foreach (var (piece, id) in SpecialTokens ?? ReadOnlyDictionary<string, int>.Empty)
            _specialPieces.Add(id, piece);
        var rank = 0;
        foreach (var merge in options.Merges ?? [])
        {
            var sides = merge?.Split(' ');
            if (sides is not { Length: 2 } || sides[1].Length == 0)
                throw new InvalidOperationException($"Merge {rank} is not of the form 'left right'.");
            _merges.Add((IdOf(sides[0], "merge"), IdOf(sides[1], "merge")), (rank++, IdOf(sides[0] + sides[1], "merge")));
        }
    }

    public IReadOnlyDictionary<string, int>? SpecialTokens { get; }

    public string? UnknownToken { get; }

    public bool ByteLevel { get; }

    public IReadOnlyDictionary<string, int> Vocabulary => new ReadOnlyDictionary<string, int>(_ids);

    public override PreTokenizer? PreTokenizer => _preTokenizer;

    public override Normalizer? Normalizer => _normalizer;

    public static BpeTokenizer Create(BpeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new BpeTokenizer(options);
    }

    public override string Decode(IEnumerable<int> ids) => Decode(ids, considerSpecialTokens: true);

    public string Decode(IEnumerable<int> ids, bool considerSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var bytes = new List<byte>();
        var text = new StringBuilder();
        foreach (var id in ids)
        {
            var special = _specialPieces.GetValueOrDefault(id) ?? (id == _unknown && !ByteLevel ? UnknownToken : null);
            if (special is not null && !considerSpecialTokens)
                continue;
            if ((special ?? _pieces.GetValueOrDefault(id)) is not { } piece)
                continue;
            if (ByteLevel)
                ByteAlphabet.Append(piece, bytes);
            else
                text.Append(piece);
        }
        return ByteLevel ? Encoding.UTF8.GetString([.. bytes]) : text.ToString();
    }

    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        var list = ids.ToList();
        var text = Decode(list, considerSpecialTokens: true);
        (idsConsumed, charsWritten) = (0, 0);
        if (!text.AsSpan().TryCopyTo(destination))
            return OperationStatus.DestinationTooSmall;
        (idsConsumed, charsWritten) = (list.Count, text.Length);
        return OperationStatus.Done;
    }

    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var ids = new List<int>();
        var source = Prepare(text, textSpan, settings, out var normalized);
        foreach (var (offset, length) in Split(source, settings))
        {
            if (SpecialTokens?.TryGetValue(source.Substring(offset, length), out var special) is true)
            {
                ids.Add(special);
                continue;
            }
            foreach (var symbol in Symbols(source.AsSpan(offset, length)))
                ids.Add(symbol.Id);
        }
        return new EncodeResults<int> { Tokens = ids, NormalizedText = normalized, CharsConsumed = source.Length };
    }

    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
        => EncodeToIds(text, textSpan, settings).Tokens.Count;

    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var tokens = new List<EncodedToken>();
        var source = Prepare(text, textSpan, settings, out var normalized);
        foreach (var (offset, length) in Split(source, settings))
        {
            var piece = source.Substring(offset, length);
            if (SpecialTokens?.TryGetValue(piece, out var special) is true)
            {
                tokens.Add(new EncodedToken(special, piece, new Range(offset, offset + length)));
                continue;
            }
            var characters = ByteLevel ? CharacterOfByte(piece) : null;
            var start = 0;
            foreach (var symbol in Symbols(piece))
            {
                var end = start + symbol.Length;
                var range = characters is null
                    ? new Range(offset + start, offset + end)
                    : new Range(offset + characters[start], offset + (end < characters.Length ? characters[end] : piece.Length));
                tokens.Add(new EncodedToken(symbol.Id, _pieces[symbol.Id], range));
                start = end;
            }
        }
        return new EncodeResults<EncodedToken> { Tokens = tokens, NormalizedText = normalized, CharsConsumed = source.Length };
    }

    private static int[] CharacterOfByte(string piece)
    {
        var map = new List<int>();
        var at = 0;
        foreach (var rune in piece.EnumerateRunes())
        {
            map.AddRange(Enumerable.Repeat(at, rune.Utf8SequenceLength));
            at += rune.Utf16SequenceLength;
        }
        return [.. map];
    }

    private string Prepare(string? text, ReadOnlySpan<char> span, EncodeSettings settings, out string? normalized)
    {
        if (settings.MaxTokenCount != int.MaxValue)
            throw new NotSupportedException("A token limit is not supported here.");
        normalized = null;
        var source = text ?? span.ToString();
        if (source.Length == 0 || !settings.ConsiderNormalization || _normalizer is null)
            return source;
        return normalized = _normalizer.Normalize(source);
    }

    private IEnumerable<(int Offset, int Length)> Split(string source, EncodeSettings settings)
    {
        if (source.Length == 0)
            return [];
        return settings.ConsiderPreTokenization ? _preTokenizer.PreTokenize(source) : [(0, source.Length)];
    }

    private Symbol[] Symbols(ReadOnlySpan<char> piece)
    {
        if (piece.Length > LongestCached)
            return Merge(piece);
        if (_cache.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(piece, out var known))
            return known;
        var symbols = Merge(piece);
        // Emptied when full: simple, and a corpus has few more frequent pieces than that.
        if (_cache.Count >= CacheSize)
            _cache.Clear();
        _cache[piece.ToString()] = symbols;
        return symbols;
    }

    private Symbol[] Merge(ReadOnlySpan<char> piece)
    {
        var word = new MergeChain(piece.Length * 3);
        if (ByteLevel)
        {
            Span<byte> buffer = stackalloc byte[4];
            foreach (var rune in piece.EnumerateRunes())
            {
                foreach (var symbol in ByteAlphabet.Show(buffer[..rune.EncodeToUtf8(buffer)]))
                    Start(word, symbol.ToString(), 1);
            }
        }
        else
        {
            foreach (var rune in piece.EnumerateRunes())
                Start(word, rune.ToString(), rune.Utf16SequenceLength);
        }
        return word.Run(_merges);
    }

    private void Start(MergeChain word, string symbol, int length)
    {
        if (_ids.TryGetValue(symbol, out var id))
            word.Add(id, length);
        else if (_unknown is { } unknown)
            word.Add(unknown, length);
    }

    private int IdOf(string piece, string role)
        => _ids.TryGetValue(piece, out var id) ? id : throw new InvalidOperationException($"The {role} '{piece}' is not in the vocabulary.");
}
