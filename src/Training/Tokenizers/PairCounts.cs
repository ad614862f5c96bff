namespace XInstruct.Training.Tokenizers;

/// <summary>How often each pair of neighbouring symbols occurs, and in which words, with the best pair at hand.</summary>
internal sealed class PairCounts
{
    private readonly Dictionary<(int Left, int Right), (int Count, List<int> Words)> _pairs = [];
    private readonly PriorityQueue<(int Left, int Right, int Count), (int MinusCount, int Left, int Right)> _queue = new();
    private readonly HashSet<(int Left, int Right)> _changed = [];

    /// <summary>Adds (or, when negative, takes away) occurrences of a pair in a word.</summary>
    public void Add(int left, int right, int times, int word)
    {
        var key = (left, right);
        if (!_pairs.TryGetValue(key, out var pair))
            pair = (0, []);
        // Words are never taken out: one that lost the pair merges nothing.
        if (times > 0 && (pair.Words.Count == 0 || pair.Words[^1] != word))
            pair.Words.Add(word);
        _pairs[key] = (pair.Count + times, pair.Words);
        _changed.Add(key);
    }

    /// <summary>Puts the pairs whose counts changed since the last call in the queue.</summary>
    public void Enqueue()
    {
        foreach (var (left, right) in _changed)
        {
            var count = _pairs[(left, right)].Count;
            if (count > 0)
                _queue.Enqueue((left, right, count), (-count, left, right));
        }
        _changed.Clear();
    }

    /// <summary>The most frequent pair, lowest ids first among equals; null when none is left.</summary>
    public (int Left, int Right, int Count)? TakeBest()
    {
        while (_queue.TryDequeue(out var best, out _))
        {
            // An older entry of a pair whose count changed meanwhile is skipped: the newer one is in the queue too.
            if (_pairs[(best.Left, best.Right)].Count == best.Count)
                return best;
        }
        return null;
    }

    /// <summary>The words that may hold the pair; one may come twice.</summary>
    public int[] WordsOf(int left, int right) => [.. _pairs[(left, right)].Words];
}
