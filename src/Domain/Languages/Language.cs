using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace XInstruct.Domain.Languages;

/// <summary>
/// A language: an ISO 639 code that CLDR knows, with an optional script and region (sw, yue, sr-Latn, pt-BR). Nothing is hard-coded to a
/// list of ours; equality is by canonical code.
/// </summary>
public sealed record Language
{
    // Codes that ISO 639 withdrew; Java and old data still write them.
    private static readonly Dictionary<string, string> Withdrawn = new(StringComparer.Ordinal) { ["iw"] = "he", ["in"] = "id", ["ji"] = "yi", ["jw"] = "jv", ["mo"] = "ro" };

    // ISO 639-2/B codes, which ICU does not map.
    private static readonly Dictionary<string, string> Bibliographic = new(StringComparer.Ordinal)
    {
        ["alb"] = "sq",
        ["arm"] = "hy",
        ["baq"] = "eu",
        ["bur"] = "my",
        ["chi"] = "zh",
        ["cze"] = "cs",
        ["dut"] = "nl",
        ["fre"] = "fr",
        ["geo"] = "ka",
        ["ger"] = "de",
        ["gre"] = "el",
        ["ice"] = "is",
        ["mac"] = "mk",
        ["mao"] = "mi",
        ["may"] = "ms",
        ["per"] = "fa",
        ["rum"] = "ro",
        ["slo"] = "sk",
        ["tib"] = "bo",
        ["wel"] = "cy",
    };

    private Language(string code, string primary, string englishName, IReadOnlySet<Script> scripts)
    {
        Code = code;
        Primary = primary;
        EnglishName = englishName;
        Scripts = scripts;
    }

    /// <summary>Canonical code: <c>sw</c>, <c>zh-Hant</c>, <c>pt-BR</c>.</summary>
    public string Code { get; }

    /// <summary>The code without script and region.</summary>
    public string Primary { get; }

    /// <summary>English name, as prompts use it: Swahili.</summary>
    public string EnglishName { get; }

    /// <summary>Scripts it is written in; empty when nobody knows, then no script check is possible.</summary>
    public IReadOnlySet<Script> Scripts { get; }

    /// <summary>The language of a code in any case.</summary>
    /// <exception cref="FormatException">Malformed or unknown; the message names the nearest known code.</exception>
    public static Language Parse(string code) => TryParse(code, out var language, out var error) ? language : throw new FormatException(error);

    /// <summary>The language of a code, when it is known.</summary>
    public static bool TryParse(string? code, [NotNullWhen(true)] out Language? language) => TryParse(code, out language, out _);

    /// <summary>The known code whose code or name is nearest to what was written.</summary>
    public static string Nearest(string code) => NearestLanguage.Of(code).Code;

    /// <summary>Levenshtein distance.</summary>
    public static int Distance(string a, string b) => NearestLanguage.Distance(a, b);

    /// <summary>The language of a code, or why there is none and the nearest known code.</summary>
    public static bool TryParse(string? code, [NotNullWhen(true)] out Language? language, [NotNullWhen(false)] out string? error)
    {
        language = null;
        error = null;
        if (Subtags(code) is not var (written, script, region))
        {
            error = $"'{code}' is not a language code. Write an ISO 639 code, optionally with script and region, such as sw, sr-Latn or pt-BR.{NearestLanguage.Hint(code)}";
            return false;
        }

        var primary = Canonical(written);
        var canonical = string.Join('-', new[] { primary, script, region }.OfType<string>());
        if (primary is null || Name(canonical, script, region) is not { } name)
        {
            error = $"Language '{code}' is unknown.{NearestLanguage.Hint(code)}";
            return false;
        }

        language = new Language(canonical, primary, name, LanguageScripts.Of(primary, script).ToHashSet());
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(Language? other) => other is not null && Code == other.Code;

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Code);

    /// <inheritdoc/>
    public override string ToString() => Code;

    /// <summary>The shortest code of a primary language; null when CLDR has no name for it.</summary>
    private static string? Canonical(string primary)
    {
        primary = Withdrawn.GetValueOrDefault(primary) ?? Bibliographic.GetValueOrDefault(primary) ?? primary;
        var culture = CultureInfo.GetCultureInfo(primary, predefinedOnly: false);
        if (string.Equals(culture.EnglishName, primary, StringComparison.OrdinalIgnoreCase)) return null;
        var known = culture.TwoLetterISOLanguageName;
        return primary.Length == 3 && known.Length == 2 ? known : primary;
    }

    /// <summary>English name with script and region; null when CLDR does not know one of the subtags.</summary>
    private static string? Name(string code, string? script, string? region)
    {
        // CLDR changed this name some years ago; prompts must not depend on the ICU that happens to be installed.
        var name = CultureInfo.GetCultureInfo(code, predefinedOnly: false).EnglishName.Replace("Bangla", "Bengali", StringComparison.Ordinal);
        var details = name.Contains('(', StringComparison.Ordinal) ? name[name.IndexOf('(', StringComparison.Ordinal)..] : "";
        var unknown = (script is not null && details.Contains(script, StringComparison.Ordinal) && !string.Equals(script, "Thai", StringComparison.Ordinal))
            || (region is not null && (details.Contains($"({region})", StringComparison.Ordinal) || details.Contains($" {region})", StringComparison.Ordinal)
                || details.Contains("Unknown", StringComparison.Ordinal)));
        return unknown ? null : name;
    }

    /// <summary>Subtags in canonical case (BCP 47: language, script, region); null when malformed.</summary>
    private static (string Language, string? Script, string? Region)? Subtags(string? code)
    {
        var parts = (code ?? "").Split('-');
        if (parts.Length > 3 || parts[0].Length is < 2 or > 3 || !parts[0].All(char.IsAsciiLetter)) return null;
        string? script = null, region = null;
        foreach (var part in parts.AsSpan(1))
        {
            if (part.Length == 4 && script is null && region is null && part.All(char.IsAsciiLetter)) script = string.Concat(part[..1].ToUpperInvariant(), part[1..].ToLowerInvariant());
            else if (region is null && ((part.Length == 2 && part.All(char.IsAsciiLetter)) || (part.Length == 3 && part.All(char.IsAsciiDigit)))) region = part.ToUpperInvariant();
            else return null;
        }

        return (parts[0].ToLowerInvariant(), script, region);
    }
}
