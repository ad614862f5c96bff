using System.Text;

namespace XInstruct.Domain.Metrics;

/// <summary>How a text is cut into words before BLEU counts them; the names are sacreBLEU's.</summary>
public enum TranslationTokenizer
{
    /// <summary>mteval-v13a: ASCII punctuation apart, except within numbers.</summary>
    V13a,

    /// <summary>mteval-v14: punctuation and symbols of all scripts apart, except within numbers.</summary>
    International,

    /// <summary>Each character that is no white space.</summary>
    Character,

    /// <summary>Chinese characters apart, the rest as mteval-v13a.</summary>
    Chinese,

    /// <summary>White space alone.</summary>
    None,
}

/// <summary>Cuts texts into words as NIST's mteval scripts and sacreBLEU 2.5.1 do, by code points.</summary>
public static class TranslationTokens
{
    // What sacreBLEU takes for Chinese; of the two blocks beyond U+FFFF its code names others by mistake, and scores follow the code.
    private static readonly (int First, int Last)[] ChineseBlocks =
    [
        (0x2001, 0x2A6D), (0x2E80, 0x2EFF), (0x2F00, 0x2FDF), (0x2FF0, 0x2FFF), (0x3000, 0x303F), (0x3100, 0x312F), (0x31A0, 0x31BF), (0x31C0, 0x31EF), (0x3200, 0x33FF),
        (0x3400, 0x4DB5), (0x4E00, 0x9FBB), (0xF900, 0xFA2D), (0xFA30, 0xFA6A), (0xFA70, 0xFAD9), (0xFE10, 0xFE1F), (0xFE30, 0xFE4F), (0xFF00, 0xFFEF),
    ];

    /// <summary>The words of a text.</summary>
    public static string[] Of(string text, TranslationTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = text.TrimEnd();
        return tokenizer switch
        {
            TranslationTokenizer.V13a => Words(Mteval(Runes(Unescaped(text)))),
            TranslationTokenizer.International => Words(International(Runes(text))),
            TranslationTokenizer.Character => [.. text.EnumerateRunes().Where(rune => !Rune.IsWhiteSpace(rune)).Select(rune => rune.ToString())],
            TranslationTokenizer.Chinese => Words(Mteval([.. text.Trim().EnumerateRunes().SelectMany(rune => IsChinese(rune) ? [Space, rune, Space] : new[] { rune })])),
            _ => Words(Runes(text)),
        };
    }

    private static Rune Space { get; } = new(' ');

    private static List<Rune> Runes(string text) => [.. text.EnumerateRunes()];

    private static string[] Words(IEnumerable<Rune> runes) => string.Concat(runes).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static string Unescaped(string text)
    {
        text = text.Replace("<skipped>", "", StringComparison.Ordinal).Replace("-\n", "", StringComparison.Ordinal).Replace('\n', ' ');
        return text.Contains('&', StringComparison.Ordinal)
            ? text.Replace("&quot;", "\"", StringComparison.Ordinal).Replace("&amp;", "&", StringComparison.Ordinal).Replace("&lt;", "<", StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal)
            : text;
    }

    private static List<Rune> Mteval(List<Rune> text)
    {
        // Spaces at both ends: the rules about neighbours hold there, too.
        List<Rune> runes = [Space, .. text, Space];
        runes = Each(runes, rune => rune.IsAscii && (Rune.IsPunctuation(rune) || Rune.IsSymbol(rune)) && rune.Value is not ('\'' or '-' or '.' or ','));
        runes = Pairs(runes, (a, b) => !IsDigit(a) && IsStop(b), (a, b) => [a, Space, b, Space]);
        runes = Pairs(runes, (a, b) => IsStop(a) && !IsDigit(b), (a, b) => [Space, a, Space, b]);
        return Pairs(runes, (a, b) => IsDigit(a) && b.Value == '-', (a, b) => [a, Space, b, Space]);
    }

    private static List<Rune> International(List<Rune> text)
    {
        var runes = Pairs(text, (a, b) => !Rune.IsNumber(a) && Rune.IsPunctuation(b), (a, b) => [a, Space, b, Space]);
        runes = Pairs(runes, (a, b) => Rune.IsPunctuation(a) && !Rune.IsNumber(b), (a, b) => [Space, a, Space, b]);
        return Each(runes, Rune.IsSymbol);
    }

    private static bool IsDigit(Rune rune) => rune.Value is >= '0' and <= '9';

    private static bool IsStop(Rune rune) => rune.Value is '.' or ',';

    private static bool IsChinese(Rune rune) => ChineseBlocks.Any(block => rune.Value >= block.First && rune.Value <= block.Last);

    private static List<Rune> Each(List<Rune> runes, Func<Rune, bool> isApart) => [.. runes.SelectMany(rune => isApart(rune) ? [Space, rune, Space] : new[] { rune })];

    // Neighbours from the left on; one that was taken is no neighbour any more.
    private static List<Rune> Pairs(List<Rune> runes, Func<Rune, Rune, bool> isPair, Func<Rune, Rune, Rune[]> apart)
    {
        var result = new List<Rune>(runes.Count + 8);
        for (var i = 0; i < runes.Count; i++)
        {
            if (i + 1 < runes.Count && isPair(runes[i], runes[i + 1]))
            {
                result.AddRange(apart(runes[i], runes[i + 1]));
                i++;
            }
            else
            {
                result.Add(runes[i]);
            }
        }

        return result;
    }
}
