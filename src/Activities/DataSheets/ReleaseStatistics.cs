using XInstruct.Activities.Releases;
using XInstruct.Domain.Statistics;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.DataSheets;

/// <summary>Statistics of a language's released rows.</summary>
internal static class ReleaseStatistics
{
    /// <summary>Reads all rows once.</summary>
    /// <param name="language">Their language.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="visit">Called with each, for whatever else is to be gathered on the way.</param>
    public static async Task<LanguageStatistics> OfAsync(string language, IAsyncEnumerable<ReleaseRow> rows, Action<ReleaseRow>? visit = null)
    {
        var (instructions, outputs, scores) = (new List<double>(), new List<double>(), 0.0);
        var (distinct, clusters) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<int>());
        await foreach (var row in rows)
        {
            instructions.Add(TextNormalizer.CodePoints(row.Instruction));
            outputs.Add(TextNormalizer.CodePoints(row.Output));
            scores += row.Score;
            distinct.Add(row.Instruction);
            clusters.Add(row.Cluster);
            visit?.Invoke(row);
        }

        return new LanguageStatistics(language, outputs.Count, distinct.Count, Summary.Of(instructions), Summary.Of(outputs), scores / outputs.Count, clusters.Count);
    }
}
