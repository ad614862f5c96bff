using System.Globalization;
using System.Text;
using XInstruct.Domain.Languages;

namespace XInstruct.Domain.Deduplication;

/// <summary>
/// What n-gram overlap counts: words in lower case without punctuation; in scripts that put no spaces between words each character (with its marks) is
/// one. So n words of English and n characters of Chinese, Japanese or Thai are compared, also where a text mixes them.
/// </summary>
public static class OverlapTokens
{
    private const ulong Offset = 0xCBF29CE484222325, Prime = 0x100000001B3;

    /// <summary>Hashes of a text's tokens, in order: FNV-1a over code points, the same for ever.</summary>
    public static ulong[] Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = new List<ulong>();
        var (hash, isCharacter) = (0UL, false);
        foreach (var rune in text.Normalize(NormalizationForm.FormKC).EnumerateRunes())
        {
            // A mark belongs to what is before it; one that nothing is before says nothing.
            if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark)
            {
                if (hash != 0) hash = (hash ^ (uint)rune.Value) * Prime;
                continue;
            }

            var (isText, isSpaceless) = (Rune.IsLetterOrDigit(rune), IsSpaceless(rune));
            if (hash != 0 && (!isText || isSpaceless || isCharacter))
            {
                tokens.Add(hash);
                hash = 0;
            }

            if (!isText) continue;
            hash = ((hash == 0 ? Offset : hash) ^ (uint)Rune.ToLowerInvariant(rune).Value) * Prime;
            isCharacter = isSpaceless;
        }

        if (hash != 0) tokens.Add(hash);
        return [.. tokens];
    }

    private static bool IsSpaceless(Rune rune) => Scripts.Of(rune) is Script.Han or Script.Hiragana or Script.Katakana or Script.Thai or Script.Lao or Script.Khmer or Script.Myanmar or Script.Tibetan or Script.Bopomofo or Script.Yi;
}
