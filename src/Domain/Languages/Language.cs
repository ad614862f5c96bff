using System.Globalization;

namespace XInstruct.Domain.Languages;

/// <summary>A language that CLDR knows.</summary>
public sealed class Language
{
    private static readonly Lazy<IReadOnlyList<string>> Known = new(() =>
        [.. CultureInfo.GetCultures(CultureTypes.AllCultures).Select(c => c.Name).Where(n => n.Length > 0).Order(StringComparer.Ordinal)]);

    // Languages whose texts hold more scripts than their own name shows.
    private static readonly Dictionary<string, Script[]> MoreScripts = new(StringComparer.Ordinal)
    {
        ["ja"] = [Script.Han, Script.Hiragana, Script.Katakana],
        ["ko"] = [Script.Hangul, Script.Han],
        ["zh"] = [Script.Han],
        ["yue"] = [Script.Han],
        ["sr"] = [Script.Cyrillic, Script.Latin],
        ["uz"] = [Script.Latin, Script.Cyrillic],
        ["az"] = [Script.Latin, Script.Cyrillic],
        ["bs"] = [Script.Latin, Script.Cyrillic],
        ["pa"] = [Script.Gurmukhi, Script.Arabic],
        ["ks"] = [Script.Arabic, Script.Devanagari],
        ["sd"] = [Script.Arabic, Script.Devanagari],
        ["mn"] = [Script.Cyrillic, Script.Mongolian],
        ["ku"] = [Script.Latin, Script.Arabic],
    };

    private Language(CultureInfo culture)
    {
        Code = culture.Name;
        EnglishName = culture.EnglishName;
        var scripts = new HashSet<Script>(culture.NativeName.EnumerateRunes().Select(Languages.Scripts.Of).Where(s => s != Script.None));
        if (MoreScripts.TryGetValue(culture.TwoLetterISOLanguageName, out var more)) scripts.UnionWith(more);
        Scripts = scripts;
    }

    /// <summary>Canonical code, e.g. sw or pt-BR.</summary>
    public string Code { get; }

    /// <summary>Name in English, e.g. Swahili.</summary>
    public string EnglishName { get; }

    /// <summary>Scripts it is written in.</summary>
    public IReadOnlySet<Script> Scripts { get; }

    /// <summary>The language of a code.</summary>
    /// <exception cref="FormatException">Nobody knows the code; the message names the nearest known one.</exception>
    public static Language Parse(string code) =>
        TryParse(code, out var language) ? language! : throw new FormatException($"'{code}' is not a language code that CLDR knows. Did you mean '{Nearest(code)}'?");

    /// <summary>The language of a code, when it is known.</summary>
    public static bool TryParse(string code, out Language? language)
    {
        language = null;
        if (code.Length is < 2 or > 15 || !code.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')) return false;
        try
        {
            language = new Language(CultureInfo.GetCultureInfo(code, predefinedOnly: true));
            return language.Code.Length > 0;
        }
        catch (CultureNotFoundException)
        {
            return false;
        }
    }

    /// <summary>The known code with the smallest edit distance; of several the shortest, then the first.</summary>
    public static string Nearest(string code) =>
        Known.Value.Where(k => !k.Contains('-')).OrderBy(k => Distance(k, code.ToLowerInvariant())).ThenBy(k => k.Length).ThenBy(k => k, StringComparer.Ordinal).First();

    /// <summary>Levenshtein distance.</summary>
    public static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var (diagonal, left) = (row[0], i);
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = Math.Min(Math.Min(row[j] + 1, left + 1), diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                (diagonal, left, row[j]) = (row[j], cost, cost);
            }
        }

        return row[b.Length];
    }
}
