namespace XInstruct.Activities.Tasks;

/// <summary>Files of rows in a folder.</summary>
internal static class TaskFiles
{
    /// <summary>Endings of tables.</summary>
    public static IReadOnlyList<string> Endings { get; } = [".csv", ".jsonl", ".json", ".parquet", ".tsv", ".gz"];

    /// <summary>Whether a file's name is that of a table.</summary>
    public static bool IsTable(string file) => Endings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase);
}
