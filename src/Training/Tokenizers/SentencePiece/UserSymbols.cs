namespace XInstruct.Training.Tokenizers.SentencePiece;

/// <summary>Symbols that a user defined: they stand in a text as they are, before anything else is done with it.</summary>
internal sealed class UserSymbols
{
    private readonly Dictionary<char, string[]> _byFirst;

    public UserSymbols(IEnumerable<string> symbols) => _byFirst = symbols.Where(symbol => symbol.Length > 0).GroupBy(symbol => symbol[0])
        .ToDictionary(group => group.Key, group => group.OrderByDescending(symbol => symbol.Length).ToArray());

    /// <summary>UTF-16 units of the longest symbol that the text begins with, or 0.</summary>
    public int Longest(ReadOnlySpan<char> text)
    {
        if (!_byFirst.TryGetValue(text[0], out var candidates)) return 0;
        foreach (var candidate in candidates)
        {
            if (text.StartsWith(candidate, StringComparison.Ordinal)) return candidate.Length;
        }

        return 0;
    }
}
