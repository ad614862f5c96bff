using System.Globalization;
using System.Runtime.CompilerServices;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Statistics;
using XInstruct.Domain.Tasks;

namespace XInstruct.Activities.Building;

/// <summary>Reads a source file and makes prompts of its rows: for each mix those that it asks for, of a seeded draw those with the smallest lots.</summary>
internal sealed class SourcePrompter(BuildRecipe recipe, TaskCatalogue catalogue, SourceFile file)
{
    private readonly HeldOutClusters _heldOut = new(recipe.Mix?.HoldOut ?? []);
    private readonly IReadOnlyList<MixSetting> _mixes = recipe.Mix?.Settings ?? [new MixSetting { Name = "", Template = recipe.Multitask?.Template ?? default }];
    private readonly Dictionary<(string Mix, string Dataset), RowDraw<IReadOnlyList<BuildRow>>> _draws = [];
    private readonly Dictionary<(string Dataset, string Reason), long> _counts = [];
    private readonly HashSet<UInt128> _seen = [];

    /// <summary>Rows of each data set that a split takes; 0: all.</summary>
    public static int Limit(BuildRecipe recipe, DataSplit split) => recipe.Mix is not { } mix
        ? recipe.Multitask?.PerDataset ?? 0
        : split switch { DataSplit.Train => mix.PerDataset, DataSplit.Dev => mix.DevPerDataset, _ => mix.TestPerDataset };

    /// <summary>A row's lot: rows with the smallest ones are drawn, in every mix the same.</summary>
    public static ulong Lot(int seed, BuildRow row) => DeterministicRandom.SeedOf(string.Create(CultureInfo.InvariantCulture, $"build/{seed}/{row.Dataset}/{row.Split}/{row.Source}/{row.Row}"));

    /// <summary>Rows, those that were left out, and counts.</summary>
    public async IAsyncEnumerable<BuildLine> ReadAsync(string path, [EnumeratorCancellation] CancellationToken ct)
    {
        var limit = Limit(recipe, file.Split);
        await foreach (var row in TableReader.ReadAsync(path, new TableReadOptions(recipe.MaxRowBytes), ct))
        {
            var (rows, drop) = Prompts(row);
            if (drop is not null) yield return new BuildLine(Drop: drop);
            foreach (var mix in rows.GroupBy(r => r.Mix, StringComparer.Ordinal))
            {
                if (limit == 0)
                {
                    foreach (var prompt in mix) yield return new BuildLine(prompt);
                    continue;
                }

                var first = mix.First();
                if (!_draws.TryGetValue((mix.Key, first.Dataset), out var draw)) _draws[(mix.Key, first.Dataset)] = draw = new RowDraw<IReadOnlyList<BuildRow>>(limit);
                draw.Add(Lot(recipe.Seed, first), [.. mix]);
            }
        }

        foreach (var ((_, dataset), draw) in _draws)
        {
            if (draw.Undrawn > 0) Count(dataset, "not-drawn", draw.Undrawn);
            foreach (var prompt in draw.Drawn().SelectMany(rows => rows)) yield return new BuildLine(prompt);
        }

        foreach (var ((dataset, reason), rows) in _counts.OrderBy(c => c.Key.Dataset, StringComparer.Ordinal).ThenBy(c => c.Key.Reason, StringComparer.Ordinal)) yield return new BuildLine(Count: new BuildCount(file.Name, dataset, file.Split, reason, rows));
    }

