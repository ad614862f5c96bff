using System.Text;

namespace XInstruct.Training.Tokenizers.Models;

/// <summary>
/// The UTF-8 bytes of pieces as a tree in three arrays: the children of a node lie side by side, in the order of their bytes, so that one vectorised
/// search finds the next node.
/// </summary>
internal sealed class PieceTrie
{
    private readonly byte[] _labels;
    private readonly int[] _firstChild;
    private readonly short[] _children;
    private readonly int[] _values;

    public PieceTrie(IEnumerable<KeyValuePair<string, int>> pieces)
    {
        var keys = pieces.Where(piece => piece.Key.Length > 0).Select(piece => (Bytes: Encoding.UTF8.GetBytes(piece.Key), piece.Value)).ToArray();
        Array.Sort(keys, (a, b) => a.Bytes.AsSpan().SequenceCompareTo(b.Bytes));
        var (labels, first, count, values) = (new List<byte> { 0 }, new List<int> { 0 }, new List<short> { 0 }, new List<int> { -1 });
        var ranges = new Queue<(int Node, int From, int To, int Depth)>([(0, 0, keys.Length, 0)]);
        while (ranges.TryDequeue(out var range))
        {
            var (node, from, to, depth) = range;
            while (from < to && keys[from].Bytes.Length == depth) values[node] = keys[from++].Value;
            first[node] = labels.Count;
            while (from < to)
            {
                var label = keys[from].Bytes[depth];
                var next = from + 1;
                while (next < to && keys[next].Bytes[depth] == label) next++;
                ranges.Enqueue((labels.Count, from, next, depth + 1));
                labels.Add(label);
                first.Add(0);
                count.Add(0);
                values.Add(-1);
                count[node]++;
                from = next;
            }
        }

        (_labels, _firstChild, _children, _values) = ([.. labels], [.. first], [.. count], [.. values]);
    }

    /// <summary>The node before any byte.</summary>
    public const int Root = 0;

    /// <summary>The node after one more byte, or -1.</summary>
    public int Next(int node, byte label)
    {
        var first = _firstChild[node];
        var at = _labels.AsSpan(first, _children[node]).IndexOf(label);
        return at < 0 ? -1 : first + at;
    }

    /// <summary>The value of the piece that ends at a node, or -1.</summary>
    public int Value(int node) => _values[node];

    /// <summary>The bytes of the longest piece that the text begins with, or 0.</summary>
    public int Longest(ReadOnlySpan<byte> text)
    {
        var (longest, node) = (0, Root);
        for (var i = 0; i < text.Length && (node = Next(node, text[i])) >= 0; i++)
        {
            if (_values[node] >= 0) longest = i + 1;
        }

        return longest;
    }
}
