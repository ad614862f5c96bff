namespace XInstruct.Domain.Texts;

/// <summary>
/// Splits a text into sentences without knowing its language: at the full stops of many scripts and at line ends. A piece in a script that
/// ends sentences with a space (Thai, Lao, Khmer, Myanmar) is split at its spaces too.
/// </summary>
public static class Sentences
{
    private const string Ends = ".!?\u2026\u0964\u0965\u3002\uFF01\uFF1F\uFF0E\uFF61\u061F\u06D4\u1362\u1367\u0589\u17D4\u17D5\u104A\u104B\u0F0D\u0F0E\n\r\u2028\u2029";

    /// <summary>The sentences, trimmed, without empty ones. A stop inside a word or figure (3.5, example.com) ends nothing.</summary>
    public static IReadOnlyList<string> Split(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var sentences = new List<string>();
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (!IsEnd(text, i)) continue;
            Add(i);
            start = i + 1;
        }

        Add(text.Length);
        return sentences;

        void Add(int end)
        {
            var sentence = text.AsSpan(start, end - start).Trim();
            if (sentence.Length > 0) sentences.Add(sentence.ToString());
        }
    }

    /// <summary>Whether the text holds any mark that ends a sentence.</summary>
    public static bool HasEnd(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('\n' or '\r') && IsEnd(text, i)) return true;
        }

        return false;
    }

    /// <summary>Scripts that write spaces between sentences or clauses, not between words.</summary>
    internal static bool IsUnspaced(char unit) => unit is (>= '\u0E00' and <= '\u0EFF') or (>= '\u1780' and <= '\u17FF') or (>= '\u1000' and <= '\u109F');

    private static bool IsEnd(string text, int i)
    {
        var unit = text[i];
        if (TextNormalizer.IsWhiteSpace(unit) && unit is not ('\n' or '\r')) return i > 0 && i + 1 < text.Length && IsUnspaced(text[i - 1]) && IsUnspaced(text[i + 1]);
        if (!Ends.Contains(unit, StringComparison.Ordinal)) return false;
        return unit != '.' || i + 1 == text.Length || !char.IsLetterOrDigit(text[i + 1]);
    }
}
