using System.Globalization;
using System.Text;
using XInstruct.Domain.Languages;

namespace XInstruct.Domain.Texts;

/// <summary>Limits of the filters. Lengths are code points of the normalised text.</summary>
public sealed record FilterOptions
{
    /// <summary>Shortest text (Humpback: 600).</summary>
    public int MinChars { get; init; } = 600;

    /// <summary>Longest text (Humpback: 3,000).</summary>
    public int MaxChars { get; init; } = 3000;

    /// <summary>Share of sentences that repeat another one from which a text is repetition.</summary>
    public double MaxRepetition { get; init; } = 0.3;

    /// <summary>Separators such as | » • in 100 code points from which a text is navigation.</summary>
    public double MaxSeparators { get; init; } = 1.0;

    /// <summary>Least share of letters and marks among characters that are not white space.</summary>
    public double MinLetters { get; init; } = 0.6;
}

/// <summary>Outcome for one text.</summary>
/// <param name="Reason">Why it is rejected, in kebab-case; null when it is accepted.</param>
/// <param name="CheckedBy">How its language was checked: profile or script.</param>
public readonly record struct ScreenResult(string? Reason, string? CheckedBy);

/// <summary>The filters of one text, in order: well-formed, empty, length, navigation, upper case, repetition, language.</summary>
public sealed class TextScreen(LanguageIdentifier identifier, FilterOptions options)
{
    private const string Separators = "|»«›‹•·→►▸■●©®™✓★≡☰";

    /// <summary>Checks a text against its declared language.</summary>
    public ScreenResult Check(string text, string language)
    {
        if (TextNormalizer.Malformation(text) is { } malformed) return new ScreenResult(malformed, null);
        var normal = TextNormalizer.Normalize(text);
        if (Form(text, normal) is { } reason) return new ScreenResult(reason, null);
        var verdict = identifier.Check(normal, language);
        return new ScreenResult(verdict.IsDeclared ? null : "wrong-language", verdict.CheckedBy);
    }

    private string? Form(string text, string normal)
    {
        var length = TextNormalizer.CodePoints(normal);
        if (length == 0) return "empty";
        if (length < options.MinChars) return "too-short";
        if (length > options.MaxChars) return "too-long";
        if (IsBoilerplate(text, normal, length)) return "boilerplate";
        if (IsUpperCase(normal)) return "uppercase";
        return IsRepetition(normal) ? "repetition" : null;
    }

    private bool IsBoilerplate(string text, string normal, int length)
    {
        var (separators, letters, others) = (0, 0, 0);
        foreach (var rune in normal.EnumerateRunes())
        {
            if (rune.IsBmp && Separators.Contains((char)rune.Value)) separators++;
            if (rune.Value == ' ') continue;
            if (Rune.IsLetter(rune) || IsMark(rune)) letters++;
            else others++;
        }

        if (separators >= 3 && separators * 100.0 / length >= options.MaxSeparators) return true;
        if (letters < options.MinLetters * (letters + others)) return true;
        var words = normal.Split(' ');
        if (words.Count(w => w.Contains("://", StringComparison.Ordinal) || w.StartsWith("www.", StringComparison.OrdinalIgnoreCase) || w.Contains('@')) > 0.2 * words.Length) return true;
        // Menus: many lines, nearly all of them a word or three.
        var lines = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return lines.Length >= 8 && lines.Count(l => l.Length < 25) > 0.8 * lines.Length;
    }

    // Only letters that have a case speak: most scripts have none.
    private static bool IsUpperCase(string normal)
    {
        var (upper, lower) = (normal.Count(char.IsUpper), normal.Count(char.IsLower));
        return upper >= 20 && upper > 9 * lower;
    }

    /// <summary>Sentences whose word 3-grams (or character 8-grams, without spaces) overlap an earlier one's by a Jaccard index of 0.8 or more.</summary>
    private bool IsRepetition(string normal)
    {
        var sentences = normal.Split(['.', '!', '?', '।', '。', '！', '？', '؟', '۔', '\n'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(s => s.Length >= 15).Select(Grams).ToList();
        if (sentences.Count < 3) return false;
        var repeated = 0;
        for (var i = 1; i < sentences.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (Jaccard(sentences[i], sentences[j]) < 0.8) continue;
                repeated++;
                break;
            }
        }

        return repeated > options.MaxRepetition * sentences.Count;
    }

    private static HashSet<string> Grams(string sentence)
    {
        var words = sentence.Split(' ');
        var grams = new HashSet<string>(StringComparer.Ordinal);
        if (words.Length >= 4)
        {
            for (var i = 0; i + 3 <= words.Length; i++) grams.Add(string.Join(' ', words, i, 3));
        }
        else
        {
            for (var i = 0; i + 8 <= sentence.Length; i++) grams.Add(sentence.Substring(i, 8));
        }

        return grams;
    }

    private static double Jaccard(HashSet<string> a, HashSet<string> b)
    {
        if (a.Count == 0 || b.Count == 0) return 0;
        var common = a.Count(b.Contains);
        return (double)common / (a.Count + b.Count - common);
    }

    private static bool IsMark(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;
}
