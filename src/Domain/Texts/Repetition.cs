namespace XInstruct.Domain.Texts;

/// <summary>How much of a text only says again what it said before (the repeated-sentence filter of Humpback, for any language).</summary>
public static class Repetition
{
    // A shorter sentence ("Yes.") repeats in good prose.
    private const int ShortestSentence = 12;
    private const int Gram = 5;
    private const int Window = 24;

    /// <summary>
    /// Share of the text, 0 to 1, in sentences whose 5-gram Jaccard similarity with an earlier sentence reaches
    /// <paramref name="similarity"/>, or in 24-character windows that occurred before, whichever is larger.
    /// </summary>
    public static double Share(string text, double similarity)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Math.Max(BySentences(text, similarity), ByWindows(text));
    }

    private static double BySentences(string text, double similarity)
    {
        var sentences = Sentences.Split(text).Where(s => s.Length >= ShortestSentence).ToList();
        if (sentences.Count < 2) return 0;
        var grams = sentences.Select(Grams).ToList();
        var repeated = 0;
        for (var i = 1; i < sentences.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (Jaccard(grams[i], grams[j], similarity) < similarity) continue;
                repeated += sentences[i].Length;
                break;
            }
        }

        return (double)repeated / sentences.Sum(s => s.Length);
    }

    private static double ByWindows(string text)
    {
        if (text.Length < 2 * Window) return 0;
        var seen = new HashSet<ulong>(text.Length);
        ulong hash = 0, leading = 1;
        for (var i = 0; i < Window; i++) leading *= Base;
        int windows = 0, repeated = 0;
        for (var i = 0; i < text.Length; i++)
        {
            hash = (hash * Base) + text[i] + 1;
            if (i >= Window) hash -= leading * ((ulong)text[i - Window] + 1);
            if (i < Window - 1) continue;
            windows++;
            if (!seen.Add(hash)) repeated++;
        }

        return (double)repeated / windows;
    }

    // Rolling polynomial modulo 2^64; an odd base.
    private const ulong Base = 0x9E3779B97F4A7C15;

    private static HashSet<ulong> Grams(string sentence)
    {
        // A comma more or a capital less makes no new sentence.
        char[] letters = [.. sentence.Where(unit => !char.IsPunctuation(unit)).Select(char.ToLowerInvariant)];
        var grams = new HashSet<ulong>(letters.Length);
        for (var i = 0; i + Gram <= letters.Length; i++)
        {
            ulong hash = 0;
            foreach (var unit in letters.AsSpan(i, Gram)) hash = (hash * Base) + unit + 1;
            grams.Add(hash);
        }

        return grams;
    }

    private static double Jaccard(HashSet<ulong> a, HashSet<ulong> b, double atLeast)
    {
        var (small, large) = a.Count <= b.Count ? (a, b) : (b, a);
        if (small.Count < atLeast * large.Count) return 0;
        var common = small.Count(large.Contains);
        return (double)common / (a.Count + b.Count - common);
    }
}
