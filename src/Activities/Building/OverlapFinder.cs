using XInstruct.Activities.Jobs;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Deduplication;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Building;

/// <summary>The evaluation sets of a recipe, indexed by their runs of words.</summary>
internal sealed class OverlapFinder
{
    private readonly DecontaminationOptions _options;
    private readonly NgramOverlap _index;
    private readonly List<(string Name, long Row)> _rows = [];
    private readonly List<EvaluationCount> _counts = [];

    private OverlapFinder(DecontaminationOptions options) => (_options, _index) = (options, new NgramOverlap(options.Ngram, options.Shortest));

    /// <summary>What each evaluation set comes to.</summary>
    public IReadOnlyList<EvaluationCount> Counts => _counts;

    /// <summary>Reads the evaluation sets of a job.</summary>
    public static async Task<OverlapFinder> OpenAsync(JobContext<BuildRecipe> job, CancellationToken ct)
    {
        var finder = new OverlapFinder(job.Recipe.Decontaminate!);
        foreach (var (i, table) in finder._options.Against.Index())
        {
            var (rows, unreadable, before) = (0L, 0L, finder._index.Unfindable);
            await foreach (var row in TableReader.ReadAsync(job.Input(FormattableString.Invariant($"decontaminate.against.{i}.path")), new TableReadOptions(job.Recipe.MaxRowBytes), ct))
            {
                if (row.Problem == TableRow.Truncated)
                    throw new JobException(FormattableString.Invariant($"The evaluation set {table.Name} is cut in row {row.Number + 1} (decontaminate.against.{i}.path): what stood behind it could not be found in what is trained on. Give the whole file."));
                rows++;
                var parts = table.Columns.Select(row.Find).OfType<string>().ToArray();
                if (parts.Length == 0)
                {
                    unreadable++;
                    continue;
                }

                finder._index.Add(parts);
                finder._rows.Add((table.Name, row.Number + 1));
            }

            if (unreadable == rows) throw new JobException($"No row of the evaluation set {table.Name} has any of the columns {string.Join(", ", table.Columns)} (decontaminate.against.{i}.columns).");
            finder._counts.Add(new EvaluationCount(table.Name, rows, unreadable, finder._index.Unfindable - before));
        }

        return finder;
    }

    /// <summary>Rows of evaluation sets that are, as far as the recipe asks, in a row.</summary>
    public IEnumerable<BuildOverlap> Find(int item, BuildRow row) => _index.Find([row.Input, row.Output])
        .Where(hit => hit.Shared >= _options.Share * hit.Of)
        .Select(hit => new BuildOverlap(item, _rows[hit.Item].Name, _rows[hit.Item].Row, hit.Shared, hit.Of));
}
