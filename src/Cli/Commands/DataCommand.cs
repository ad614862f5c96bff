using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using XInstruct.Activities.Tasks;
using XInstruct.Cli.Display;
using XInstruct.Domain.Provenance;

namespace XInstruct.Cli.Commands;

/// <summary><c>data check</c>: looks through files of prompts for what would spoil a training or an evaluation.</summary>
internal static class DataCommand
{
    public static Command Create() => new("data", "Looks after data sets of prompts.") { Check() };

    private static Command Check()
    {
        var path = new Argument<string>("path") { Description = "File (CSV, JSONL, JSON, Parquet) with columns input, output, choices, dataset_name, id, or a folder of such files." };
        var show = new Option<int>("--show") { Description = "Findings of a kind that are shown with their rows; 0: all. With --json all are.", DefaultValueFactory = _ => 5 };
        var bytes = new Option<int>("--max-row-bytes") { Description = "Bytes of the longest row.", DefaultValueFactory = _ => 4_000_000 };
        var command = new Command("check", "Finds answers that are none of the choices, missing and repeated choices, empty rows, ids that a spreadsheet changed or that repeat, and what is left of templates. Exit code 2 when there are errors.")
        {
            path, show, bytes,
        };
        command.SetAction(async (result, ct) =>
        {
            var reports = await DataCheck.RunAsync(result.GetValue(path)!, result.GetValue(bytes), ct);
            if (result.GetValue(CommonOptions.Json)) Console.WriteLine(JsonSerializer.Serialize(new { Errors = reports.Sum(r => r.Findings.Count(f => f.IsError)), Files = reports }, EventJson.Options));
            else Print(reports, result.GetValue(show) is var most and > 0 ? most : int.MaxValue);
            return reports.Any(report => report.HasErrors) ? ExitCodes.BadInput : ExitCodes.Ok;
        });
        return command.WithExamples("xinstruct data check train.csv", "xinstruct data check korani --show 0", "xinstruct data check korani --json | jq '.files[].findings[] | select(.isError)'");
    }

    private static void Print(IReadOnlyList<DataFileReport> reports, int most)
    {
        foreach (var report in reports)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{TerminalText.Clean(report.File)}: {report.Rows} rows, {report.WithChoices} with choices{(report.Findings.Count == 0 ? ": good" : "")}"));
            if (report.Findings.Count == 0) continue;
            var table = new Table().AddColumns("", "what", "rows", "row", "data set", "shown by");
            foreach (var kind in report.Findings.GroupBy(finding => finding.Trap, StringComparer.Ordinal).OrderByDescending(kind => kind.First().IsError).ThenBy(kind => kind.Key, StringComparer.Ordinal))
            {
                foreach (var (i, finding) in kind.Take(most).Index())
                {
                    table.AddRow(
                        i > 0 ? "" : finding.IsError ? "error" : "warning",
                        i > 0 ? "" : finding.Trap,
                        i > 0 ? "" : kind.Count().ToString(CultureInfo.InvariantCulture),
                        finding.Row.ToString(CultureInfo.InvariantCulture),
                        Shown(finding.Dataset ?? ""),
                        Shown(finding.Detail));
                }
            }

            AnsiConsole.Write(table);
        }
    }

    private static string Shown(string text)
    {
        var clean = TerminalText.Clean(text);
        return Markup.Escape(clean.Length > 60 ? $"{clean[..60]}…" : clean);
    }
}
