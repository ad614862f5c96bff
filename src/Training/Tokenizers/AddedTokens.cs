using System.Buffers;
using System.Globalization;
using System.Text;

namespace XInstruct.Training.Tokenizers;

/// <summary>A piece that is never split: found in the text before the vocabulary is used.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="IsSpecial">Whether decoding may leave it out.</param>
/// <param name="SingleWord">Only where no word character touches it.</param>
/// <param name="StripLeft">Takes the white space before it.</param>
/// <param name="StripRight">Takes the white space after it.</param>
/// <param name="Normalized">Looked for in the normalised text rather than in the raw one.</param>
public sealed record AddedToken(
    int Id, string Content, bool IsSpecial, bool SingleWord = false, bool StripLeft = false, bool StripRight = false, bool Normalized = false);

/// <summary>Cuts a text at added tokens: from the left, the longest token first.</summary>
internal sealed class AddedTokenSplitter
{
    private readonly Dictionary<char, (string Content, AddedToken Token)[]> _byFirst;
    private readonly SearchValues<string>? _search;

    public AddedTokenSplitter(IEnumerable<AddedToken> tokens, Func<string, string>? normalize = null)
    {
        var contents = new Dictionary<string, AddedToken>(StringComparer.Ordinal);
        foreach (var token in tokens)
        {
            if ((normalize?.Invoke(token.Content) ?? token.Content) is { Length: > 0 } content) contents[content] = token;
        }

        _byFirst = contents.Select(token => (Content: token.Key, Token: token.Value)).GroupBy(token => token.Content[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Content.Length).ToArray());
        if (contents.Count > 0) _search = SearchValues.Create([.. contents.Keys], StringComparison.Ordinal);
    }

    /// <summary>The parts in order: text (token null), or a token with the white space that it takes; none is empty.</summary>
    public List<(int Start, int Length, AddedToken? Token)> Split(string text)
    {
        var parts = new List<(int, int, AddedToken?)>();
        var from = 0;
        for (int at = 0, found; _search is not null && (found = text.AsSpan(at).IndexOfAny(_search)) >= 0;)
        {
            var start = at + found;
            var (content, token) = Longest(text, start);
            var end = start + content.Length;
            at = end;
            // White space that the token before took along may cover this match.
            if (start < from || (token.SingleWord && (IsWordBefore(text, start) || IsWordAfter(text, end))))
                continue;
            while (token.StripLeft && start > from && char.IsWhiteSpace(text[start - 1]))
                start--;
            while (token.StripRight && end < text.Length && char.IsWhiteSpace(text[end]))
                end++;
            if (start > from)
                parts.Add((from, start - from, null));
            parts.Add((start, end - start, token));
            from = end;
        }
        if (from < text.Length)
            parts.Add((from, text.Length - from, null));
        return parts;
    }

    private (string Content, AddedToken Token) Longest(string text, int start)
        => Array.Find(_byFirst[text[start]], token => string.CompareOrdinal(text, start, token.Content, 0, token.Content.Length) == 0);

    private static bool IsWordBefore(string text, int index)
        => Rune.DecodeLastFromUtf16(text.AsSpan(0, index), out var rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool IsWordAfter(string text, int index)
        => Rune.DecodeFromUtf16(text.AsSpan(index), out var rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark
        or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark or UnicodeCategory.ConnectorPunctuation or UnicodeCategory.LetterNumber;
}
