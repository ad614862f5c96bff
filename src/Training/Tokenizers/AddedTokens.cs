using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

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
    private readonly Dictionary<string, AddedToken> _tokens = new(StringComparer.Ordinal);
    private readonly Regex? _pattern;

    public AddedTokenSplitter(IEnumerable<AddedToken> tokens)
    {
        foreach (var token in tokens)
            _tokens[token.Content] = token;
        if (_tokens.Count > 0)
        {
            var longestFirst = _tokens.Keys.OrderByDescending(content => content.Length).ThenBy(content => content, StringComparer.Ordinal);
            _pattern = new Regex(string.Join('|', longestFirst.Select(Regex.Escape)), RegexOptions.CultureInvariant, Regex.InfiniteMatchTimeout);
        }
    }

    /// <summary>The parts in order: text (token null) or a token (text empty).</summary>
    public IEnumerable<(string Text, AddedToken? Token)> Split(string text)
    {
        if (_pattern is null)
            return text.Length == 0 ? [] : [(text, null)];
        var parts = new List<(string, AddedToken?)>();
        var from = 0;
        foreach (var match in _pattern.EnumerateMatches(text))
        {
            var token = _tokens[text.Substring(match.Index, match.Length)];
            var (start, end) = (match.Index, match.Index + match.Length);
            // White space that the token before took along may cover this match.
            if (start < from || (token.SingleWord && (IsWordBefore(text, start) || IsWordAfter(text, end))))
                continue;
            while (token.StripLeft && start > from && char.IsWhiteSpace(text[start - 1]))
                start--;
            while (token.StripRight && end < text.Length && char.IsWhiteSpace(text[end]))
                end++;
            if (start > from)
                parts.Add((text[from..start], null));
            parts.Add(("", token));
            from = end;
        }
        if (from < text.Length)
            parts.Add((text[from..], null));
        return parts;
    }

    private static bool IsWordBefore(string text, int index)
        => Rune.DecodeLastFromUtf16(text.AsSpan(0, index), out var rune, out _) == System.Buffers.OperationStatus.Done && IsWord(rune);

    private static bool IsWordAfter(string text, int index)
        => Rune.DecodeFromUtf16(text.AsSpan(index), out var rune, out _) == System.Buffers.OperationStatus.Done && IsWord(rune);

    private static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark
        or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark or UnicodeCategory.ConnectorPunctuation or UnicodeCategory.LetterNumber;
}
