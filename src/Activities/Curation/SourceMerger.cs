using System.Globalization;
using System.Runtime.CompilerServices;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Curation;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Curation;

/// <summary>Reads a source: a <see cref="MergedRow"/> or a <see cref="RejectedRow"/> for each of its rows, in their order.</summary>
internal static class SourceMerger
{
    /// <summary>Reasons for which a row is rejected, beside those of <see cref="TableRow.Problem"/>.</summary>
    public const string NoInstruction = "no-instruction", NoOutput = "no-output", EmptyInstruction = "empty-instruction", EmptyOutput = "empty-output",
        BadPerplexity = "bad-perplexity", OneToken = "one-token";

    /// <summary>The rows of a source.</summary>
    public static async IAsyncEnumerable<object> ReadAsync(CurationRecipe recipe, CurationSource source, string path, [EnumeratorCancellation] CancellationToken ct)
    {
        var columns = source.Columns();
        await foreach (var row in TableReader.ReadAsync(path, new TableReadOptions(recipe.MaxRowBytes), ct))
        {
            yield return Merge(row, source.Group, columns, recipe.Perplexity.Column);
        }
    }

    private static object Merge(TableRow row, string group, (string Instruction, string? Input, string Output) columns, string? perplexity)
    {
        if (row.Problem is { } problem) return Rejected(problem);
        if (row.Find(columns.Instruction) is not { } instruction) return Rejected(NoInstruction);
        if (row.Find(columns.Output) is not { } output) return Rejected(NoOutput);
        if (CurationRow.Merge(instruction, columns.Input is null ? null : row.Find(columns.Input), output, group) is not { } merged)
            return Rejected(string.IsNullOrWhiteSpace(output) ? EmptyOutput : EmptyInstruction);
        if (perplexity is null) return new MergedRow(merged.Instruction, merged.Output, group, merged.Length);
        return double.TryParse(row.Find(perplexity), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) && value > 0
            ? new MergedRow(merged.Instruction, merged.Output, group, merged.Length, Math.Round(value, 2))
            : Rejected(BadPerplexity);

        RejectedRow Rejected(string reason) => new(row.Number + 1, reason);
    }
}
