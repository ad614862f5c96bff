using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using XInstruct.Activities.Reports;
using XInstruct.Domain.Provenance;

namespace XInstruct.Cli.Display;

/// <summary>A job, a chain or a training: one JSON object, or a short page.</summary>
internal static class WorkSummary
{
    public static void Write(WorkReport report, bool json)
    {
        var moment = report.Progress as WorkMoment;
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(report with { Progress = moment?.Event }, EventJson.Options));
            return;
        }

        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn().PadRight(0));
        AnsiConsole.WriteLine();
        AnsiConsole.MarkupLineInterpolated($"[bold]{report.Name}[/] {report.Kind} ({report.Does}) [{(report.Status == "completed" ? "green" : "yellow")}]{report.Status}[/] {(report.Status == "running" ? "for" : "in")} {report.Seconds.ToString("F1", CultureInfo.InvariantCulture)} s");
        foreach (var obstacle in report.Waits)
        {
            Row("waits", obstacle.Sentence);
            if (obstacle.Remedy is { } remedy) Row("", $"→ {remedy}");
        }

        if (moment is not null) Row("now", moment.Text);
        if (report.Stages is { Count: > 0 } stages) Row("done", string.Join(", ", stages));
        if (report.Checkpoint is { } checkpoint) Row("checkpoint", string.Create(CultureInfo.InvariantCulture, $"step {checkpoint.Step:N0}, {checkpoint.Tokens:N0} tokens, loss {checkpoint.Loss:F4}"));
        foreach (var c in report.Calls ?? [])
        {
            var unanswered = c.UsdUnanswered > 0 ? string.Create(CultureInfo.InvariantCulture, $", and ${c.UsdUnanswered:N4} counted for calls whose reply never came") : "";
            Row("calls", string.Create(CultureInfo.InvariantCulture, $"{c.Stage}: {c.Calls:N0}, tokens {c.TokensIn:N0} in, {c.TokensOut:N0} out, ${c.Usd:N4}{unanswered}"));
        }

        foreach (var steered in report.Steered ?? []) Row(steered.Command, $"by {steered.Who ?? "nobody named"}{(steered.Why is { } why ? $": {why}" : "")}");
        if (report.Result is { } result) Row("result", result);
        AnsiConsole.Write(grid);

        void Row(string name, string value) => grid.AddRow(new Text(name, new Style(Color.Grey)), new Text(TerminalText.Clean(value)));
    }
}
