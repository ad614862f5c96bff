using System.Text.Json;
using XInstruct.Activities.Evaluation;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Pages;
using XInstruct.Domain.Probing;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Probing;

/// <summary>Writes what a probe found: curves, correlations and points as files, and the report.</summary>
/// <param name="job">The job, all of whose stages have ended.</param>
/// <param name="folder">Where to.</param>
internal sealed class ProbePublisher(JobContext<ProbeRecipe> job, string folder)
{
    private readonly IReadOnlyList<TaskUnit> _units = EvaluationKind.Units(job, ProbeKind.Questions(job.Recipe));

    /// <summary>Writes the files.</summary>
    public async Task WriteAsync(CancellationToken ct)
    {
        var components = job.Recipe.Components ? await job.ReadAsync<LayerComponents>(ProbeKind.Components, ct).Select(Named).ToListAsync(ct) : [];
        var result = new ProbeResult(job.Recipe.Lens ? await CurvesAsync(ct) : [], components, ProbeResult.Correlate(components, Pairs()));
        await ProbeTables.WriteAsync(folder, result, ct);
        var page = ProbeReport.Page(job.Recipe, result, job.Id, JsonSerializer.Serialize(job.Document.Recipe, EventJson.Indented), [.. job.Document.Inputs.Select(input => (input.Role, input.Sha256))]);
        await File.WriteAllTextAsync(Path.Combine(folder, "report.html"), HtmlPage.Render(page), ct);
        await File.WriteAllTextAsync(Path.Combine(folder, "report.md"), MarkdownPage.Render(page), ct);
    }

    private IReadOnlyList<LanguagePair> Pairs() => job.Recipe.Pairs.Count == 0 ? LanguagePair.Published : [.. job.Recipe.Pairs.Select(LanguagePair.Find).OfType<LanguagePair>()];

    private NamedComponents Named(LayerComponents c) => new(
        job.Recipe.Models[c.Layer.Model].Name,
        ProbeTables.TaskName(_units[ProbeKind.Groups(_units)[c.Layer.Group][0]]),
        c.Layer.Layer,
        c.Explained,
        [.. c.Points.Select(p => new NamedPoint(_units[p.Unit].Language, p.Row, p.X, p.Y))]);

    private async Task<IReadOnlyList<LensCurve>> CurvesAsync(CancellationToken ct)
    {
        var windows = await ProbeKind.WindowsAsync(job, ProbeKind.Lens, ct);
        var items = new Dictionary<(int Model, int Unit), List<LensItem>>();
        for (var part = 0; part < windows.Count; part++)
        {
            var place = (windows[part].Model, windows[part].Unit);
            if (!items.TryGetValue(place, out var mine)) items[place] = mine = [];
            mine.AddRange(await job.ReadPartAsync<LensItem>(ProbeKind.Lens, part, ct).ToListAsync(ct));
        }

        return [.. items.Select(entry => LensCurve.Of(job.Recipe.Models[entry.Key.Model].Name, ProbeTables.TaskName(_units[entry.Key.Unit]), _units[entry.Key.Unit].Language, entry.Value))];
    }
}
