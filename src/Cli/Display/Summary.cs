using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using XInstruct.Activities.DataSheets;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Reports;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;

namespace XInstruct.Cli.Display;

/// <summary>The end of a run: one JSON object, or a short page.</summary>
internal static class Summary
{
    public static void Write(RunReport report, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(report, EventJson.Options));
            return;
        }

        var s = report.Samples;
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn().PadRight(0));
        AnsiConsole.WriteLine();
        AnsiConsole.MarkupLineInterpolated($"[bold]{report.Run}[/] [{(report.Status == "completed" ? "green" : "yellow")}]{report.Status}[/] {(report.Status == "running" ? "for" : "in")} {Duration(report.Seconds)}");
        foreach (var obstacle in report.Waits)
        {
            Row("waits", $"{obstacle.Sentence}");
            if (obstacle.Remedy is { } remedy) Row("", $"→ {remedy}");
        }

        Row("texts", $"{s.Texts:N0} accepted, {s.Rejected:N0} rejected; {s.Kept:N0} pairs kept, {s.Selected:N0} selected");
        if (report.Rejections is { Count: > 0 } reasons) Row("rejected", $"{string.Join(", ", reasons.Select(r => $"{r.Key} {r.Value.ToString("N0", CultureInfo.InvariantCulture)}"))}");
        // What is under way says it above, with the time.
        foreach (var pause in report.Waits.Any(o => o.Kind == "paused") ? [] : report.Paused ?? []) Row("paused", $"{pause.Part()}, by {TerminalText.Clean(pause.Who ?? "nobody named")}{(pause.Why is { } why ? $": {TerminalText.Clean(why)}" : "")}");
        Row("tokens", $"{report.Ledger.TokensIn:N0} in, {report.Ledger.TokensOut:N0} out, ${report.Ledger.Usd:N2}");
        foreach (var c in report.Ledger.Calls ?? [])
        {
            var unanswered = c.UsdUnanswered > 0 ? string.Create(CultureInfo.InvariantCulture, $", and ${c.UsdUnanswered:N4} counted for calls whose reply never came") : "";
            Row("calls", $"{c.Stage} {c.Language}: {c.Calls:N0}, tokens {c.TokensIn:N0} in, {c.TokensOut:N0} out, ${c.Usd:N4}{unanswered}");
        }

        foreach (var (language, check) in report.LanguageCheck ?? new Dictionary<string, string>())
        {
            if (check != "profile") Row(language, $"no language profile, texts were checked by script only");
        }

        if (report.Release is { } release)
        {
            Row("release", $"{release.Path}");
            Row("sha256", $"{release.Sha256}");
            Row("sheet", $"{Path.Combine(release.Path, DataSheetWriter.Names[1])}");
        }

        if (report.Model is { } model) Row("model", $"{model.Path}");
        Row("packages", $"{string.Join("; ", report.Packages.GroupBy(p => p.Value, p => p.Key).Select(g => $"{g.Key}: {string.Join(", ", g)}"))}");
        AnsiConsole.Write(grid);
        if (report.Iterations.Count > 0) AnsiConsole.Write(Iterations(report));
        if (report.Screening is { Count: > 0 } screening) AnsiConsole.Write(Screening(screening));
        if (report.Evaluation is { } evaluation) AnsiConsole.Write(Evaluation(evaluation));

        void Row(string name, FormattableString value) => grid.AddRow(new Text(name, new Style(Color.Grey)), new Text(TerminalText.Clean(value.ToString(CultureInfo.InvariantCulture))));
    }

    /// <summary>What calls to endpoints will probably cost.</summary>
    public static void Write(IReadOnlyList<CallEstimate> estimate, bool json)
    {
        var sum = new CallEstimate(
            "all",
            "all",
            estimate.Where(e => e.Stage == "generate").Sum(e => e.Texts),
            estimate.Sum(e => e.Requests),
            estimate.Sum(e => e.TokensIn),
            estimate.Sum(e => e.TokensOut),
            estimate.Sum(e => e.Usd),
            estimate.Sum(e => e.UsdAtMost));
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { sum.Texts, sum.Requests, sum.TokensIn, sum.TokensOut, sum.Usd, sum.UsdAtMost, Stages = estimate }, EventJson.Options));
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns("stage", "language", "texts", "requests", "tokens in", "tokens out", "about", "at most");
        foreach (var e in estimate.Append(sum))
        {
            table.AddRow(new[] { e.Stage, e.Language }.Concat(new[] { e.Texts, e.Requests, e.TokensIn, e.TokensOut }.Select(n => n.ToString("N0", CultureInfo.InvariantCulture)))
                .Concat(new[] { e.Usd, e.UsdAtMost }.Select(d => "$" + d.ToString("N2", CultureInfo.InvariantCulture))).ToArray());
        }

        AnsiConsole.Write(table);
        AnsiConsole.WriteLine(sum.Requests == 0 ? "All models are local: nothing is paid." : "Before near-duplicates and texts in other languages are taken out; calls that are made again are not counted. Nothing was started.");
    }

    private static Table Iterations(RunReport report)
    {
        // Without a truth to compare with there is nothing to say of either.
        var hasTruth = report.Baselines is not null || report.Iterations.Any(i => i.Precision is not null || i.Accuracy is not null);
        var table = new Table().Border(TableBorder.Rounded).AddColumns([.. Cells("iteration", "language", "rated", "kept", "precision", "accuracy")]);
        foreach (var iteration in report.Iterations)
        {
            Row($"{iteration.Iteration}", "all", $"{iteration.Rated}", $"{iteration.Kept}", Share(iteration.Precision), Share(iteration.Accuracy));
            foreach (var l in iteration.Languages) Row("", l.Language, $"{l.Rated}", $"{l.Kept}", Share(l.Precision), Share(l.Accuracy));
        }

        if (report.Baselines is not { } baselines) return table;
        Baseline("chance", baselines.Chance, l => l.Chance);
        Baseline("naive Bayes", baselines.NaiveBayes, l => l.NaiveBayes);
        return table;

        void Baseline(string name, double all, Func<LanguageBaseline, double> of)
        {
            Row(name, "all", "", "", "", Share(all));
            foreach (var l in baselines.Languages) Row("", l.Language, "", "", "", Share(of(l)));
        }

        void Row(params string[] cells) => table.AddRow([.. Cells(cells)]);

        IEnumerable<string> Cells(params string[] cells) => hasTruth ? cells : cells.SkipLast(2);
    }

    private static Table Screening(IReadOnlyList<ScreeningReport> screening)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("language", "spoilt", "found for the true reason", "clean", "falsely rejected");
        foreach (var s in screening) table.AddRow(s.Language, $"{s.Spoilt}", $"{s.Found}", $"{s.Clean}", $"{s.FalselyRejected}");
        return table;
    }

    private static Table Evaluation(EvaluationReport report)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("held-out seeds", "token loss", $"right instruction of {report.Candidates}", $"right response of {report.Candidates}");
        foreach (var l in report.Languages)
        {
            table.AddRow(l.Language, Change(l.LossBefore, l.LossAfter), Change(l.InstructionRankBefore, l.InstructionRankAfter), Change(l.ResponseRankBefore, l.ResponseRankAfter));
        }

        return table;
    }

    private static string Duration(double seconds) => seconds < 100
        ? string.Create(CultureInfo.InvariantCulture, $"{seconds:F1} s")
        : string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(seconds / 60):F0} min {seconds % 60:F0} s");

    private static string Change(Estimate before, Estimate after) => string.Create(
        CultureInfo.InvariantCulture, $"{before.Mean:F2} → {after.Mean:F2} ({after.Low:F2}–{after.High:F2})");

    private static string Share(double? value) => value?.ToString("F3", CultureInfo.InvariantCulture) ?? "";
}
