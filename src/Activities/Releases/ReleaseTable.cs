using System.Text;
using System.Text.Json;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;

namespace XInstruct.Activities.Releases;

/// <summary>The bytes of a release: what samples and the log determine, and nothing else.</summary>
public static class ReleaseTable
{
    /// <summary>Samples whose texts are read at once.</summary>
    private const int BatchSize = 1000;

    /// <summary>Writes <c>&lt;language&gt;.jsonl</c>.</summary>
    /// <param name="folder">Folder of the release.</param>
    /// <param name="language">Language code.</param>
    /// <param name="batches">States of the language's samples, by sample id; those without a cluster are left out.</param>
    /// <param name="contents">Texts.</param>
    /// <param name="lost">Takes the samples whose texts are withdrawn or missing; null to fail then.</param>
    /// <param name="ct">Cancellation.</param>
    /// <exception cref="TamperedException">A text is missing, or not what its hash says.</exception>
    public static async Task<ReleaseFile> WriteAsync(
        string folder, string language, IAsyncEnumerable<IReadOnlyList<Sample>> batches, Contents contents, ICollection<Guid>? lost, CancellationToken ct)
    {
        var path = Path.Combine(folder, language + ".jsonl");
        var rows = 0;
        await using (var output = new StreamWriter(path, append: false, new UTF8Encoding(false)) { NewLine = "\n" })
        {
            await foreach (var batch in batches.WithCancellation(ct))
            {
                var selected = batch.Where(s => s.Cluster is not null).ToList();
                var texts = await contents.ReadAsync([.. selected.SelectMany(s => new[] { s.Text, s.Instruction! })], ct);
                foreach (var sample in selected)
                {
                    if (Row(sample, texts) is { } row)
                    {
                        await output.WriteLineAsync(JsonSerializer.Serialize(row, EventJson.Options).AsMemory(), ct);
                        rows++;
                    }
                    else if (lost is not null)
                    {
                        lost.Add(sample.SampleId);
                    }
                    else
                    {
                        throw new TamperedException($"A text of sample {sample.SampleId} is not in {StoreConfiguration.Schema}.xi_contents, or its source is withdrawn. 'xinstruct audit verify' says which.");
                    }
                }
            }
        }

        var file = await FileStore.EntryAsync(path, language + ".jsonl", ct);
        return new ReleaseFile(file.Name, file.Bytes, file.Sha256, rows);
    }

    /// <summary>Writes manifest.json and record.json. The result is what the seal says.</summary>
    public static async Task<ReleaseSealed> DescribeAsync(
        string folder, string run, string name, int number, string recipe, Roots roots, IReadOnlyList<ReleaseFile> table, CancellationToken ct)
    {
        var manifest = new Manifest(1, name, number, recipe, roots.Content, table);
        var json = JsonSerializer.SerializeToUtf8Bytes(manifest, EventJson.Indented);
        await File.WriteAllBytesAsync(Path.Combine(folder, "manifest.json"), json, ct);
        var record = new ReleaseRecord(run, roots.Record, roots.Events);
        await File.WriteAllBytesAsync(Path.Combine(folder, "record.json"), JsonSerializer.SerializeToUtf8Bytes(record, EventJson.Indented), ct);
        return new ReleaseSealed(number, ContentHash.Of(json), roots.Content, roots.Record, table);
    }

    /// <summary>The same states in batches.</summary>
    public static async IAsyncEnumerable<IReadOnlyList<Sample>> BatchAsync(IEnumerable<Sample> samples)
    {
        foreach (var batch in samples.Chunk(BatchSize)) yield return batch;
        await Task.CompletedTask;
    }

    private static ReleaseRow? Row(Sample sample, IReadOnlyDictionary<string, string> texts) =>
        !texts.TryGetValue(sample.Instruction!, out var instruction) || !texts.TryGetValue(sample.Text, out var text)
            ? null
            : new ReleaseRow(
                instruction,
                text,
                sample.Language,
                sample.SampleId,
                Math.Round(sample.BestProbability, 6),
                sample.Cluster!.Value,
                sample.Generated,
                sample.Revision,
                sample.Source,
                sample.Row);
}
