using XInstruct.Activities.Jobs;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Tables;

namespace XInstruct.Activities.Building;

/// <summary>Looks at the first rows of a table before anything starts: what is no table, or has other columns, would leave out every row, or could never be read.</summary>
internal static class TableLook
{
    private const int RowsLookedAt = 50;

    /// <summary>Adds what is wrong.</summary>
    /// <param name="path">The table.</param>
    /// <param name="columns">Columns that it must have.</param>
    /// <param name="key">Key of the recipe that names it.</param>
    /// <param name="maxRowBytes">Bytes of the longest row.</param>
    /// <param name="check">What is wrong is added here.</param>
    /// <param name="ct">Cancellation.</param>
    public static async Task LookAsync(string path, IEnumerable<string> columns, string key, int maxRowBytes, RecipeCheck check, CancellationToken ct)
    {
        if (check.Has(key)) return;
        List<TableRow> rows;
        try
        {
            rows = await TableReader.ReadAsync(path, new TableReadOptions(maxRowBytes), ct).Take(RowsLookedAt).ToListAsync(ct);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            check.Add(key, $"{path}: {e.Message}");
            return;
        }

        var readable = rows.Where(row => row.Columns is not null).ToList();
        if (readable.Count == 0)
        {
            check.Add(key, rows.Count == 0 ? $"{path} has no row." : $"The first rows of {path} cannot be read as JSONL, JSON array, CSV or Parquet: {rows[0].Problem}.");
            return;
        }

        var names = readable.SelectMany(row => row.Columns!.Keys).Distinct(StringComparer.Ordinal).ToList();
        if (columns.FirstOrDefault(column => !readable.Exists(row => row.Find(column) is not null)) is { } missing)
            check.Add(key, $"The first rows of {path} have no column '{missing}'.{(names.Count == 0 ? "" : $" Did you mean '{RecipeKey.Nearest(missing, names)}'?")} There are: {string.Join(", ", names.Take(20))}.");
    }
}
