using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using XInstruct.Training.Tokenizers.Splitting;

namespace XInstruct.Training.Tokenizers;

/// <summary>
/// Learns a byte-level BPE tokenizer (Sennrich et al. 2016; Radford et al. 2019): ids are the special tokens, the 256 bytes in
/// the order of their symbols, then one piece per merge. The most frequent pair is merged first; among equals the pair with the
/// lower left id, then the lower right id. The same texts give the same bytes, in whatever order they come.
/// </summary>
public static partial class ByteLevelBpeTrainer
{
    // Words keep their combining marks, so that Indic and Thai words are not cut at each vowel sign.
    private const string WordPattern = @" ?[\p{L}\p{M}]+| ?\p{N}{1,3}| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s+";
    private const int RarestPair = 2;

    private static readonly JsonSerializerOptions Compact = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Learns a tokenizer.</summary>
    /// <param name="texts">The texts to learn from.</param>
    /// <param name="vocabularySize">Pieces at most, special tokens included; fewer when no pair occurs twice.</param>
    /// <param name="specialTokens">Tokens that are never split, in the order of their ids.</param>
    /// <exception cref="ArgumentException">The size does not hold the bytes and special tokens, or a special token is empty or repeated.</exception>
    public static TextTokenizer Train(IEnumerable<string> texts, int vocabularySize, IReadOnlyList<string> specialTokens)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(specialTokens);
        if (specialTokens.Any(string.IsNullOrEmpty) || specialTokens.Distinct(StringComparer.Ordinal).Count() != specialTokens.Count)
            throw new ArgumentException("Special tokens must be different and not empty.", nameof(specialTokens));
        List<string> pieces = [.. specialTokens, .. AlphabetOrder().Select(value => ByteSymbols.Of(value).ToString())];
        if (vocabularySize < pieces.Count)
        {
            throw new ArgumentException(
                $"A vocabulary of {vocabularySize} pieces does not hold 256 bytes and {specialTokens.Count} special tokens.", nameof(vocabularySize));
        }
        var merges = Merge(CountWords(texts, specialTokens), pieces, vocabularySize, specialTokens.Count);
        return TextTokenizer.Parse(Write(pieces, merges, specialTokens));
    }

    private static IEnumerable<byte> AlphabetOrder() => Enumerable.Range(0, 256).Select(value => (byte)value).OrderBy(ByteSymbols.Of);

    private static Dictionary<string, int> CountWords(IEnumerable<string> texts, IReadOnlyList<string> specialTokens)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        var lookup = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        var splitter = new PatternSplitter(Words());
        var special = new AddedTokenSplitter(specialTokens.Select((content, id) => new AddedToken(id, content, IsSpecial: true)));
        foreach (var text in texts)
        {
            foreach (var (start, size, _) in special.Split(text).Where(part => part.Token is null))
            {
                var part = text.Substring(start, size);
                foreach (var (offset, length) in splitter.Parts(part))
                {
                    var word = part.AsSpan(offset, length);
                    lookup[word] = lookup.TryGetValue(word, out var count) ? count + 1 : 1;
                }
            }
        }
        return counts;
    }

    private static List<(int Left, int Right)> Merge(Dictionary<string, int> counts, List<string> pieces, int size, int firstByte)
    {
        var idOfByte = new int[256];
        foreach (var (value, i) in AlphabetOrder().Select((value, i) => (value, i)))
            idOfByte[value] = firstByte + i;
        var words = counts.Select(word => new Word([.. Encoding.UTF8.GetBytes(word.Key).Select(value => idOfByte[value])], word.Value)).ToArray();
        var pairs = new PairCounts();
        for (var i = 0; i < words.Length; i++)
            words[i].Count(pairs, i);
        pairs.Enqueue();
        var merges = new List<(int, int)>();
        // Two merges may spell the same piece ("a"+"bc", "ab"+"c"); it keeps its first id.
        var known = pieces.Select((piece, id) => (piece, id)).ToDictionary(entry => entry.piece, entry => entry.id, StringComparer.Ordinal);
        while (pieces.Count < size && pairs.TakeBest() is { } best && best.Count >= RarestPair)
        {
            var piece = pieces[best.Left] + pieces[best.Right];
            if (!known.TryGetValue(piece, out var id))
            {
                id = pieces.Count;
                pieces.Add(piece);
                known.Add(piece, id);
            }
            merges.Add((best.Left, best.Right));
            foreach (var i in pairs.WordsOf(best.Left, best.Right))
                words[i].Merge(pairs, i, best.Left, best.Right, id);
            pairs.Enqueue();
        }
        return merges;
    }

    private static byte[] Write(List<string> pieces, List<(int Left, int Right)> merges, IReadOnlyList<string> specialTokens)
    {
        var vocabulary = new JsonObject(pieces.Select((piece, id) => KeyValuePair.Create<string, JsonNode?>(piece, id)));
        var root = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray([.. specialTokens.Select((content, id) => new JsonObject
            {
                ["id"] = id, ["content"] = content, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true,
            })]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = WordPattern }, ["behavior"] = "Isolated", ["invert"] = false },
                    ByteLevel()),
            },
            ["post_processor"] = null,
            ["decoder"] = ByteLevel(),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["ignore_merges"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode?)JsonValue.Create($"{pieces[merge.Left]} {pieces[merge.Right]}"))]),
            },
        };
        return Encoding.UTF8.GetBytes(root.ToJsonString(Compact));

        static JsonObject ByteLevel() => new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false };
    }

    [GeneratedRegex(WordPattern, RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Words();

    /// <summary>A distinct word as its current symbols, with the number of times it occurs.</summary>
    private sealed class Word(int[] symbols, int times)
    {
        private int[] _symbols = symbols;

        public void Count(PairCounts pairs, int index)
        {
            for (var i = 0; i + 1 < _symbols.Length; i++)
                pairs.Add(_symbols[i], _symbols[i + 1], times, index);
        }

        public void Merge(PairCounts pairs, int index, int left, int right, int id)
        {
            var length = 0;
            for (var i = 0; i < _symbols.Length; i++)
            {
                if (i + 1 == _symbols.Length || _symbols[i] != left || _symbols[i + 1] != right)
                {
                    _symbols[length++] = _symbols[i];
                    continue;
                }
                pairs.Add(left, right, -times, index);
                if (length > 0)
                {
                    pairs.Add(_symbols[length - 1], left, -times, index);
                    pairs.Add(_symbols[length - 1], id, times, index);
                }
                _symbols[length++] = id;
                if (++i + 1 < _symbols.Length)
                {
                    pairs.Add(right, _symbols[i + 1], -times, index);
                    pairs.Add(id, _symbols[i + 1], times, index);
                }
            }
            Array.Resize(ref _symbols, length);
        }
    }
}
