namespace XInstruct.Domain.Deduplication;

/// <summary>How much of a text of an evaluation set is in another text.</summary>
/// <param name="Item">Number of the text in the index.</param>
/// <param name="Shared">Its n-grams, each counted once, that the other text has.</param>
/// <param name="Of">How many it has.</param>
public readonly record struct NgramOverlapHit(int Item, int Shared, int Of);

/// <summary>
/// Finds texts of evaluation sets inside texts that are trained on, by shared runs of n tokens (<see cref="OverlapTokens"/>), as Brown et al. 2020 (appendix C)
/// decontaminated. A part of an evaluation text that is shorter than n is one run by itself, if it is not shorter than the shortest that means anything.
/// </summary>
public sealed class NgramOverlap
{
    private const ulong Base = 0x9E3779B97F4A7C15;

    private readonly int _n;
    private readonly int _shortest;
    private readonly Dictionary<ulong, List<int>> _items = [];
    private readonly SortedSet<int> _lengths = [];
    private readonly List<int> _counts = [];

    /// <summary>An empty index.</summary>
    /// <param name="n">Tokens of a run.</param>
    /// <param name="shortest">Tokens of the shortest part that is looked for as a whole.</param>
    public NgramOverlap(int n = 13, int shortest = 8)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shortest);
        (_n, _shortest) = (n, shortest);
    }

    /// <summary>Texts added.</summary>
    public int Count => _counts.Count;

    /// <summary>Texts that are too short to be found.</summary>
    public int Unfindable => _counts.Count(count => count == 0);

    /// <summary>Adds a text of an evaluation set.</summary>
    /// <param name="parts">Its parts, e.g. premise and hypothesis; no run goes over from one to the next.</param>
    /// <returns>Its number, from 0.</returns>
    public int Add(IEnumerable<string> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        var item = _counts.Count;
        var runs = new HashSet<ulong>();
        foreach (var tokens in parts.Select(OverlapTokens.Of))
        {
            var length = Math.Min(_n, tokens.Length);
            if (length < Math.Min(_n, _shortest)) continue;
            _lengths.Add(length);
            runs.UnionWith(Runs(tokens, length));
        }

        foreach (var run in runs)
        {
            if (!_items.TryGetValue(run, out var items)) _items[run] = items = new List<int>(1);
            items.Add(item);
        }

        _counts.Add(runs.Count);
        return item;
    }

    /// <summary>Texts of the index that share a run with a text, by number.</summary>
    /// <param name="parts">Parts of the text, e.g. prompt and answer.</param>
    public IReadOnlyList<NgramOverlapHit> Find(IEnumerable<string> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        var found = new HashSet<ulong>();
        foreach (var tokens in parts.Select(OverlapTokens.Of))
        {
            foreach (var length in _lengths) found.UnionWith(Runs(tokens, length).Where(_items.ContainsKey));
        }

        return [.. found.SelectMany(run => _items[run]).CountBy(item => item).Select(hit => new NgramOverlapHit(hit.Key, hit.Value, _counts[hit.Key])).OrderBy(hit => hit.Item)];
    }

    // A polynomial of the tokens, rolled on: one product for each new token, one for the one that leaves. Its length is part of it.
    private static IEnumerable<ulong> Runs(ulong[] tokens, int length)
    {
        if (tokens.Length < length) yield break;
        var (hash, highest) = (0UL, 1UL);
        for (var i = 1; i < length; i++) highest *= Base;
        for (var i = 0; i < tokens.Length; i++)
        {
            if (i >= length) hash -= Mix(tokens[i - length]) * highest;
            hash = (hash * Base) + Mix(tokens[i]);
            if (i >= length - 1) yield return hash ^ Mix((ulong)length);
        }
    }

    private static ulong Mix(ulong token)
    {
        token = (token ^ (token >> 30)) * 0xBF58476D1CE4E5B9;
        token = (token ^ (token >> 27)) * 0x94D049BB133111EB;
        return token ^ (token >> 31);
    }
}
