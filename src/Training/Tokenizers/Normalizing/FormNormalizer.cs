using System.Text;

namespace XInstruct.Training.Tokenizers.Normalizing;

/// <summary>One of Unicode's normalisation forms. A composed character comes from the first of those it was made of.</summary>
internal sealed class FormNormalizer(NormalizationForm form) : TextNormalizer
{
    public override AlignedText Normalize(AlignedText text)
    {
        var source = text.Text;
        if (source.IsNormalized(form)) return text;
        if (!text.IsAligned) return AlignedText.Of(source.Normalize(form), isAligned: false);
        var result = new AlignedText.Builder(text);
        for (var from = 0; from < source.Length;)
        {
            var to = from + RuneAt(source, from).Utf16SequenceLength;
            while (to < source.Length && Joins(RuneAt(source, to))) to += RuneAt(source, to).Utf16SequenceLength;
            Append(result, source, from, to);
            from = to;
        }

        return result.Build();
    }

    private void Append(AlignedText.Builder result, string source, int from, int to)
    {
        var normalized = source[from..to].Normalize(form);
        List<(Rune Rune, int At)> old = [];
        for (var at = from; at < to; at += old[^1].Rune.Utf16SequenceLength) old.Add((RuneAt(source, at), at));
        var made = normalized.EnumerateRunes().ToList();
        if (made.Count > old.Count)
        {
            // Decomposed: each character gave some.
            var origins = old.SelectMany(one => Enumerable.Repeat(one.At, one.Rune.ToString().Normalize(form).EnumerateRunes().Count())).ToList();
            for (var i = 0; i < made.Count; i++) result.Append(made[i], origins[Math.Min(i, origins.Count - 1)]);
            return;
        }

        for (int i = 0, next = 0; i < made.Count; i++)
        {
            var same = old.FindIndex(next, old.Count - next, one => one.Rune == made[i]);
            if (same < 0 || old.Count - same < made.Count - i) same = next;
            result.Append(made[i], old[same].At);
            next = Math.Min(same + 1, old.Count - 1);
        }
    }

    // Marks, and the vowels and finals of conjoining Hangul.
    private static bool Joins(Rune rune) => rune.Value is >= 0x1160 and <= 0x11FF or >= 0xD7B0 and <= 0xD7FF or 0xFF9E or 0xFF9F
        || Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark;

    private static Rune RuneAt(string text, int index) => Rune.GetRuneAt(text, index);
}
