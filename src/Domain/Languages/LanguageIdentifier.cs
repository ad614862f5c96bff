using XInstruct.Domain.Texts;

namespace XInstruct.Domain.Languages;

/// <summary>What the identifier says of a text.</summary>
/// <param name="Best">Most likely language among those with a profile in a script of the text; null when none fits.</param>
/// <param name="IsDeclared">Nothing speaks clearly against the declared language.</param>
/// <param name="CheckedBy">profile, or script for a language without a profile.</param>
public readonly record struct LanguageVerdict(string? Best, bool IsDeclared, string CheckedBy);

/// <summary>
/// Language identification: a script check, then multinomial naive Bayes over character 1- to 3-grams with profiles built from sample texts
/// (Cavnar and Trenkle's n-grams with a Bayes decision).
/// </summary>
public sealed class LanguageIdentifier
{
    private const double Smoothing = 0.3;
    private const double MinScriptShare = 0.5;

    // Nats per 3-gram by which another language must be more likely before a text is refused: close relatives share most of their grams.
    private const double ClearMargin = 0.06;

    private readonly string[] _codes;
    private readonly IReadOnlySet<Script>[] _scripts;
    private readonly Dictionary<ulong, int> _grams;
    private readonly float[] _scores;
    private readonly Dictionary<string, IReadOnlySet<Script>> _declaredScripts = new(StringComparer.Ordinal);

    private LanguageIdentifier(string[] codes, Dictionary<ulong, int> grams, float[] scores)
    {
        (_codes, _grams, _scores) = (codes, grams, scores);
        _scripts = [.. codes.Select(c => Language.Parse(c).Scripts)];
    }

    /// <summary>Builds profiles.</summary>
    /// <param name="profiles">Texts by language code.</param>
    public static LanguageIdentifier Build(IReadOnlyDictionary<string, IReadOnlyList<string>> profiles)
    {
        var codes = profiles.Keys.Order(StringComparer.Ordinal).ToArray();
        var grams = new Dictionary<ulong, int>();
        var counts = codes.Select(_ => new Dictionary<int, int>()).ToArray();
        for (var l = 0; l < codes.Length; l++)
        {
            foreach (var text in profiles[codes[l]])
            {
                foreach (var gram in Grams(text))
                {
                    if (!grams.TryGetValue(gram, out var index)) grams[gram] = index = grams.Count;
                    counts[l][index] = counts[l].GetValueOrDefault(index) + 1;
                }
            }
        }

        var scores = new float[grams.Count * codes.Length];
        for (var l = 0; l < codes.Length; l++)
        {
            var total = counts[l].Values.Sum(c => (double)c) + (Smoothing * grams.Count);
            for (var g = 0; g < grams.Count; g++) scores[(g * codes.Length) + l] = (float)Math.Log((counts[l].GetValueOrDefault(g) + Smoothing) / total);
        }

        return new LanguageIdentifier(codes, grams, scores);
    }

    /// <summary>Most likely language of a text; null when no profile has its script.</summary>
    public string? Identify(string text)
    {
        var (sums, _) = Score(text);
        var best = Best(text, sums);
        return best < 0 ? null : _codes[best];
    }

    /// <summary>Checks a text against the language it is declared to be in.</summary>
    public LanguageVerdict Check(string text, string declared)
    {
        var own = Array.IndexOf(_codes, declared);
        if (Scripts.Share(text, ScriptsOf(declared)) < MinScriptShare) return new LanguageVerdict(null, false, own < 0 ? "script" : "profile");
        if (own < 0) return new LanguageVerdict(null, true, "script");
        var (sums, count) = Score(text);
        var best = Best(text, sums);
        var isDeclared = best < 0 || best == own || (sums[best] - sums[own]) / Math.Max(1, count) < ClearMargin;
        return new LanguageVerdict(best < 0 ? null : _codes[best], isDeclared, "profile");
    }

    private IReadOnlySet<Script> ScriptsOf(string code)
    {
        lock (_declaredScripts)
        {
            if (!_declaredScripts.TryGetValue(code, out var scripts)) _declaredScripts[code] = scripts = Language.Parse(code).Scripts;
            return scripts;
        }
    }

    private int Best(string text, double[] sums)
    {
        var best = -1;
        for (var l = 0; l < _codes.Length; l++)
        {
            if ((best < 0 || sums[l] > sums[best]) && Scripts.Share(text, _scripts[l]) >= MinScriptShare) best = l;
        }

        return best;
    }

    private (double[] Sums, int Count) Score(string text)
    {
        var sums = new double[_codes.Length];
        var count = 0;
        foreach (var gram in Grams(text))
        {
            if (!_grams.TryGetValue(gram, out var index)) continue;
            count++;
            var row = _scores.AsSpan(index * _codes.Length, _codes.Length);
            for (var l = 0; l < row.Length; l++) sums[l] += row[l];
        }

        return (sums, count);
    }

    // 1- to 3-grams of UTF-16 units, packed with their length. Digits say nothing about a language.
    private static IEnumerable<ulong> Grams(string text)
    {
        var lower = TextNormalizer.Normalize(text).ToLowerInvariant();
        ulong a = ' ', b = ' ';
        foreach (var unit in lower + " ")
        {
            ulong c = char.IsLetter(unit) || char.GetUnicodeCategory(unit) is System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark || unit is '\'' or '’' ? unit : ' ';
            if (c == ' ' && b == ' ') continue;
            yield return (1UL << 48) | c;
            yield return (2UL << 48) | (b << 16) | c;
            yield return (3UL << 48) | (a << 32) | (b << 16) | c;
            (a, b) = (b, c);
        }
    }
}
