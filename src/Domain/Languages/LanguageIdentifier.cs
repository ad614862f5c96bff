using System.Collections.Concurrent;
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

    // Names in another script are common in real text, whole texts in another script are not.
    private const double LeastScriptShare = 0.3;
    private const double LeastKanaShare = 0.05;

    // One character of these scripts stands for a syllable or a word.
    private const int DenseScriptWeight = 3;

    // A text loses its declared language only when another profile is ahead by this much in all and per character, in nats.
    private const double ClearMargin = 4;
    private const double ClearMarginPerCharacter = 0.04;

    private static readonly Script[] Dense = [Script.Han, Script.Hiragana, Script.Katakana, Script.Hangul, Script.Yi, Script.Bopomofo];

    private readonly string[] _codes;
    private readonly IReadOnlySet<Script>[] _scripts;
    private readonly Dictionary<string, int> _index;
    private readonly NgramBayes? _bayes;
    private readonly ConcurrentDictionary<string, Language> _parsed = new(StringComparer.Ordinal);

    private LanguageIdentifier(Language[] languages, NgramBayes? bayes)
    {
        _codes = [.. languages.Select(l => l.Code)];
        _scripts = [.. languages.Select(l => l.Scripts)];
        _bayes = bayes;
        _index = _codes.Select((code, i) => (code, i)).ToDictionary(p => p.code, p => p.i, StringComparer.Ordinal);
    }

    /// <summary>Codes with a profile, in ordinal order.</summary>
    public IReadOnlyList<string> Profiles => _codes;

    /// <summary>Builds the profiles; neither the order of the languages nor of their texts matters.</summary>
    /// <param name="profiles">Code → texts in that language; 40 of a few hundred characters are enough. Languages without a text get no profile.</param>
    /// <exception cref="FormatException">Nobody knows one of the codes.</exception>
    public static LanguageIdentifier Build(IReadOnlyDictionary<string, IReadOnlyList<string>> profiles)
    {
        ArgumentNullException.ThrowIfNull(profiles);
        var given = profiles.Where(p => p.Value.Any(t => t.Length > 0)).Select(p => (Language: Language.Parse(p.Key), Texts: p.Value))
            .OrderBy(p => p.Language.Code, StringComparer.Ordinal).ToList();
        if (given.Count == 0) return new LanguageIdentifier([], null);
        var texts = given.SelectMany((p, c) => p.Texts.Select(text => (LanguageText.Fold(text, Mask(p.Language.Scripts)), c)));
        return new LanguageIdentifier([.. given.Select(p => p.Language)], NgramBayes.Build(texts, given.Count, Longest, Smoothing));
    }

    /// <summary>Whether <paramref name="text"/> is in the language of the code <paramref name="declared"/>.</summary>
    /// <exception cref="FormatException">Nobody knows the code.</exception>
    public LanguageVerdict Check(string text, string declared) => Check(text, _parsed.GetOrAdd(declared, Language.Parse));

    /// <summary>Whether <paramref name="text"/> is in <paramref name="declared"/>. Safe to call from many threads.</summary>
    public LanguageVerdict Check(string text, Language declared)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(declared);
        var scriptKnown = declared.Scripts.Count > 0;
        if (scriptKnown && !IsWrittenIn(text, declared)) return new LanguageVerdict(null, false, LanguageVerdict.ByScript);
        if (_bayes is null || !(_index.TryGetValue(declared.Code, out var own) || _index.TryGetValue(declared.Primary, out own)))
        {
            return new LanguageVerdict(null, true, scriptKnown ? LanguageVerdict.ByScript : LanguageVerdict.ByNothing);
        }

        var folded = LanguageText.Fold(text, Mask(declared.Scripts));
        var scores = new float[_codes.Length];
        _bayes.Score(folded, scores);
        var rival = Best(scores, except: own);
        var margin = rival < 0 ? 0.0 : scores[rival] - scores[own];
        var clear = margin > ClearMargin && margin > ClearMarginPerCharacter * folded.Length;
        return new LanguageVerdict(_codes[margin > 0 ? rival : own], !clear, LanguageVerdict.ByProfile, margin);
    }

    /// <summary>Most likely language of a text among the profiles in its main script; null when none is in that script.</summary>
    public string? Identify(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (_bayes is null) return null;
        Span<int> counts = stackalloc int[Scripts.Number];
        Weigh(text, counts);
        var main = Largest(counts);
        var wanted = new bool[Scripts.Number];
        wanted[(int)main] = true;
        // Japanese and Korean mix these; the other scripts of a text are foreign to it.
        if (Dense.Contains(main)) Array.ForEach(Dense, script => wanted[(int)script] = true);
        var scores = new float[_codes.Length];
        _bayes.Score(LanguageText.Fold(text, wanted), scores);
        for (var c = 0; c < scores.Length; c++)
        {
            if (_scripts[c].Count > 0 && !_scripts[c].Contains(main)) scores[c] = float.NegativeInfinity;
        }

        var best = Best(scores, except: -1);
        return float.IsNegativeInfinity(scores[best]) ? null : _codes[best];
    }

    private static int Best(ReadOnlySpan<float> scores, int except)
    {
        var best = -1;
        for (var c = 0; c < scores.Length; c++)
        {
            if (c != except && (best < 0 || scores[c] > scores[best])) best = c;
        }

        return best;
    }

    private static bool IsWrittenIn(string text, Language declared)
    {
        Span<int> counts = stackalloc int[Scripts.Number];
        Weigh(text, counts);
        int all = 0, own = 0;
        for (var script = 0; script < counts.Length; script++)
        {
            all += counts[script];
            if (declared.Scripts.Contains((Script)script)) own += counts[script];
        }

        // Chinese declared as Japanese passes by its characters, but nobody writes Japanese without kana.
        var kana = counts[(int)Script.Hiragana] + counts[(int)Script.Katakana];
        return own > 0 && own >= LeastScriptShare * all && (!declared.Scripts.Contains(Script.Hiragana) || kana >= LeastKanaShare * own);
    }

    /// <summary>Letters of each script, those of dense scripts counted several times.</summary>
    private static void Weigh(string text, Span<int> counts)
    {
        Scripts.Count(text, counts);
        counts[(int)Script.None] = 0;
        foreach (var script in Dense) counts[(int)script] *= DenseScriptWeight;
    }

    private static Script Largest(ReadOnlySpan<int> counts)
    {
        var largest = 0;
        for (var script = 1; script < counts.Length; script++)
        {
            if (counts[script] > counts[largest]) largest = script;
        }

        return (Script)largest;
    }

    /// <summary>Wanted scripts as flags; all of them for a language whose scripts nobody knows.</summary>
    private static bool[] Mask(IReadOnlySet<Script> scripts)
    {
        var wanted = new bool[Scripts.Number];
        if (scripts.Count == 0) Array.Fill(wanted, true, 1, wanted.Length - 1);
        foreach (var script in scripts) wanted[(int)script] = true;
        return wanted;
    }
}
