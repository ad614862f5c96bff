using System.Globalization;
using System.Text;

namespace XInstruct.Domain.Texts;

/// <summary>
/// Tells navigation, notices and link lists from prose without knowing the language, by what web pages have in common: separators between
/// menu items, addresses, signs and international words of page furniture, few letters, many short lines, no sentence.
/// </summary>
public static class Boilerplate
{
    private const string Separators = "|\u00A6\u00BB\u00AB\u203A\u2039\u2022\u00B7\u25CF\u25AA\u25BA\u25B6\u25C4\u2192\u2190\u2713\u2605\u2606>/\\";
    private const string Signs = "\u00A9\u00AE\u2122\u24C7";

    // Words that pages in any language carry untranslated.
    private static readonly string[] Furniture =
    [
        "cookie", "copyright", "javascript", "login", "log in", "sign in", "sign up", "all rights reserved", "privacy policy", "newsletter",
        "facebook", "instagram", "twitter", "youtube", "whatsapp", "wordpress", "html", "rss", "faq", "sitemap", "http", "www.",
    ];

    /// <summary>
    /// Points of a raw (not normalised) text; 1 and above is page furniture. Each signal gives up to about one point:
    /// separators, one in six words; addresses, one in eight; letters under 60% of what is not white space; half the lines under 25
    /// characters with no full stop among five or more; a © or ™ sign (0.4), each furniture word (0.25); no sentence end (0.3, only on top).
    /// </summary>
    public static double Score(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0) return 0;
        var points = Math.Min(1.2, 6.0 * SeparatorCount(words) / Math.Max(words.Length, 12));
        points += Math.Min(1.2, 8.0 * words.Count(IsAddress) / Math.Max(words.Length, 16));
        points += Math.Clamp((0.7 - LetterShare(text)) / 0.1, 0, 1.2);
        points += ShortLines(text);
        points += text.Any(unit => Signs.Contains(unit, StringComparison.Ordinal)) ? 0.4 : 0;
        points += Math.Min(1, 0.25 * Furniture.Count(word => text.Contains(word, StringComparison.OrdinalIgnoreCase)));
        return points > 0.3 && !Sentences.HasEnd(text) ? points + 0.3 : points;
    }

    /// <summary>Separators that stand alone or between words; a slash or bracket inside a word counts for nothing.</summary>
    private static int SeparatorCount(string[] words)
    {
        var count = 0;
        foreach (var word in words)
        {
            if (word.All(unit => Separators.Contains(unit, StringComparison.Ordinal)))
            {
                count++;
                continue;
            }

            count += word.Count(unit => unit is '|' or '\u203A' or '\u2022' or '\u25CF' or '\u25BA' or '\u2192');
        }

        return count;
    }

    private static bool IsAddress(string word) =>
        word.Contains("://", StringComparison.Ordinal)
        || word.StartsWith("www.", StringComparison.OrdinalIgnoreCase)
        || (word.IndexOf('@', StringComparison.Ordinal) is > 0 and var at && word.IndexOf('.', at) > at + 1);

    /// <summary>Letters and marks among everything that is not white space.</summary>
    private static double LetterShare(string text)
    {
        int letters = 0, all = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsWhiteSpace(rune)) continue;
            all++;
            if (Rune.GetUnicodeCategory(rune) is <= UnicodeCategory.EnclosingMark or UnicodeCategory.Format) letters++;
        }

        return all == 0 ? 0 : (double)letters / all;
    }

    private static double ShortLines(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length < 5) return 0;
        var brief = lines.Count(line => line.Length < 25 && !Sentences.HasEnd(line));
        return Math.Clamp((2.0 * brief / lines.Length) - 0.2, 0, 1);
    }
}
