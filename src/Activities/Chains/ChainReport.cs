using System.Globalization;
using System.Text.Json;
using XInstruct.Activities.Pages;
using XInstruct.Domain.Models;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using static XInstruct.Activities.Pages.PageText;

namespace XInstruct.Activities.Chains;

/// <summary>A file of new data.</summary>
internal sealed record AddedFile(string Sha256, long Rows);

/// <summary>Answers what a chain asks: did the new data help, in which languages, how sure are we?</summary>
internal sealed class ChainReport(ChainDocument document, string chain, ReleaseSealed release, IReadOnlyList<AddedFile> added, Model without, Model with, string evaluation)
{
    /// <summary>Writes chain.json, report.md and report.html.</summary>
    public async Task WriteAsync(string folder, CancellationToken ct)
    {
        using var results = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(evaluation, "results.json"), ct));
        var differences = results.RootElement.GetProperty("means").EnumerateArray().Where(mean => Text(mean, "model") == "with" && Text(mean, "split") == "all").ToList();
        var overall = differences.Where(mean => Text(mean, "scope") == "overall").Select(Difference).FirstOrDefault();
        var languages = differences.Where(mean => Text(mean, "scope") == "language").Select(Difference).ToList();
        var comparisons = results.RootElement.GetProperty("comparisons").EnumerateArray().ToList();
        var answer = new Answer(chain, overall?.Verdict ?? Unknown, overall, languages, release.Sha256, added.Sum(file => file.Rows), without.Trained!, with.Trained!);
        await File.WriteAllTextAsync(Path.Combine(folder, "chain.json"), JsonSerializer.Serialize(answer, EventJson.Indented) + "\n", ct);
        var page = Page(answer, comparisons);
        await File.WriteAllTextAsync(Path.Combine(folder, "report.md"), MarkdownPage.Render(page), ct);
        await File.WriteAllTextAsync(Path.Combine(folder, "report.html"), HtmlPage.Render(page), ct);
    }

    private const string Unknown = "not measured";

    private PageContent Page(Answer answer, List<JsonElement> comparisons) => new(
        "chain",
        document.Name,
        [("chain", chain), ("run", document.Run.Run), ("trainings", $"{without.Name}, {with.Name}")],
        [
            ("did it help?", answer.Verdict), ("difference, points", answer.Overall is { } o ? Signed(o.Value) : ""), ("95% interval", answer.Overall is { } i ? $"{Signed(i.Low)} to {Signed(i.High)}" : ""),
            ("languages helped", $"{answer.Languages.Count(l => l.Verdict == "yes")} of {answer.Languages.Count}"), ("new rows", Count(answer.NewRows)),
        ],
        [
            new("languages", "In which languages", "Mean of the tasks' first measures with the new data minus that without it, in points of 100, with a 95% interval of paired resamples. Where the interval holds zero, these items cannot tell.")
            {
                Charts = [("languages", "What the new data brought in each language")],
                Tables = [new(["language", "#difference", "#low", "#high", "#items", "did it help?"], [.. answer.Languages.Select(l => (IReadOnlyList<string>)[l.Language ?? "", Signed(l.Value), Signed(l.Low), Signed(l.High), Count(l.Items), l.Verdict])])],
            },
            new("tasks", "In which tasks", "Each measure of each task; p is two-sided and, for first measures, also adjusted for their number (Holm). evaluation/report.html has the scores themselves.")
            {
                Tables =
                [
                    new(["task", "language", "measure", "#difference", "#low", "#high", "#p", "#p, Holm", "#items"], [.. comparisons.Select(c => (IReadOnlyList<string>)
                    [
                        Text(c, "task") ?? "", Text(c, "language") ?? "", Text(c, "measure") ?? "", Signed(Number(c, "difference")), Signed(Number(c, "low")), Signed(Number(c, "high")),
                        F(Number(c, "p")), F(Number(c, "pHolm")), Count((long)(Number(c, "items") ?? 0)),
                    ])]),
                ],
            },
            new("models", "The two models", "Both are trained by the same recipe from the same weights; the one with the new data has read it besides, and so more tokens.")
            {
                Tables = [new(["model", "training", "#steps", "#tokens", "#loss", "hash"], [.. new[] { (Name: "without", Model: without), (Name: "with", Model: with) }.Select(m => (IReadOnlyList<string>)
                    [m.Name, m.Model.Name, Count(m.Model.Trained!.Steps), Count(m.Model.Trained.Tokens), F(m.Model.Trained.Loss), m.Model.Trained.Model])])],
            },
            new("new-data", "The new data", $"Of release {release.Number} of run {document.Run.Run}{(document.Curate is null ? ", all of it" : ", what the curation chose")}.")
            {
                Tables = [new(["what", "#rows", "hash"], [["release", Count(release.Files.Sum(f => f.Rows)), release.Sha256], .. added.Select(f => (IReadOnlyList<string>)["new data", Count(f.Rows), f.Sha256])])],
                Listings = [("To verify it", $"xinstruct audit verify {document.Run.Run}\nxinstruct audit verify {without.Name}\nxinstruct audit verify {with.Name}\nxinstruct audit verify {chain}")],
            },
        ])
    {
        Script = "chain.js",
        Data = new { Languages = answer.Languages.Select(l => new { l.Language, Difference = l.Value, DifferenceLow = l.Low, DifferenceHigh = l.High }) },
    };

    private static Gain Difference(JsonElement mean)
    {
        var (value, low, high) = (Number(mean, "difference"), Number(mean, "differenceLow"), Number(mean, "differenceHigh"));
        var verdict = value is null || low is null || high is null ? Unknown : low > 0 ? "yes" : high < 0 ? "no, it hurt" : "cannot tell";
        return new Gain(Text(mean, "language"), value, low, high, (long)(Number(mean, "items") ?? 0), verdict);
    }

    private static string? Text(JsonElement line, string name) => line.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static double? Number(JsonElement line, string name) => line.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private static string F(double? number) => number?.ToString("0.0000", CultureInfo.InvariantCulture) ?? "";

    private static string Signed(double? number) => number?.ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture) ?? "";

    /// <summary>What the new data brought.</summary>
    /// <param name="Language">Null for all.</param>
    /// <param name="Value">Points of 100 that the model with the new data has more.</param>
    /// <param name="Low">Lower end of the 95% interval.</param>
    /// <param name="High">Upper end.</param>
    /// <param name="Items">Items that both were asked.</param>
    /// <param name="Verdict">yes, cannot tell, no.</param>
    private sealed record Gain(string? Language, double? Value, double? Low, double? High, long Items, string Verdict);

    private sealed record Answer(string Chain, string Verdict, Gain? Overall, IReadOnlyList<Gain> Languages, string Release, long NewRows, ModelTrained Without, ModelTrained With);
}
