#nullable enable
using System.Text.RegularExpressions;

namespace Microsoft.ML.Tokenizers;

/// <summary>Splits a text into the pieces that are encoded one by one; pieces that it leaves out are not encoded.</summary>
public abstract class PreTokenizer
{
    private static readonly TimeSpan MatchTimeout = TimeSpan.FromSeconds(30);
    private static readonly Lazy<Regex> WordOrNonWord = new(() => Pattern(@"\w+|[^\w\s]+"));
    private static readonly Lazy<Regex> WordOrPunctuation = new(() => Pattern(@"\w+|[\p{P}]"));
    private static readonly Lazy<Regex> NonSpace = new(() => Pattern(@"\S+"));

    public abstract IEnumerable<(int Offset, int Length)> PreTokenize(string text);

    public abstract IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text);

    public static PreTokenizer CreateWordOrNonWord(IReadOnlyDictionary<string, int>? specialTokens = null)
        => new RegexPreTokenizer(WordOrNonWord.Value, specialTokens);

    public static PreTokenizer CreateWordOrPunctuation(IReadOnlyDictionary<string, int>? specialTokens = null)
        => new RegexPreTokenizer(WordOrPunctuation.Value, specialTokens);

    public static PreTokenizer CreateWhiteSpace(IReadOnlyDictionary<string, int>? specialTokens = null)
        => new RegexPreTokenizer(NonSpace.Value, specialTokens);

    private static Regex Pattern(string pattern) => new(pattern, RegexOptions.Compiled, MatchTimeout);
}

/// <summary>The pieces are the matches of a pattern; special tokens are pieces of their own.</summary>
public sealed class RegexPreTokenizer : PreTokenizer
{
    private readonly Regex _pattern;
    private readonly Regex? _special;

    public RegexPreTokenizer(Regex regex, IReadOnlyDictionary<string, int>? specialTokens)
    {
        ArgumentNullException.ThrowIfNull(regex);
        _pattern = regex;
        if (specialTokens is { Count: > 0 })
            _special = new Regex(string.Join('|', specialTokens.Keys.Select(Regex.Escape)), RegexOptions.Compiled);
    }

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());

    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        if (string.IsNullOrEmpty(text))
            return [];
        var pieces = new List<(int, int)>();
        var start = 0;
        if (_special is not null)
        {
            foreach (var special in _special.EnumerateMatches(text))
            {
                Match(text, start, special.Index, pieces);
                pieces.Add((special.Index, special.Length));
                start = special.Index + special.Length;
            }
        }
        Match(text, start, text.Length, pieces);
        return pieces;
    }

    // Each search starts in a slice, as in the package: a look-behind does not see what came before.
    private void Match(string text, int start, int end, List<(int, int)> pieces)
    {
        while (start < end && First(text.AsSpan(start, end - start)) is { Length: > 0 } found)
        {
            pieces.Add((start + found.Index, found.Length));
            start += found.Index + found.Length;
        }
    }

    private (int Index, int Length) First(ReadOnlySpan<char> text)
    {
        foreach (var match in _pattern.EnumerateMatches(text))
            return (match.Index, match.Length);
        return default;
    }
}
