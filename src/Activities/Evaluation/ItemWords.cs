using System.Globalization;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Tasks;

namespace XInstruct.Activities.Evaluation;

/// <summary>Fills a task's templates: a slot is a word of the language, a value of a column in other words, or a column.</summary>
internal sealed class ItemWords
{
    private readonly Dictionary<string, PromptTemplate> _templates = new(StringComparer.Ordinal);
    private readonly TaskUnit _unit;
    private readonly TaskLocale _locale;

    /// <summary>The words of a unit's language.</summary>
    /// <param name="unit">The file.</param>
    /// <param name="labels">Labels that the task's own examples show; null when it has none.</param>
    /// <exception cref="JobException">The task has words, but none in this language.</exception>
    public ItemWords(TaskUnit unit, IReadOnlyList<string>? labels)
    {
        var task = unit.Task;
        _unit = unit;
        _locale = task.Locale(unit.Language) ?? new TaskLocale { Language = unit.Language };
        if (unit.Words is { } words)
        {
            try
            {
                Shots = [.. words.ShotLines(unit.Language, label => labels?[task.Choices.ToList().IndexOf(label)] ?? label)];
                return;
            }
            catch (TaskRegistryException e)
            {
                throw new JobException($"Task {task.Name}: {e.Message}", e);
            }
        }

        var known = task.Locales.SelectMany(locale => locale.Words.Keys).ToHashSet(StringComparer.Ordinal);
        var used = task.Choices.Where(_ => task.Form == TaskForm.Choice).Append(task.Prompt).SelectMany(template => Template(template).Slots);
        if (used.FirstOrDefault(slot => known.Contains(slot) && !_locale.Words.ContainsKey(slot)) is { } missing)
        {
            throw new JobException($"Task {task.Name} has no word for {{{missing}}} in {unit.Language}. It has words for: {string.Join(", ", task.Locales.Select(locale => locale.Language))}. " +
                "Write a task file of your own with them, or leave the language out.");
        }

        var slots = new Dictionary<string, string>(_locale.Words, StringComparer.Ordinal);
        for (var i = 0; i < labels?.Count; i++) slots[string.Create(CultureInfo.InvariantCulture, $"label{i + 1}")] = labels[i];
        Shots = [.. _locale.Shots.Select(shot => Template(shot).Fill(slots))];
    }

    /// <summary>The task's own examples.</summary>
    public IReadOnlyList<string> Shots { get; }

    /// <summary>A row's prompt; null when the row has no value for a part of it.</summary>
    public string? Prompt(TableRow row, out string? missing)
    {
        missing = null;
        if (_unit.Words is not { } words) return Fill(_unit.Task.Prompt, row, out missing);
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var field in words.Fields)
        {
            if (row.Find(words.ColumnOf(field)) is not { } value)
            {
                missing = words.ColumnOf(field);
                return null;
            }

            fields[field] = value;
        }

        return words.WordPrompt(_unit.Language, fields);
    }

    /// <summary>A template with a row's values; null when the row has none for a slot.</summary>
    public string? Fill(string template, TableRow row, out string? missing)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var slot in Template(template).Slots)
        {
            if (!_locale.Words.TryGetValue(slot, out var value))
            {
                value = row.Find(slot);
                if (value is not null && _locale.Values.TryGetValue($"{slot}.{value}", out var other)) value = other;
            }

            if (value is null)
            {
                missing = slot;
                return null;
            }

            values[slot] = value;
        }

        missing = null;
        return Template(template).Fill(values);
    }

    private PromptTemplate Template(string text) => _templates.TryGetValue(text, out var known) ? known : _templates[text] = PromptTemplate.Parse(text);
}
