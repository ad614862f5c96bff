using System.Text;

namespace XInstruct.Domain.Prompts;

/// <summary>A stretch of a template: literal text, or a slot to be filled.</summary>
/// <param name="Text">The literal; for a slot its name.</param>
/// <param name="Slot">Name of the slot; null for a literal.</param>
public sealed record PromptSegment(string Text, string? Slot);

/// <summary>A prompt with slots in braces, filled in one pass: a text that contains {instruction} stays text. {{ and }} are braces.</summary>
public sealed class PromptTemplate
{
    private PromptTemplate(IReadOnlyList<PromptSegment> segments) => Segments = segments;

    /// <summary>Literals and slots in order.</summary>
    public IReadOnlyList<PromptSegment> Segments { get; }

    /// <summary>Names of the slots, each once, in order.</summary>
    public IEnumerable<string> Slots => Segments.Where(s => s.Slot is not null).Select(s => s.Slot!).Distinct(StringComparer.Ordinal);

    /// <summary>What is wrong with a template where only some slots can be filled and some must be there; null when it is good.</summary>
    /// <param name="template">Template as a user wrote it.</param>
    /// <param name="allowed">Slots that have a value.</param>
    /// <param name="required">Slots without which the prompt would make no sense.</param>
    public static string? Problem(string template, IReadOnlyCollection<string> allowed, IReadOnlyCollection<string> required)
    {
        try
        {
            var slots = Parse(template).Slots.ToHashSet(StringComparer.Ordinal);
            if (slots.FirstOrDefault(s => !allowed.Contains(s)) is { } unknown)
            {
                return $"The slot {{{unknown}}} is unknown here; allowed: {Braced(allowed)}. Write '{{{{' for a brace.";
            }

            return required.FirstOrDefault(r => !slots.Contains(r)) is { } missing ? $"The slot {{{missing}}} must be in the template." : null;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    /// <summary>Parses a template.</summary>
    /// <exception cref="FormatException">A brace has no partner, or a slot no name.</exception>
    public static PromptTemplate Parse(string template)
    {
        var segments = new List<PromptSegment>();
        var literal = new StringBuilder();
        for (var i = 0; i < template.Length; i++)
        {
            var c = template[i];
            if (c is '{' or '}' && i + 1 < template.Length && template[i + 1] == c)
            {
                literal.Append(c);
                i++;
            }
            else if (c == '}')
            {
                throw new FormatException($"Prompt template: the '}}' at character {i + 1} closes nothing. Write '}}}}' for a brace.");
            }
            else if (c == '{')
            {
                var end = template.IndexOf('}', i);
                var name = end < 0 ? "" : template[(i + 1)..end];
                if (name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
                {
                    throw new FormatException($"Prompt template: the '{{' at character {i + 1} begins no slot such as {{text}}. Write '{{{{' for a brace.");
                }

                if (literal.Length > 0) segments.Add(new PromptSegment(literal.ToString(), null));
                literal.Clear();
                segments.Add(new PromptSegment(name, name));
                i = end;
            }
            else
            {
                literal.Append(c);
            }
        }

        if (literal.Length > 0) segments.Add(new PromptSegment(literal.ToString(), null));
        return new PromptTemplate(segments);
    }

    /// <summary>Fills all slots in one pass.</summary>
    /// <exception cref="KeyNotFoundException">A slot has no value.</exception>
    public string Fill(IReadOnlyDictionary<string, string> values) => string.Concat(Segments.Select(s => s.Slot is null
        ? s.Text
        : values.TryGetValue(s.Slot, out var value)
            ? value
            : throw new KeyNotFoundException($"Prompt template: the slot {{{s.Slot}}} has no value here; there are {Braced(values.Keys)}.")));

    private static string Braced(IEnumerable<string> names) => string.Join(", ", names.Select(n => $"{{{n}}}"));
}
