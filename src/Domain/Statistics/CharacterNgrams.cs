using System.Globalization;
using System.Text;

namespace XInstruct.Domain.Statistics;

/// <summary>
/// Character n-grams as 64-bit keys: up to four UTF-16 units of the folded text, 16 bits each. Folding: NFC, lower case, and one space for
/// whatever is neither letter, mark nor joiner, so that figures and punctuation carry no evidence; a space stands at both ends.
/// </summary>
internal static class CharacterNgrams
{
    public const int Longest = 4;

    /// <summary>The folded text: starts and ends with a space.</summary>
    public static char[] Fold(string text)
    {
        var source = text.IsNormalized() ? text : text.Normalize();
        var folded = new char[source.Length + 2];
        var length = 0;
        folded[length++] = ' ';
        foreach (var unit in source)
        {
            if (IsLetter(unit)) folded[length++] = char.ToLowerInvariant(unit);
            else if (folded[length - 1] != ' ') folded[length++] = ' ';
        }

        if (folded[length - 1] != ' ') folded[length++] = ' ';
        return folded.AsSpan(0, length).ToArray();
    }

    /// <summary>Key of the <paramref name="length"/> units that end at <paramref name="end"/> (inclusive).</summary>
    public static ulong Key(ReadOnlySpan<char> text, int end, int length)
    {
        ulong key = 0;
        for (var i = end - length + 1; i <= end; i++) key = (key << 16) | text[i];
        return key;
    }

    public static bool IsLetter(char unit) => unit < 128
        ? char.IsAsciiLetter(unit)
        : char.GetUnicodeCategory(unit) is <= UnicodeCategory.EnclosingMark or UnicodeCategory.Surrogate or UnicodeCategory.Format;
}
