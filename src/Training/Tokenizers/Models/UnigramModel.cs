using System.Buffers;
using System.Text;

namespace XInstruct.Training.Tokenizers.Models;

/// <summary>
/// The unigram model (Kudo 2018, arXiv 1804.10959): of all ways to cut a text that with the highest sum of log probabilities, found from left to
/// right (Viterbi). A character that no piece covers costs the lowest score less ten; runs of such characters are one unknown token, or their bytes.
/// </summary>
internal sealed class UnigramModel : TokenModel
{
    private const double UnknownPenalty = 10;

    private readonly PieceTrie _trie;
    private readonly double[] _scores;
    private readonly BytePieces? _bytes;
    private readonly int? _unknown;
    private readonly double _unknownScore;
    private readonly bool _isSingle;

    /// <summary>A model.</summary>
    /// <param name="vocabulary">All pieces.</param>
    /// <param name="pieces">Those that a text is cut into.</param>
    /// <param name="scores">The score of each id.</param>
    /// <param name="lowest">The score below which an unknown character lies.</param>
    /// <param name="unknown">The unknown token.</param>
    /// <param name="bytes">The pieces of bytes, where unknown characters are cut into them.</param>
    /// <param name="isSingle">Whether sums are rounded to 32 bits, as SentencePiece does; the tokenizers library keeps 64.</param>
    public UnigramModel(
        IReadOnlyDictionary<string, int> vocabulary, IEnumerable<KeyValuePair<string, int>> pieces, double[] scores, double lowest, int? unknown, BytePieces? bytes, bool isSingle)
        : base(vocabulary)
    {
        _trie = new PieceTrie(pieces);
        (_scores, _unknown, _bytes, _isSingle) = (scores, unknown, bytes, isSingle);
        _unknownScore = isSingle ? (float)lowest - (float)UnknownPenalty : lowest - UnknownPenalty;
    }

    public static new UnigramModel Read(JsonField model)
    {
        var vocab = model.Array("vocab");
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        var scores = new List<double>();
        foreach (var item in vocab.Items())
        {
            var pair = item.Items().ToArray();
            if (pair.Length != 2) throw item.Error("is not a piece and its score");
            // Of two pieces with one text the later has the id, as in the library; the score of each id stays its own.
            vocabulary[pair[0].String()] = scores.Count;
            scores.Add(pair[1].Number());
        }

        if (scores.Count == 0) throw vocab.Error("is empty");
        if (scores.Count > TokenizerFile.MaxId) throw vocab.Error("has too many pieces");
        var unknown = model.Optional("unk_id")?.Int(0, scores.Count - 1);
        return new UnigramModel(
            vocabulary, vocabulary, [.. scores], scores.Min(), unknown, model.OptionalBool("byte_fallback") ? BytePieces.Of(vocabulary) : null, isSingle: false);
    }

    public override bool ShowsText(int id) => id == _unknown;

    public override void Encode(ReadOnlySpan<char> text, List<ModelToken> tokens)
    {
        var size = Encoding.UTF8.GetByteCount(text);
        var bytes = ArrayPool<byte>.Shared.Rent(size);
        var ends = ArrayPool<Node>.Shared.Rent(size + 1);
        try
        {
            Encoding.UTF8.GetBytes(text, bytes);
            ends.AsSpan(0, size + 1).Fill(new Node(-1, -1, 0));
            ends[0] = new Node(-1, 0, 0);
            Search(bytes.AsSpan(0, size), ends);
            Collect(text, size, ends, tokens);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
            ArrayPool<Node>.Shared.Return(ends);
        }
    }

    private void Search(ReadOnlySpan<byte> text, Node[] ends)
    {
        for (int start = 0, length; start < text.Length; start += length)
        {
            length = Utf8Length(text[start]);
            var here = ends[start].Score;
            var isCovered = false;
            var node = PieceTrie.Root;
            for (var end = start; end < text.Length;)
            {
                node = _trie.Next(node, text[end++]);
                if (node < 0) break;
                var id = _trie.Value(node);
                if (id < 0) continue;
                Offer(ref ends[end], id, start, here + _scores[id]);
                isCovered |= end - start == length;
            }

            if (!isCovered) Offer(ref ends[start + length], -1, start, _isSingle ? (float)(here + _unknownScore) : here + _unknownScore);
        }
    }

    private void Offer(ref Node end, int id, int start, double score)
    {
        // The sum is compared as it is and kept rounded.
        if (end.Start < 0 || score > end.Score) end = new Node(id, start, _isSingle ? (float)score : score);
    }

    // From the end back, then turned round; unknown neighbours are one.
    private void Collect(ReadOnlySpan<char> text, int size, Node[] ends, List<ModelToken> tokens)
    {
        var path = new List<(int Id, int Start, int End)>();
        for (var end = size; end > 0; end = ends[end].Start)
        {
            var (id, start, _) = ends[end];
            if (id == _unknown) id = -1;
            if (id < 0 && path.Count > 0 && path[^1].Id < 0) path[^1] = (-1, start, path[^1].End);
            else path.Add((id, start, end));
        }

        var at = 0;
        for (var i = path.Count - 1; i >= 0; i--)
        {
            var from = at;
            for (var left = path[i].End - path[i].Start; left > 0;)
            {
                Rune.DecodeFromUtf16(text[at..], out var rune, out var units);
                left -= rune.Utf8SequenceLength;
                at += units;
            }

            if (path[i].Id >= 0) tokens.Add(new ModelToken(path[i].Id, from, at));
            else AppendUnknown(text[from..at], from, tokens);
        }
    }

    private void AppendUnknown(ReadOnlySpan<char> text, int from, List<ModelToken> tokens)
    {
        // The library looks the text up again: one that spells the unknown token itself is that token.
        if (!_isSingle && _unknown is { } same && Vocabulary.TryGetValue(text.ToString(), out var id) && id == same) tokens.Add(new ModelToken(id, from, from + text.Length));
        else if (_bytes?.TryAppend(text, from, tokens) is not true && _unknown is { } unknown) tokens.Add(new ModelToken(unknown, from, from + text.Length));
    }

    private static int Utf8Length(byte lead) => lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

    private readonly record struct Node(int Id, int Start, double Score);
}
