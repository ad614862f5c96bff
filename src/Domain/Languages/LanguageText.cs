using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Languages;

/// <summary>
/// Folds a text for language identification: what is not in the wanted scripts goes, and so do words with a capital inside a sentence: names
/// say where things are and not in which language the text is (German nouns go too; its small words are evidence enough).
/// </summary>
internal static class LanguageText
{
    // With less than this share of letters left, capitals are this text's style and not its names.
    private const double LeastUncapitalised = 0.1;

    /// <summary>The folded text: lower case, one space between words and at both ends.</summary>
    public static char[] Fold(string text, ReadOnlySpan<bool> wanted)
    {
        var source = text.IsNormalized() ? text : text.Normalize();
        var folded = Fold(source, wanted, names: false, out var letters);
        return letters > 0 && folded.Length < LeastUncapitalised * letters ? Fold(source, wanted, names: true, out _) : folded;
    }

    private static bool IsSentenceEnd(char unit) => unit is '.' or '!' or '?' or '\n' or ':' or '"' or '“' or '„' or '«';

    private static char[] Fold(string source, ReadOnlySpan<bool> wanted, bool names, out int letters)
    {
        var scripts = Scripts.OfUnits;
        var folded = new char[source.Length + 2];
        folded[0] = ' ';
        int length = 1, word = 1;
        letters = 0;
        var name = false;
        // The first word of a sentence has its capital for another reason.
        var starts = true;
        foreach (var unit in source)
        {
            var script = scripts[unit];
            // Marks common to several scripts belong to the letter before them.
            if (script == (byte)Script.None ? CharacterNgrams.IsLetter(unit) && length > word : wanted[script])
            {
                letters++;
                if (length == word) name = !starts && char.IsUpper(unit);
                folded[length++] = char.ToLowerInvariant(unit);
                continue;
            }

            EndWord();
            if (IsSentenceEnd(unit)) starts = true;
        }

        EndWord();
        return folded.AsSpan(0, length).ToArray();

        void EndWord()
        {
            if (length == word) return;
            starts = false;
            if (name && !names) length = word;
            else folded[length++] = ' ';
            word = length;
        }
    }
}
