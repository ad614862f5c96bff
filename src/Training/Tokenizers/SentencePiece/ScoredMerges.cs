using System.Text;
using XInstruct.Training.Tokenizers.Models;

namespace XInstruct.Training.Tokenizers.SentencePiece;

/// <summary>
/// SentencePiece's byte-pair encoding: of all neighbours that spell a piece together those with the highest score are joined first, the leftmost
/// among equals. Symbols that a user defined are never joined; pieces that are marked unused are cut again into what they were made of.
/// Each run of unknown characters is one unknown token, or each character its bytes' pieces.
/// </summary>
internal sealed class ScoredMerges : TokenModel
{
    private readonly Dictionary<string, (int Id, float Score)>.AlternateLookup<ReadOnlySpan<char>> _pieces;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _ids;
    private readonly HashSet<int> _unused;
    private readonly UserSymbols _symbols;
    private readonly int _unknown;
    private readonly BytePieces? _bytes;
    private readonly int _longest;

    public ScoredMerges(
        Dictionary<string, int> vocabulary, Dictionary<string, (int Id, float Score)> pieces, HashSet<int> unused, UserSymbols symbols, int unknown, BytePieces? bytes)
        : base(vocabulary)
    {
        _ids = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        _pieces = pieces.GetAlternateLookup<ReadOnlySpan<char>>();
        (_unused, _symbols, _unknown, _bytes) = (unused, symbols, unknown, bytes);
        _longest = pieces.Keys.Select(piece => piece.Length).DefaultIfEmpty().Max();
    }

    public override bool ShowsText(int id) => id == _unknown;

    public override void Encode(ReadOnlySpan<char> text, List<ModelToken> tokens)
    {
        var nodes = Cut(text);
        var queue = new PriorityQueue<(int Left, int Right, int Length), (float MinusScore, int Left)>();
        // What an unused piece was last made of.
        var parts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 1; i < nodes.Count; i++) Offer(text, nodes, i - 1, i, queue, parts);
        while (queue.TryDequeue(out var pair, out _))
        {
            var (left, right) = (nodes[pair.Left], nodes[pair.Right]);
            // One of them was joined with its other neighbour meanwhile.
            if (left.Length == 0 || right.Length == 0 || left.Length + right.Length != pair.Length) continue;
            nodes[pair.Left] = left with { Length = pair.Length, Next = right.Next };
            nodes[pair.Right] = right with { Length = 0 };
            if (right.Next >= 0) nodes[right.Next] = nodes[right.Next] with { Previous = pair.Left };
            if (left.Previous >= 0) Offer(text, nodes, left.Previous, pair.Left, queue, parts);
            if (right.Next >= 0) Offer(text, nodes, pair.Left, right.Next, queue, parts);
        }

        for (var i = nodes.Count == 0 ? -1 : 0; i >= 0; i = nodes[i].Next) Append(text, nodes[i].Start, nodes[i].Length, parts, tokens);
    }

    private List<Node> Cut(ReadOnlySpan<char> text)
    {
        var nodes = new List<Node>(text.Length);
        for (var at = 0; at < text.Length;)
        {
            var symbol = _symbols.Longest(text[at..]);
            Rune.DecodeFromUtf16(text[at..], out _, out var length);
            if (symbol > 0) length = symbol;
            if (nodes.Count > 0) nodes[^1] = nodes[^1] with { Next = nodes.Count };
            nodes.Add(new Node(at, length, nodes.Count - 1, -1, symbol > 0));
            at += length;
        }

        return nodes;
    }

    private void Offer(
        ReadOnlySpan<char> text, List<Node> nodes, int left, int right, PriorityQueue<(int Left, int Right, int Length), (float MinusScore, int Left)> queue,
        Dictionary<string, int> parts)
    {
        var length = nodes[left].Length + nodes[right].Length;
        if (nodes[left].IsFrozen || nodes[right].IsFrozen || length > _longest) return;
        if (!_pieces.TryGetValue(text.Slice(nodes[left].Start, length), out var piece)) return;
        queue.Enqueue((left, right, length), (-piece.Score, left));
        if (_unused.Contains(piece.Id)) parts[text.Slice(nodes[left].Start, length).ToString()] = nodes[left].Length;
    }

    private void Append(ReadOnlySpan<char> text, int start, int length, Dictionary<string, int> parts, List<ModelToken> tokens)
    {
        var part = text.Slice(start, length);
        if (_ids.TryGetValue(part, out var id) && id != _unknown)
        {
            if (!_unused.Contains(id) || !parts.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(part, out var first))
            {
                tokens.Add(new ModelToken(id, start, start + length));
                return;
            }

            Append(text, start, first, parts, tokens);
            Append(text, start + first, length - first, parts, tokens);
            return;
        }

        if (_bytes?.TryAppend(part, start, tokens) is true) return;
        if (tokens.Count > 0 && tokens[^1].Id == _unknown && tokens[^1].End == start) tokens[^1] = tokens[^1] with { End = start + length };
        else tokens.Add(new ModelToken(_unknown, start, start + length));
    }

    private readonly record struct Node(int Start, int Length, int Previous, int Next, bool IsFrozen);
}
