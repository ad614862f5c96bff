using System.Collections.Concurrent;

namespace XInstruct.Training.Tokenizers.Models;

/// <summary>The tokens of short parts that were seen before: words come again. Safe for use by several threads.</summary>
internal sealed class WordCache(TokenModel model)
{
    private const int LongestWord = 32;
    private const int MostWords = 1 << 16;

    private readonly ConcurrentDictionary<string, ModelToken[]> _words = new(StringComparer.Ordinal);
    private int _count;

    public TokenModel Model => model;

    /// <summary>Appends the tokens of a part; <paramref name="scratch"/> is emptied and used.</summary>
    public ReadOnlySpan<ModelToken> Encode(ReadOnlySpan<char> text, List<ModelToken> scratch)
    {
        if (text.Length <= LongestWord && _words.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out var known)) return known;
        scratch.Clear();
        model.Encode(text, scratch);
        if (text.Length <= LongestWord && Volatile.Read(ref _count) < MostWords && _words.TryAdd(text.ToString(), [.. scratch])) Interlocked.Increment(ref _count);
        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(scratch);
    }
}
