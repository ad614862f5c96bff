using System.Text.Json.Serialization;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Tasks;

namespace XInstruct.Activities.Tasks;

/// <summary>Something wrong with a row of a file of prompts.</summary>
/// <param name="Row">Number of the row, from 1, the header not counted.</param>
/// <param name="Trap">What.</param>
/// <param name="IsError">Whether it spoils a training or an evaluation; otherwise it is worth a look.</param>
/// <param name="Dataset">Data set of the row.</param>
/// <param name="Detail">The text that shows it.</param>
public sealed record DataFinding(long Row, string Trap, bool IsError, string? Dataset, string Detail);

/// <summary>What a file comes to.</summary>
/// <param name="File">Its path.</param>
/// <param name="Rows">Rows.</param>
/// <param name="WithChoices">Rows that have choices.</param>
/// <param name="Findings">What is wrong, by row.</param>
public sealed record DataFileReport(string File, long Rows, long WithChoices, IReadOnlyList<DataFinding> Findings)
{
    /// <summary>Whether there is an error.</summary>
    [JsonIgnore]
    public bool HasErrors => Findings.Any(finding => finding.IsError);
}

/// <summary>Looks through files of prompts in KORANI's layout for what would spoil a training or an evaluation.</summary>
public static class DataCheck
{
    private static readonly string[] Columns = ["input", "output", "choices", "dataset_name", "id"];

    /// <summary>Checks a file, or all tables below a folder.</summary>
    /// <param name="path">File or folder.</param>
    /// <param name="maxRowBytes">Bytes of the longest row.</param>
    /// <param name="ct">Cancellation.</param>
    /// <exception cref="FileNotFoundException">There is nothing at the path.</exception>
    public static async Task<IReadOnlyList<DataFileReport>> RunAsync(string path, int maxRowBytes, CancellationToken ct)
    {
        string[] files = File.Exists(path) ? [path]
            : Directory.Exists(path) ? [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(TaskFiles.IsTable).Order(StringComparer.Ordinal)]
            : throw new FileNotFoundException($"There is no file or folder {path}.");
        if (files.Length == 0) throw new FileNotFoundException($"{path} has no table: {string.Join(", ", TaskFiles.Endings)}.");
        // What a data set has in one file it should have in the others.
        var classified = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            await foreach (var row in TableReader.ReadAsync(file, new TableReadOptions(maxRowBytes), ct))
            {
                if (!string.IsNullOrWhiteSpace(row.Find("choices")) && row.Find("dataset_name") is { } dataset) classified.Add(dataset);
            }
        }

        var reports = new List<DataFileReport>(files.Length);
        foreach (var file in files) reports.Add(await CheckAsync(file, classified, maxRowBytes, ct));
        return reports;
    }

    private static async Task<DataFileReport> CheckAsync(string file, HashSet<string> classified, int maxRowBytes, CancellationToken ct)
    {
        var (rows, findings, total) = (new List<TaskRow>(), new List<DataFinding>(), 0L);
        await foreach (var row in TableReader.ReadAsync(file, new TableReadOptions(maxRowBytes), ct))
        {
            total++;
            var (number, dataset) = (row.Number + 1, row.Find("dataset_name"));
            if (row.Columns is null)
            {
                findings.Add(new DataFinding(number, "unreadable", true, null, row.Problem!));
                continue;
            }

            // JSON rows may leave out what is empty; a column of a task's own is no row of prompts.
            if (Columns.Where(column => column is not ("choices" or "id")).Where(column => row.Find(column) is null).ToList() is { Count: > 0 } missing)
                findings.Add(new DataFinding(number, "columnMissing", true, dataset, string.Join(", ", missing)));
            else rows.Add(new TaskRow(number, row.Find("input")!, row.Find("output")!, TaskRow.ChoicesOf(row.Find("choices") ?? ""), dataset!, row.Find("id") ?? number.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        }

        var datasets = rows.ToDictionary(row => row.Number, row => row.Dataset);
        findings.AddRange(TaskRows.Check(rows, classified).Select(problem => new DataFinding(
            problem.Row,
            System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(problem.Trap.ToString()),
            problem.Trap is not (TaskTrap.FractionalId or TaskTrap.RepeatedId or TaskTrap.TemplateLeft),
            datasets[problem.Row],
            problem.Detail)));
        return new DataFileReport(file, total, rows.Count(row => row.Choices.Count > 0), [.. findings.OrderBy(finding => finding.Row)]);
    }
}
