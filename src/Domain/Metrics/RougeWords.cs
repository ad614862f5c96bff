using System.Text;
using XInstruct.Domain.Languages;

namespace XInstruct.Domain.Metrics;

/// <summary>Cuts texts into words for <see cref="Rouge"/>.</summary>
public static class RougeWords
{
    /// <summary>
    /// As Google's rouge_score does: runs of a–z and 0–9 of the text in small letters; all else is lost, so that a text in another script has no words.
    /// For comparing with published figures.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="stems">Whether English words of more than three letters are cut to their stems.</param>
    public static string[] Latin(string text, bool stems = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        var words = Runs(text.ToLowerInvariant(), rune => rune.Value is (>= 'a' and <= 'z') or (>= '0' and <= '9'), _ => false);
        return stems ? [.. words.Select(word => word.Length > 3 ? PorterStemmer.Stem(word) : word)] : words;
    }

    /// <summary>Runs of letters, marks and digits of any script, in small letters; scripts that set no spaces, and Hangul, give each character by itself.</summary>
    public static string[] AnyScript(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Runs(text.Normalize(NormalizationForm.FormC).ToLowerInvariant(), IsWord, IsAlone);
    }

    private static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune) || IsMark(rune);

    private static bool IsMark(Rune rune) => Rune.GetUnicodeCategory(rune) is
        System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark or System.Globalization.UnicodeCategory.EnclosingMark;

    private static bool IsAlone(Rune rune) => Scripts.Of(rune) is Script.Han or Script.Hiragana or Script.Katakana or Script.Hangul or Script.Thai or Script.Lao or Script.Khmer or Script.Myanmar;

    private static string[] Runs(string text, Func<Rune, bool> isWord, Func<Rune, bool> isAlone)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var wasAlone = false;
        foreach (var rune in text.EnumerateRunes())
        {
            var alone = isWord(rune) && isAlone(rune) && !IsMark(rune);
            // A mark stays with its letter.
            if (!isWord(rune) || alone || (wasAlone && !IsMark(rune))) End();
            if (isWord(rune)) word.Append(rune);
            wasAlone = alone || (wasAlone && IsMark(rune));
        }

        End();
        return [.. words];

        void End()
        {
            if (word.Length > 0) words.Add(word.ToString());
            word.Clear();
        }
    }
}
