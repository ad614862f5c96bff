using System.Globalization;
using System.Text.Json;
using XInstruct.Activities.Pages;
using XInstruct.Domain.Metrics;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Rerating;

/// <summary>How far two evaluators agree.</summary>
/// <param name="Language">Language; null for all.</param>
/// <param name="Pairs">Pairs with both verdicts.</param>
/// <param name="Unread">Pairs whose second answer held no verdict; they count nowhere else.</param>
/// <param name="Exact">Share of the same level; null without a pair.</param>
/// <param name="Kappa">Cohen's κ with quadratic weights; null where chance alone would agree.</param>
/// <param name="Confusion">Pairs by the first level (rows) and the second.</param>
public sealed record AgreementLine(string? Language, int Pairs, int Unread, double? Exact, double? Kappa, IReadOnlyList<IReadOnlyList<int>> Confusion);

/// <summary>What a second rating came to.</summary>
/// <param name="Run">The run.</param>
/// <param name="Judge">Name of the second evaluator.</param>
/// <param name="Agreement">In all, then by language where there are several.</param>
/// <param name="Unread">Answers without a verdict, by reason.</param>
public sealed record RerateResult(string Run, string Judge, IReadOnlyList<AgreementLine> Agreement, IReadOnlyDictionary<string, int> Unread)
{
    /// <summary>Levels of a verdict.</summary>
    public const int Levels = 3;

    /// <summary>Compares verdicts.</summary>
    public static RerateResult Of(RerateRecipe recipe, IReadOnlyList<RatedTwice> rows)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var languages = rows.GroupBy(r => r.Language, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).ToList();
        return new RerateResult(
            recipe.Run,
            recipe.Judge.Name,
            [Line(null, rows), .. languages.Count > 1 ? languages.Select(g => Line(g.Key, [.. g])) : []],
            new SortedDictionary<string, int>(rows.Where(r => r.Reason is not null).CountBy(r => r.Reason!).ToDictionary(), StringComparer.Ordinal));
    }

    private static AgreementLine Line(string? language, IReadOnlyList<RatedTwice> rows)
    {
        var read = rows.Where(r => r.Second is not null).ToList();
        if (read.Count == 0) return new AgreementLine(language, 0, rows.Count, null, null, []);
        var counts = new Classification([.. read.Select(r => r.First)], [.. read.Select(r => r.Second!.Value)], Levels);
        return new AgreementLine(language, read.Count, rows.Count - read.Count, counts.Accuracy, double.IsFinite(counts.QuadraticKappa) ? counts.QuadraticKappa : null, counts.Confusion);
    }
}

/// <summary>Writes what a second rating came to.</summary>
internal static class RerateReport
{
    public const string FileName = "results.json";

    public static async Task WriteAsync(RerateRecipe recipe, RerateResult result, IReadOnlyList<RatedTwice> rows, string job, string folder, CancellationToken ct)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, FileName), JsonSerializer.Serialize(result, EventJson.Indented), ct);
        await File.WriteAllTextAsync(Path.Combine(folder, "ratings.jsonl"), string.Concat(rows.Select(r => JsonSerializer.Serialize(r, EventJson.Options) + "\n")), ct);
        var page = Page(recipe, result, job);
        await File.WriteAllTextAsync(Path.Combine(folder, "report.md"), MarkdownPage.Render(page), ct);
        await File.WriteAllTextAsync(Path.Combine(folder, "report.html"), HtmlPage.Render(page), ct);
    }

    /// <summary>The agreement in lines of text.</summary>
    public static IEnumerable<string> Sentences(RerateResult result)
    {
        foreach (var line in result.Agreement)
        {
            yield return $"{line.Language ?? "all"}: {N(line.Pairs)} pairs with both verdicts{(line.Unread > 0 ? $", {N(line.Unread)} without a second one" : "")}"
                + (line.Exact is null ? "" : $"; the same level in {Percent(line.Exact)}, κ with quadratic weights {F(line.Kappa)}");
        }

        if (result.Agreement[0].Confusion is not { Count: > 0 } confusion) yield break;
        yield return $"first \\ {result.Judge}  {string.Join("  ", Enumerable.Range(0, RerateResult.Levels).Select(l => $"level {l}".PadLeft(8)))}";
        for (var level = 0; level < confusion.Count; level++)
            yield return $"{$"level {level}".PadRight(10 + result.Judge.Length)}{string.Join("  ", confusion[level].Select(n => N(n).PadLeft(8)))}";
    }

    private static PageContent Page(RerateRecipe recipe, RerateResult result, string job)
    {
        var all = result.Agreement[0];
        return new PageContent(
            "second rating",
            recipe.Name,
            [("job", job), ("run", result.Run), ("judge", result.Judge)],
            [("pairs", N(all.Pairs)), ("without a verdict", N(all.Unread)), ("same level", Percent(all.Exact)), ("κ, quadratic", F(all.Kappa))],
            [
                new PageSection("agreement", "Agreement", "The run's own evaluator and the second one, by level: 0 worst, 2 best. Cohen's κ with quadratic weights: 1 is full agreement, 0 what chance gives. The first verdict stays what the run selected by.")
                {
                    Tables = [new(["language", "#pairs", "#without a verdict", "#same level", "#κ, quadratic"], [.. result.Agreement.Select(a => (IReadOnlyList<string>)[a.Language ?? "all", N(a.Pairs), N(a.Unread), Percent(a.Exact), F(a.Kappa)])])],
                },
                new PageSection("confusion", "Where they differ", "Pairs by the first level and the second. ratings.jsonl has each pair; 'xinstruct audit show' its history with both verdicts.")
                {
                    Tables = [new(["language", "first", "#second 0", "#second 1", "#second 2"], [.. result.Agreement.SelectMany(a => a.Confusion.Select((row, level) => (IReadOnlyList<string>)[a.Language ?? "all", N(level), .. row.Select(n => N(n))]))])],
                },
                .. result.Unread.Count == 0 ? Array.Empty<PageSection>() : [new PageSection("unread", "Answers without a verdict", "By reason.") { Tables = [new(["reason", "#pairs"], [.. result.Unread.Select(u => (IReadOnlyList<string>)[u.Key, N(u.Value)])])] }],
            ]);
    }

    private static string N(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string F(double? number) => number?.ToString("0.000", CultureInfo.InvariantCulture) ?? "undefined";

    private static string Percent(double? share) => share is { } s ? (100 * s).ToString("0.0", CultureInfo.InvariantCulture) + "%" : "undefined";
}
