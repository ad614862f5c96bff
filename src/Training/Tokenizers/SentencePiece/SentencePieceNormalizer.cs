using System.Text;
using XInstruct.Training.Tokenizers.Normalizing;
using XInstruct.Training.Tokenizers.Splitting;

namespace XInstruct.Training.Tokenizers.SentencePiece;

/// <summary>
/// SentencePiece's normaliser: the longest key of the character map is replaced, but not inside a user's symbols; runs of spaces become one and
/// those at the ends none, where the model says so; a space is ▁, and one stands before (or after) the text.
/// </summary>
internal sealed class SentencePieceNormalizer(SentencePieceFile file) : TextNormalizer
{
    private const int LongestKey = 64;

    private readonly string _space = file.EscapesSpaces ? Metaspace.DefaultSign.ToString() : " ";

    public override AlignedText Normalize(AlignedText text)
    {
        var source = text.Text;
        var from = 0;
        var result = new AlignedText.Builder(text);
        if (file.RemovesExtraSpaces)
        {
            while (from < source.Length && Prefix(source, from) is (" ", var length)) from += length;
        }

        if (from == source.Length) return result.Build();
        if (file is { AddsDummyPrefix: true, SpaceIsSuffix: false }) result.Append(_space, from);
        var afterSpace = file.RemovesExtraSpaces;
        while (from < source.Length)
        {
            var (replacement, length) = Prefix(source, from);
            var kept = afterSpace ? replacement.AsSpan().TrimStart(' ') : replacement;
            foreach (var rune in kept.EnumerateRunes())
            {
                if (rune.Value == ' ') result.Append(_space, from);
                else result.Append(rune, from);
            }

            if (kept.Length > 0) afterSpace = file.RemovesExtraSpaces && kept[^1] == ' ';
            from += length;
        }

        if (file.RemovesExtraSpaces)
        {
            var normalized = result.Build().Text;
            var end = normalized.Length;
            while (end > 0 && normalized[end - 1] == _space[0]) end--;
            result.Truncate(end);
        }

        if (file is { AddsDummyPrefix: true, SpaceIsSuffix: true }) result.Append(_space, source.Length - 1);
        return result.Build();
    }

    private (string Text, int Length) Prefix(string text, int from)
    {
        var rest = text.AsSpan(from);
        if (file.UserSymbols.Longest(rest) is > 0 and var symbol) return (text.Substring(from, symbol), symbol);
        var part = rest[..Math.Min(rest.Length, LongestKey)];
        if (file.CharsMap is { } map)
        {
            // A character alone is the common case.
            Span<byte> bytes = stackalloc byte[3 * LongestKey];
            var count = Encoding.UTF8.GetBytes(part, bytes);
            if (map.TryMatch(bytes[..count], longest: true, out var matched, out var replacement))
                return (replacement, Encoding.UTF8.GetCharCount(bytes[..matched]));
        }

        var length = Rune.GetRuneAt(text, from).Utf16SequenceLength;
        return (text.Substring(from, length), length);
    }
}
