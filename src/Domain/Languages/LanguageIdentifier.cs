using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Languages;

/// <summary>
/// Checks texts against their declared language: first the script, then naive Bayes over character 1–3-grams of given profile texts.
/// Any language works: one without a profile is checked by its script only, and the verdict says so.
/// </summary>
public sealed class LanguageIdentifier
{
    private const int Longest = 3;
    private const double Smoothing = 0.1;

    // Product and place names in another script are common in real text, whole texts are not.
    private const double LeastScriptShare = 0.3;

    // A text loses its declared language only when another profile is ahead by this much in all and per character.
    private const double ClearMargin = 4;
    private const double ClearMarginPerCharacter = 0.04;

    private readonly string[] _codes;
    private readonly Dictionary<string, int> _index;
    private readonly NgramBayes? _bayes;
    private readonly double[] _floors;

    private LanguageIdentifier(string[] codes, NgramBayes? bayes, double[] floors)
    {
        _codes = codes;
        _bayes = bayes;
        _floors = floors;
        _index = codes.Select((code, i) => (code, i)).ToDictionary(p => p.code, p => p.i, StringComparer.Ordinal);
    }

    /// <summary>Codes with a profile, in ordinal order.</summary>
    public IReadOnlyList<string> Profiles => _codes;

    /// <summary>Builds the profiles; neither the order of the languages nor of their texts matters.</summary>
    /// <param name="profiles">Canonical code → texts in that language, 40 of a few hundred characters are enough. Empty ones are left out.</param>
    public static LanguageIdentifier Build(IReadOnlyDictionary<string, IReadOnlyList<string>> profiles)
    {
        ArgumentNullException.ThrowIfNull(profiles);
        string[] codes = [.. profiles.Where(p => p.Value.Any(t => t.Length > 0)).Select(p => p.Key).Order(StringComparer.Ordinal)];
        if (codes.Length == 0) return new LanguageIdentifier([], null, []);
        var texts = codes.SelectMany((code, c) => profiles[code].Select(text => (Folded: CharacterNgrams.Fold(text), Class: c))).ToList();
        return new LanguageIdentifier(codes, NgramBayes.Build(texts, codes.Length, Longest, Smoothing), Floors(texts, codes.Length));
    }

    /// <summary>Whether <paramref name="text"/> is in <paramref name="declared"/>. Safe to call from many threads.</summary>
    public LanguageVerdict Check(string text, Language declared)
    {
        ArgumentNullException.ThrowIfNull(declared);
        var share = Scripts.Share(text, declared.Scripts);
        var scriptKnown = declared.Scripts.Count > 0;
        if (scriptKnown && (share < LeastScriptShare || LacksKana(text, declared))) return new LanguageVerdict(null, false, double.PositiveInfinity, LanguageCheck.Script);
        if (_bayes is null || !(_index.TryGetValue(declared.Code, out var own) || _index.TryGetValue(declared.Primary, out own)))
        {
            return new LanguageVerdict(null, true, 0, scriptKnown ? LanguageCheck.Script : LanguageCheck.None);
        }

        var folded = CharacterNgrams.Fold(text);
        Span<float> scores = stackalloc float[_codes.Length <= 256 ? _codes.Length : 0];
        if (_codes.Length > 256) scores = new float[_codes.Length];
        _bayes.Score(folded, scores);
        var (best, rival) = Leaders(scores, own);
        var margin = (double)scores[rival] - scores[own];
        var clear = margin > ClearMargin && margin > ClearMarginPerCharacter * folded.Length;
        var foreign = scores[own] / folded.Length < _floors[own];
        return new LanguageVerdict(_codes[best], !clear && !foreign, margin, LanguageCheck.Profile);
    }

    /// <summary>The profile that fits best, whatever its script; null without profiles.</summary>
    public string? Identify(string text)
    {
        if (_bayes is null) return null;
        var scores = new float[_codes.Length];
        _bayes.Score(CharacterNgrams.Fold(text), scores);
        return _codes[Leaders(scores, 0).Best];
    }

    /// <summary>The best profile and the best one that is not the declared.</summary>
    private static (int Best, int Rival) Leaders(ReadOnlySpan<float> scores, int own)
    {
        var rival = own == 0 && scores.Length > 1 ? 1 : 0;
        for (var c = 0; c < scores.Length; c++)
        {
            if (c != own && scores[c] > scores[rival]) rival = c;
        }

        return (scores[rival] > scores[own] ? rival : own, rival);
    }

    /// <summary>Chinese declared as Japanese passes the script check, but nobody writes Japanese without kana.</summary>
    private static bool LacksKana(string text, Language declared) =>
        declared.Primary == "ja" && declared.Scripts.Contains(Script.Hiragana) && Scripts.Share(text, [Script.Hiragana, Script.Katakana]) < 0.05;

    private static double[] Floors(List<(char[] Folded, int Class)> texts, int classes) => [.. Enumerable.Repeat(double.NegativeInfinity, classes)];
}
