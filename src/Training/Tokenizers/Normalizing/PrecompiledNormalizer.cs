using System.Globalization;
using System.Text;

namespace XInstruct.Training.Tokenizers.Normalizing;

/// <summary>
/// A compiled character map as the tokenizers library applies it: to each grapheme of fewer than six bytes as a whole, else to each of its
/// characters; the shortest key that fits decides. SentencePiece itself takes the longest (see SentencePieceNormalizer).
/// </summary>
internal sealed class PrecompiledNormalizer(CharsMap? map) : TextNormalizer
{
    private const int LongestGrapheme = 6;

    public override AlignedText Normalize(AlignedText text)
    {
        if (map is null) return text;
        var result = new AlignedText.Builder(text);
        var source = text.Text;
        for (var from = 0; from < source.Length;)
        {
            var length = StringInfo.GetNextTextElementLength(source.AsSpan(from));
            if (!TryReplace(result, source, from, length, LongestGrapheme))
            {
                for (var at = from; at < from + length;)
                {
                    var one = Rune.GetRuneAt(source, at).Utf16SequenceLength;
                    if (!TryReplace(result, source, at, one, int.MaxValue)) result.Copy(at, one);
                    at += one;
                }
            }

            from += length;
        }

        return result.Build();
    }

    // The characters of the replacement come, one by one, from those of the part; those that are more from the last.
    private bool TryReplace(AlignedText.Builder result, string source, int from, int length, int limit)
    {
        if (length >= limit) return false;
        var part = source.AsSpan(from, length);
        Span<byte> bytes = stackalloc byte[3 * Math.Min(length, LongestGrapheme)];
        if (!Encoding.UTF8.TryGetBytes(part, bytes, out var count) || count >= limit) return false;
        if (!map!.TryMatch(bytes[..count], longest: false, out _, out var replacement)) return false;
        var at = from;
        foreach (var rune in replacement.EnumerateRunes())
        {
            result.Append(rune, Math.Min(at, from + length - 1));
            if (at < from + length) at += Rune.GetRuneAt(source, at).Utf16SequenceLength;
        }

        return true;
    }
}
