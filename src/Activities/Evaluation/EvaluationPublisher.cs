using System.Text;
using System.Text.Json;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Pages;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Evaluation;

/// <summary>Writes what an evaluation found: items, scores, comparisons and means as files, and the report.</summary>
/// <param name="job">The job, all of whose items are scored.</param>
/// <param name="folder">Where to.</param>
internal sealed class EvaluationPublisher(JobContext<EvaluationRecipe> job, string folder)
{
    /// <summary>Writes the files.</summary>
    public async Task WriteAsync(CancellationToken ct)
    {
        var units = EvaluationKind.Units(job);
        var files = new List<ScoredFile>();
        await using (var items = new FileStream(Path.Combine(folder, "items.jsonl"), FileMode.CreateNew))
        {
            foreach (var group in await GroupsAsync(units, ct))
            {
                files.Add(group);
                foreach (var item in group.Items) await items.WriteAsync(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(WithValues(item, group.Measures), EventJson.Options) + "\n"), ct);
            }
        }

        var recipe = job.Recipe;
        var builder = new ResultBuilder(new Resampler(recipe.Resamples, (ulong)recipe.Seed), recipe.Baseline ?? recipe.Models[0].Name, recipe.Seen.ToHashSet(StringComparer.Ordinal));
        var result = builder.Build(files);
        await ResultFiles.WriteAsync(folder, result, ct);
        var report = new EvaluationReport(await FactsAsync(units, files, ct), result).Content();
        await File.WriteAllTextAsync(Path.Combine(folder, "report.html"), HtmlPage.Render(report), ct);
        await File.WriteAllTextAsync(Path.Combine(folder, "report.md"), MarkdownPage.Render(report), ct);
    }

    private async Task<ReportFacts> FactsAsync(IReadOnlyList<TaskUnit> units, List<ScoredFile> files, CancellationToken ct)
    {
        var recipe = job.Recipe;
        var baseline = recipe.Baseline ?? recipe.Models[0].Name;
        var models = recipe.Models.Select(model => model.Name).OrderBy(name => name != baseline).ToList();
        // Those of the recipe first and as there, then those that only a task names.
        var asked = units.Select(unit => unit.Language).Distinct(StringComparer.Ordinal).ToList();
        List<string> languages = [.. recipe.Languages.Where(asked.Contains), .. asked.Except(recipe.Languages, StringComparer.Ordinal)];
        return new ReportFacts(
            recipe.Name,
            job.Id,
            models,
            [.. recipe.Models.Select(model => model.Name)],
            languages,
            files.Sum(file => file.Items.Count),
            recipe.Resamples,
            await new WorstItems(job, units).OfAsync(files, models, recipe.Examples, ct),
            JsonSerializer.Serialize(job.Document.Recipe, EventJson.Indented),
            [.. job.Document.Inputs.Select(input => (input.Role, input.Sha256))]);
    }

    private async Task<List<ScoredFile>> GroupsAsync(IReadOnlyList<TaskUnit> units, CancellationToken ct)
    {
        var all = new List<ItemScore>();
        if (job.Recipe.Models.Any(model => model.Api is null)) all.AddRange(await job.ReadAsync<ItemScore>(EvaluationKind.Score, ct).ToListAsync(ct));
        if (job.Recipe.Models.Any(model => model.Api is not null)) all.AddRange(await job.ReadAsync<ItemScore>(EvaluationKind.Ask, ct).ToListAsync(ct));
        if (job.Has(EvaluationKind.KoreanDictionary)) all = await KoreanMorphemes.AddAsync(all, job.Folder(EvaluationKind.KoreanDictionary), ct);
        var places = units.Select((unit, i) => ((unit.Name, unit.Language, unit.Dataset, unit.Template), i)).ToDictionary(entry => entry.Item1, entry => entry.i);
        return [.. all.GroupBy(item => (item.Model, Unit: places[(item.Task, item.Language, item.Dataset, item.Template)])).Select(group =>
        {
            var (unit, items) = (units[group.Key.Unit], group.ToList());
            return new ScoredFile(group.Key.Model, unit.Name, unit.Language, unit.Cluster, unit.Dataset, unit.Template, Measures(unit.Task, items, job.Recipe.Models.Any(model => model.Api is not null && model.Name == group.Key.Model)), items);
        })];
    }

    // Of prompted rows those that fit what the file holds.
    private static IReadOnlyList<Measure> Measures(EvaluationTask task, List<ItemScore> items, bool isRemote)
    {
        var form = task.Form != TaskForm.Prompted ? task.Form : items.Any(item => item.Choices is not null) ? TaskForm.Choice : TaskForm.Generate;
        // Behind an endpoint a choice is its letter, whose probability no length divides.
        if (isRemote && form == TaskForm.Choice) form = TaskForm.Label;
        var known = Measure.Of(form).ToHashSet(StringComparer.Ordinal);
        var named = task.Measures.Where(known.Contains).ToList();
        return [.. (named.Count > 0 ? named : Measure.Default(form)).Select(name => Measure.All[name])];
    }

    private static ItemScore WithValues(ItemScore item, IReadOnlyList<Measure> measures)
    {
        var values = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var measure in measures.Where(measure => measure.HasMean))
        {
            if (measure.Counts(item) is { } counts) values[measure.Name] = Math.Round(counts[0], 6);
        }

        return values.Count == 0 ? item : item with { Values = values };
    }
}
