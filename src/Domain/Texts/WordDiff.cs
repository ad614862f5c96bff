using System.Globalization;
using System.Text;

namespace XInstruct.Domain.Texts;

/// <summary>What became of a piece of text.</summary>
public enum DiffKind
{
    /// <summary>It stands in both.</summary>
    Same,

    /// <summary>It stood in the earlier text only.</summary>
    Removed,

    /// <summary>It stands in the later text only.</summary>
    Added,
}

/// <summary>A piece of text that two revisions share, or that only one of them has.</summary>
public sealed record DiffPart(DiffKind Kind, string Text);

/// <summary>
/// What changed between two revisions, word by word: a longest common subsequence (Hunt and McIlroy 1976). A word is a run of letters, marks and digits; in scripts
/// that are written without blanks it is one character as readers see it. The parts that are not <see cref="DiffKind.Added"/> are the earlier text, those that are
/// not <see cref="DiffKind.Removed"/> the later one.
/// </summary>
public static class WordDiff
{
    /// <summary>So many comparisons are made; of texts that need more, all between their common beginning and end is replaced.</summary>
    private const long Most = 4_000_000;

    /// <summary>The parts, in order; no two neighbours are of one kind.</summary>
    public static IReadOnlyList<DiffPart> Of(string before, string after)
    {
        var (a, b) = (Words(before), Words(after));
        var head = 0;
        while (head < a.Count && head < b.Count && a[head] == b[head]) head++;
        var tail = 0;
        while (tail < a.Count - head && tail < b.Count - head && a[^(tail + 1)] == b[^(tail + 1)]) tail++;
        var parts = new List<DiffPart>();
        Add(parts, DiffKind.Same, a.Take(head));
        Middle(parts, a.GetRange(head, a.Count - head - tail), b.GetRange(head, b.Count - head - tail));
        Add(parts, DiffKind.Same, a.Skip(a.Count - tail));
        return parts;
    }

    private static void Middle(List<DiffPart> parts, List<string> a, List<string> b)
    {
        if ((long)a.Count * b.Count > Most)
        {
            Add(parts, DiffKind.Removed, a);
            Add(parts, DiffKind.Added, b);
            return;
        }

        // Length of the longest common subsequence of what is left of both.
        var common = new int[a.Count + 1, b.Count + 1];
        for (var i = a.Count - 1; i >= 0; i--)
        {
            for (var j = b.Count - 1; j >= 0; j--) common[i, j] = a[i] == b[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }

        for (int i = 0, j = 0; i < a.Count || j < b.Count;)
        {
            if (i < a.Count && j < b.Count && a[i] == b[j])
            {
                Add(parts, DiffKind.Same, [a[i++]]);
                j++;
                continue;
            }

            if (j == b.Count || (i < a.Count && common[i + 1, j] >= common[i, j + 1])) Add(parts, DiffKind.Removed, [a[i++]]);
            else Add(parts, DiffKind.Added, [b[j++]]);
        }
    }

    private static void Add(List<DiffPart> parts, DiffKind kind, IEnumerable<string> words)
    {
        var text = string.Concat(words);
        if (text.Length == 0) return;
        if (parts is [.., var last] && last.Kind == kind) parts[^1] = last with { Text = last.Text + text };
        else parts.Add(new DiffPart(kind, text));
    }

    private static List<string> Words(string text)
    {
        var words = new List<string>();
        var joins = false;
        var elements = StringInfo.GetTextElementEnumerator(text);
        while (elements.MoveNext())
        {
            var element = elements.GetTextElement();
            var isWord = Rune.TryGetRuneAt(element, 0, out var rune) && Rune.IsLetterOrDigit(rune) && !IsUnspaced(rune.Value);
            if (isWord && joins) words[^1] += element;
            else words.Add(element);
            joins = isWord;
        }

        return words;
    }

    /// <summary>Thai, Lao, Tibetan, Myanmar, Khmer, kana and Han.</summary>
    private static bool IsUnspaced(int rune) =>
        rune is (>= 0x0E00 and <= 0x0FFF) or (>= 0x1000 and <= 0x109F) or (>= 0x1780 and <= 0x17FF) or (>= 0x3040 and <= 0x30FF) or (>= 0x3400 and <= 0x9FFF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x3FFFF);
}
