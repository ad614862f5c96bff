using XInstruct.Domain.Languages;

namespace XInstruct.Activities.Truth;

/// <summary>
/// Recovers from an English instruction what it asks for. A value of a field is recovered when it is the only one of that field whose words stand
/// in the instruction as whole words, whatever their case. The words come from a lexicon, for a language from its English name, else from the value itself.
/// </summary>
public sealed class InstructionReader
{
    private readonly IReadOnlyList<string> _fields;
    private readonly Dictionary<string, IReadOnlyDictionary<string, IReadOnlyList<string>>> _words = new(StringComparer.Ordinal);

    /// <summary>A reader of instructions.</summary>
    /// <param name="fields">Fields that must agree.</param>
    /// <param name="languages">Language codes among which an instruction names one.</param>
    /// <param name="rows">Rows whose values are the possible ones of fields without a lexicon.</param>
    /// <param name="lexicon">Field → value → words.</param>
    public InstructionReader(
        IReadOnlyList<string> fields,
        IReadOnlyList<string> languages,
        IEnumerable<TruthRow> rows,
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, IReadOnlyList<string>>>? lexicon = null)
    {
        _fields = fields;
        var known = rows as IReadOnlyCollection<TruthRow> ?? [.. rows];
        foreach (var field in fields)
        {
            _words[field] = lexicon?.GetValueOrDefault(field) ?? (IsLanguage(field)
                ? languages.Distinct(StringComparer.Ordinal).ToDictionary(l => l, l => (IReadOnlyList<string>)[Language.Parse(l).EnglishName], StringComparer.Ordinal)
                : known.Select(r => r.Values.GetValueOrDefault(field)).OfType<string>().Distinct(StringComparer.Ordinal)
                    .ToDictionary(v => v, v => (IReadOnlyList<string>)[v], StringComparer.Ordinal));
        }
    }

    /// <summary>The field names a language by its code, and instructions name it in English.</summary>
    public static bool IsLanguage(string field) => field is "lang" or "language";

    /// <summary>The value of a field that an instruction shows; null when it shows none or several.</summary>
    public string? Recover(string field, string instruction)
    {
        string? found = null;
        foreach (var (value, words) in _words[field])
        {
            if (!words.Any(w => ContainsWord(instruction, w))) continue;
            if (found is not null) return null;
            found = value;
        }

        return found;
    }

    /// <summary>Whether every field that the instruction shows agrees with the truth. Without fields nothing is right.</summary>
    public bool IsRight(string instruction, TruthRow truth) =>
        _fields.Count > 0 && _fields.All(f => truth.Values.TryGetValue(f, out var value) && Recover(f, instruction) == value);

    private static bool ContainsWord(string text, string word)
    {
        if (word.Length == 0) return false;
        for (var at = 0; (at = text.IndexOf(word, at, StringComparison.OrdinalIgnoreCase)) >= 0; at++)
        {
            var end = at + word.Length;
            if ((at == 0 || !char.IsLetterOrDigit(text[at - 1])) && (end == text.Length || !char.IsLetterOrDigit(text[end]))) return true;
        }

        return false;
    }
}
