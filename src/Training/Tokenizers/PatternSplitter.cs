using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace XInstruct.Training.Tokenizers;

/// <summary>
/// Splits a text with one pattern after another; what lies between two matches is a piece too.
/// Patterns are written for code points, .NET matches UTF-16 units: a character outside the basic plane is matched as
/// one representative of its Unicode category, so that <c>[^\p{L}]?\p{L}+</c> takes an emoji and a word as it should.
/// </summary>
internal sealed class PatternSplitter(IReadOnlyList<Regex> patterns, bool addPrefixSpace) : PreTokenizer
{
    // One character of each category; none of them has a case partner that a (?i:…) group of known patterns names.
    private static readonly char[] Representative = BuildRepresentatives();

    /// <summary>Whether a text that starts without a space gets one before it is split.</summary>
    public bool AddPrefixSpace { get; } = addPrefixSpace;

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());

    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        var (shown, offsets) = Flatten(text);
        List<(int Offset, int Length)> pieces = [(0, shown.Length)];
        foreach (var pattern in patterns)
            pieces = Split(pattern, shown, pieces);
        if (offsets is not null)
        {
            for (var i = 0; i < pieces.Count; i++)
            {
                var (offset, length) = pieces[i];
                pieces[i] = (offsets[offset], offsets[offset + length] - offsets[offset]);
            }
        }
        return pieces;
    }

    private static List<(int Offset, int Length)> Split(Regex pattern, string text, List<(int Offset, int Length)> pieces)
    {
        var result = new List<(int, int)>(pieces.Count * 4);
        foreach (var (offset, length) in pieces)
        {
            var end = 0;
            foreach (var match in pattern.EnumerateMatches(text.AsSpan(offset, length)))
            {
                if (match.Length == 0)
                    continue;
                if (match.Index > end)
                    result.Add((offset + end, match.Index - end));
                result.Add((offset + match.Index, match.Length));
                end = match.Index + match.Length;
            }
            if (end < length)
                result.Add((offset + end, length - end));
        }
        return result;
    }

    private static (string Shown, int[]? Offsets) Flatten(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return (text, null);
        var shown = new StringBuilder(text.Length);
        var offsets = new List<int>(text.Length + 1);
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            offsets.Add(at);
            shown.Append(rune.IsBmp ? (char)rune.Value : Representative[(int)Rune.GetUnicodeCategory(rune)]);
            at += rune.Utf16SequenceLength;
        }
        offsets.Add(at);
        return (shown.ToString(), [.. offsets]);
    }

    private static char[] BuildRepresentatives()
    {
        const string Candidates = "\u0100\u0101\u01C5\u02B0\u4E2D\u0301\u0903\u0488\u0660\u16EE\u00B2\u2000\u2028\u2029\u0081\u00AD\uE000"
            + "\u203F\u2014\u2045\u2046\u00AB\u00BB\u00A1\u2200\u20AC\u00A8\u00A6\u0378";
        var table = new char[30];
        Array.Fill(table, '\u0378');
        foreach (var candidate in Candidates)
            table[(int)CharUnicodeInfo.GetUnicodeCategory(candidate)] = candidate;
        return table;
    }
}