    private (IReadOnlyList<BuildRow> Rows, BuildDrop? Drop) Prompts(TableRow row)
    {
        var number = row.Number + 1;
        if (row.Columns is null) return Dropped(null, row.Problem!, row.Problem == TableRow.Truncated ? BuildDrop.Cut : null);
        var name = file.Source.Dataset ?? row.Find(Column("dataset_name"));
        if (name is null) return Dropped(null, "column-missing", Column("dataset_name"));
        var dataset = catalogue.Find(name) ?? throw new JobException(string.Create(CultureInfo.InvariantCulture, $"{file.Name}, row {number}: {catalogue.UnknownDataset(name)}"));
        Count(name, "read", 1);
        if (_heldOut.Leak(dataset, file.Split == DataSplit.Test, file.Name, number) is { } leak) throw new JobException(leak);
        if (Refusal(dataset) is { } refusal) return Counted(refusal);
        var language = file.Source.Lang ?? dataset.Lang ?? throw new JobException($"{file.Name} does not say which language its rows are in, nor does its data set {name}: set the source's lang.");
        var prompts = new List<BuildRow>();
        var (isOther, isStyled) = (false, false);
        foreach (var mix in _mixes)
        {
            if (file.Split != DataSplit.Test && mix.Train.Count > 0 && !mix.Train.Contains(language, StringComparer.Ordinal))
            {
                isOther = true;
                continue;
            }

            if (file.Source.Dataset is null && file.Source.Style is { } style && style != mix.Template)
            {
                isStyled = true;
                continue;
            }

            var (made, problem) = file.Source.Dataset is null ? Ready(row) : Made(dataset, language, mix.Template, row);
            if (problem is not null) return Dropped(name, problem.Reason, problem.Detail);
            foreach (var prompt in made)
            {
                prompts.Add(new BuildRow
                {
                    Mix = mix.Name,
                    Split = file.Split,
                    Source = file.Name,
                    Row = number,
                    Dataset = name,
                    Cluster = dataset.Cluster,
                    Lang = language,
                    Licence = dataset.Licence.Name,
                    Template = prompt.Template,
                    Id = Id(row, dataset),
                    Input = prompt.Input,
                    Output = prompt.Output,
                    Choices = prompt.Choices.Count > 0 ? prompt.Choices : null,
                });
            }
        }

        if (prompts.Count == 0) return Counted(isOther ? "other-language" : isStyled ? "other-template" : "no-template");
        // The same row twice in a file, which no draw could tell apart.
        return _seen.Add(prompts[0].TextKey()) ? (prompts, null) : Dropped(name, "duplicate", null);

        (IReadOnlyList<BuildRow> Rows, BuildDrop? Drop) Dropped(string? of, string reason, string? detail) => ([], new BuildDrop(file.Name, number, of, file.Split, reason, detail));

        (IReadOnlyList<BuildRow> Rows, BuildDrop? Drop) Counted(string reason)
        {
            Count(name, reason, 1);
            return ([], null);
        }
    }

    private string? Refusal(TaskDataset dataset)
    {
        var rule = recipe.Licences;
        if (dataset.Licence.Refusal(rule.Commercial, rule.Derivatives, rule.Known) is not { } refusal) return null;
        return rule.Action == RefusedAction.Drop ? refusal : throw new JobException(BuildRules.Refused(dataset, refusal, file.Name));
    }

    private (IReadOnlyList<PromptedRow> Rows, PromptProblem? Problem) Made(TaskDataset dataset, string language, TemplateStyle style, TableRow row)
    {
        var templates = TaskPrompts.Of(dataset, language, style);
        if (templates.Count == 0) return ([], null);
        var all = file.Split == DataSplit.Test || (recipe.Mix?.Templates ?? recipe.Multitask?.Templates) == TemplateUse.All;
        // Drawn by the row, so that mixes of other rows use the same template for it.
        var drawn = all ? templates : [templates[new DeterministicRandom(FormattableString.Invariant($"build/{recipe.Seed}/template/{file.Name}/{row.Number}")).Next(templates.Count)]];
        var rows = new List<PromptedRow>();
        foreach (var template in drawn)
        {
            var (made, problem) = TaskPrompts.Fill(dataset, template, row.Find, file.Source.Columns);
            if (problem is not null) return ([], problem);
            rows.Add(made!);
        }

        return (rows, null);
    }

    private (IReadOnlyList<PromptedRow> Rows, PromptProblem? Problem) Ready(TableRow row)
    {
        var (input, output, choices) = (row.Find(Column("input")), row.Find(Column("output")), TaskRow.ChoicesOf(row.Find(Column("choices")) ?? ""));
        if (string.IsNullOrWhiteSpace(input)) return ([], new PromptProblem("column-missing", Column("input")));
        if (string.IsNullOrWhiteSpace(output)) return ([], new PromptProblem("answer-missing", Column("output")));
        if (choices.Count > 0 && !choices.Contains(output, StringComparer.Ordinal)) return ([], new PromptProblem("answer-not-a-choice", output));
        return ([new PromptedRow(input, output, choices, file.Template)], null);
    }

    private string Id(TableRow row, TaskDataset dataset)
    {
        var id = row.Find(file.Source.Columns.GetValueOrDefault("id") ?? (file.Source.Dataset is null ? "id" : dataset.IdColumn ?? "id"));
        if (string.IsNullOrEmpty(id)) return (row.Number + 1).ToString(CultureInfo.InvariantCulture);
        // What a spreadsheet made of an integer.
        return TaskRows.IsFractional(id) ? id[..^2] : id;
    }

    private string Column(string name) => file.Source.Columns.GetValueOrDefault(name, name);

    private void Count(string dataset, string reason, long rows) => _counts[(dataset, reason)] = _counts.GetValueOrDefault((dataset, reason)) + rows;
}
