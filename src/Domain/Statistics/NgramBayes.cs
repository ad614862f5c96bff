using System.Numerics;
using System.Runtime.InteropServices;

namespace XInstruct.Domain.Statistics;

/// <summary>
/// Multinomial naive Bayes over character 1…n-grams with additive smoothing, one table a length:
/// log P(g | c) = log((count + α) / (total + α · distinct)). A hash table leads from a key to one row of log-probabilities, a column a class.
/// </summary>
internal sealed class NgramBayes
{
    private readonly int _longest;
    private readonly int _stride;
    private readonly int _mask;
    private readonly ulong[] _keys;
    private readonly int[] _rows;
    private readonly float[] _weights;

    private NgramBayes(int classes, int longest, double smoothing, Dictionary<ulong, float[]> counts)
    {
        _longest = longest;
        Classes = classes;
        _stride = (classes + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, counts.Count * 2));
        _mask = size - 1;
        _keys = new ulong[size];
        _rows = new int[size];
        // The first rows are those of n-grams that no class has seen, one a length.
        _weights = new float[(counts.Count + longest) * _stride];
        var totals = new double[longest, classes];
        var distinct = new int[longest];
        foreach (var (key, row) in counts)
        {
            var order = Order(key);
            distinct[order]++;
            for (var c = 0; c < classes; c++) totals[order, c] += row[c];
        }

        var next = longest;
        for (var order = 0; order < longest; order++)
        {
            for (var c = 0; c < classes; c++) _weights[(order * _stride) + c] = Weight(0, order, c);
        }

        // The order of the keys decides which slot each gets, not what it holds.
        foreach (var (key, row) in counts)
        {
            var slot = Slot(key);
            _keys[slot] = key;
            _rows[slot] = next * _stride;
            for (var c = 0; c < classes; c++) _weights[(next * _stride) + c] = Weight(row[c], Order(key), c);
            next++;
        }

        float Weight(float count, int order, int c) =>
            (float)Math.Log((count + smoothing) / (totals[order, c] + (smoothing * (distinct[order] + 1))));
    }

    public int Classes { get; }

    /// <summary>Learns from folded texts and their classes.</summary>
    public static NgramBayes Build(IEnumerable<(char[] Folded, int Class)> texts, int classes, int longest, double smoothing)
    {
        var counts = new Dictionary<ulong, float[]>();
        foreach (var (folded, c) in texts)
        {
            for (var end = 0; end < folded.Length; end++)
            {
                for (var length = 1; length <= Math.Min(longest, end + 1); length++)
                {
                    ref var row = ref CollectionsMarshal.GetValueRefOrAddDefault(counts, CharacterNgrams.Key(folded, end, length), out _);
                    (row ??= new float[classes])[c]++;
                }
            }
        }

        return new NgramBayes(classes, longest, smoothing, counts);
    }

    /// <summary>
    /// Adds up each class's log-likelihood in nats. The n-grams of one place overlap, so the sum is divided by the longest length:
    /// without that, every margin would be about that much too sure.
    /// </summary>
    public void Score(ReadOnlySpan<char> folded, Span<float> scores)
    {
        Span<float> sums = stackalloc float[_stride <= 512 ? _stride : 0];
        if (_stride > 512) sums = new float[_stride];
        sums.Clear();
        ulong window = 0;
        for (var end = 0; end < folded.Length; end++)
        {
            window = (window << 16) | folded[end];
            var longest = Math.Min(_longest, end + 1);
            for (var length = 1; length <= longest; length++)
            {
                var key = length == 4 ? window : window & ((1UL << (16 * length)) - 1);
                Add(sums, _weights.AsSpan(Row(key, length - 1), _stride));
            }
        }

        for (var c = 0; c < Classes; c++) scores[c] = sums[c] / _longest;
    }

    private static void Add(Span<float> sums, ReadOnlySpan<float> row)
    {
        for (var i = 0; i < sums.Length; i += Vector<float>.Count)
        {
            (new Vector<float>(sums[i..]) + new Vector<float>(row[i..])).CopyTo(sums[i..]);
        }
    }

    private static int Order(ulong key) => (63 - BitOperations.LeadingZeroCount(key | 1)) / 16;

    private int Row(ulong key, int order)
    {
        var slot = Slot(key);
        return _keys[slot] == key ? _rows[slot] : order * _stride;
    }

    /// <summary>The key's slot, or the free one where it would stand.</summary>
    private int Slot(ulong key)
    {
        var slot = (int)((key * 0x9E3779B97F4A7C15) >> 32) & _mask;
        while (_keys[slot] != 0 && _keys[slot] != key) slot = (slot + 1) & _mask;
        return slot;
    }
}
