using System.Runtime.CompilerServices;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Statistics;

namespace XInstruct.Activities.Tuning;

/// <summary>A row with the name that messages have for its file.</summary>
internal readonly record struct SourceRow(TableRow Row, string Source);

/// <summary>The rows of a training's files, and which of them are held out.</summary>
internal static class TrainingRows
{
    private static readonly TableReadOptions Options = new(100_000_000);

    /// <summary>Rows to train on and rows held out: a function of the files, the share and the seed.</summary>
    /// <exception cref="TrainingDataException">There is none, or a file is damaged.</exception>
    public static async Task<(List<SourceRow> Trained, List<SourceRow> HeldOut)> ReadAsync(TrainingDocument document, FileStore files, CancellationToken ct)
    {
        var all = new List<SourceRow>();
        foreach (var (input, name) in document.Under("data").Select((input, i) => (input, $"data.files[{i}]")).Concat(ReleaseFiles(document)))
            await foreach (var row in RowsAsync(files.Blob(input.Sha256), name, ct)) all.Add(row);
        var heldOut = new List<SourceRow>();
        foreach (var (input, i) in document.Under("evaluation").Select((input, i) => (input, i)))
            await foreach (var row in RowsAsync(files.Blob(input.Sha256), $"evaluation.files[{i}]", ct)) heldOut.Add(row);
        var count = (int)Math.Round(all.Count * document.Recipe.Evaluation.Share);
        var order = Enumerable.Range(0, all.Count).ToArray();
        new DeterministicRandom($"evaluation/{document.Recipe.Seed}").Shuffle<int>(order);
        var chosen = order[..count].ToHashSet();
        heldOut.AddRange(all.Where((_, i) => chosen.Contains(i)));
        var trained = all.Where((_, i) => !chosen.Contains(i)).ToList();
        return trained.Count > 0 ? (trained, heldOut) : throw new TrainingDataException("The data has no row to train on.");
    }

    private static IEnumerable<(InputContent Input, string Name)> ReleaseFiles(TrainingDocument document) =>
        document.Under("release").Where(i => i.Role != TrainingDocument.Manifest).Select(i => (i, $"data.release, {i.Role["release/".Length..]}"));

    private static async IAsyncEnumerable<SourceRow> RowsAsync(string path, string name, [EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var row in TableReader.ReadAsync(path, Options, ct))
        {
            if (row.Problem is "truncated" or "trailing-data") throw new TrainingDataException($"{name} is damaged after row {row.Number}: {row.Problem}.");
            yield return new SourceRow(row, name);
        }
    }
}
