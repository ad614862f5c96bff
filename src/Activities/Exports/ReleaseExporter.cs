using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using XInstruct.Activities.DataSheets;
using XInstruct.Activities.Releases;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Exports;

/// <summary>What an export wrote.</summary>
/// <param name="Path">The folder, or the one file.</param>
/// <param name="Files">Every data file.</param>
public sealed record Export(string Run, string Format, string Path, IReadOnlyList<ReleaseFile> Files);

/// <summary>An export that cannot be made as it was asked for.</summary>
public sealed class ExportException(string message) : Exception(message);

/// <summary>Writes sealed releases in the formats that others read. The same release gives the same bytes on every call.</summary>
public sealed class ReleaseExporter(ReleaseReader releases, DataSheetWriter? sheets = null)
{
    /// <summary>Exports a run's release.</summary>
    /// <param name="run">The run.</param>
    /// <param name="format">Format of the files.</param>
    /// <param name="target">A file for all languages when it has the format's extension, else a folder with a file for each.</param>
    /// <param name="languages">Languages to export; none for all of the release.</param>
    /// <exception cref="ExportException">The run has no release, or not the language.</exception>
    /// <exception cref="TamperedException">The release is not what was sealed.</exception>
    public async Task<Export> ExportAsync(Run run, ExportFormat format, string target, IReadOnlyCollection<string> languages, CancellationToken ct)
    {
        var chosen = Choose(run, languages);
        await releases.VerifyAsync(run, chosen, ct);
        target = Path.GetFullPath(target);
        if (format.IsDataset) return await WriteDatasetAsync(run, format, target, chosen, ct);
        var isFile = Path.GetExtension(target) == format.Extension && !Directory.Exists(target);
        var parts = isFile
            ? [(Name: Path.GetFileName(target), Files: chosen)]
            : chosen.Select(f => (Name: run.RecipeName + "-" + Path.GetFileNameWithoutExtension(f.Name) + format.Extension, Files: (IReadOnlyList<ReleaseFile>)[f])).ToList();
        var folder = isFile ? Path.GetDirectoryName(target)! : target;
        Directory.CreateDirectory(folder);
        var written = new List<ReleaseFile>();
        foreach (var (name, sources) in parts) written.Add(await WriteAsync(run, sources, format, folder, name, ct));
        await DescribeAsync(folder, format, parts.Select(p => p.Name), ct);
        return new Export(run.Name, format.Name, target, written);
    }

    private async Task<Export> WriteDatasetAsync(Run run, ExportFormat format, string target, IReadOnlyList<ReleaseFile> chosen, CancellationToken ct)
    {
        var written = new List<ReleaseFile>();
        Directory.CreateDirectory(Path.Combine(target, "data"));
        Directory.CreateDirectory(Path.Combine(target, "sealed"));
        foreach (var file in chosen) written.Add(await WriteAsync(run, [file], format, target, $"data/{Path.GetFileNameWithoutExtension(file.Name)}{format.Extension}", ct));
        foreach (var name in chosen.Select(f => f.Name).Append("manifest.json"))
        {
            await using var source = File.OpenRead(Path.Combine(releases.Folder(run), name));
            await FileStore.ReplaceAsync(Path.Combine(target, "sealed", name), stream => source.CopyToAsync(stream, ct));
        }

        var statistics = new List<LanguageStatistics>();
        foreach (var file in chosen) statistics.Add(await ReleaseStatistics.OfAsync(Path.GetFileNameWithoutExtension(file.Name), releases.ReadAsync(run, file, ct)));
        await FileStore.ReplaceAsync(Path.Combine(target, "README.md"), stream => stream.WriteAsync(Encoding.UTF8.GetBytes(DatasetCard.Render(run, statistics)), ct).AsTask());
        if (sheets is not null) await sheets.WriteAsync(run, null, target, ct);
        return new Export(run.Name, format.Name, target, written);
    }

    private static IReadOnlyList<ReleaseFile> Choose(Run run, IReadOnlyCollection<string> languages)
    {
        if (run.Release is null) throw new ExportException($"Run {run.Name} has no sealed release yet. 'xinstruct status {run.Name}' shows how far it is.");
        if (languages.FirstOrDefault(l => run.Release.Files.All(f => f.Name != l + ".jsonl")) is { } missing)
        {
            throw new ExportException($"The release of {run.Name} has no language '{missing}'; it has {string.Join(", ", run.Release.Files.Select(f => Path.GetFileNameWithoutExtension(f.Name)))}.");
        }

        return languages.Count == 0 ? run.Release.Files : [.. run.Release.Files.Where(f => languages.Contains(Path.GetFileNameWithoutExtension(f.Name)))];
    }

    private async Task<ReleaseFile> WriteAsync(Run run, IReadOnlyList<ReleaseFile> sources, ExportFormat format, string folder, string name, CancellationToken ct)
    {
        var rows = 0;
        await FileStore.ReplaceAsync(Path.Combine(folder, name), async stream =>
        {
            var writer = format.Open(stream);
            foreach (var source in sources)
            {
                await foreach (var row in releases.ReadAsync(run, source, ct))
                {
                    writer.Write(row);
                    rows++;
                }
            }

            writer.End();
        });
        await using var written = File.OpenRead(Path.Combine(folder, name));
        return new ReleaseFile(name, written.Length, Convert.ToHexStringLower(await System.Security.Cryptography.SHA256.HashDataAsync(written, ct)), rows);
    }

    /// <summary>Adds the files to LLaMA-Factory's list of data sets in that folder; what others wrote there stays.</summary>
    private static async Task DescribeAsync(string folder, ExportFormat format, IEnumerable<string> names, CancellationToken ct)
    {
        var entries = names.Select(n => (Key: Path.GetFileNameWithoutExtension(n).Replace('-', '_'), Entry: format.FactoryEntry(n))).Where(e => e.Entry is not null).ToList();
        if (entries.Count == 0) return;
        var path = Path.Combine(folder, "dataset_info.json");
        var list = new JsonObject();
        try
        {
            if (File.Exists(path)) list = (JsonObject)JsonNode.Parse(await File.ReadAllBytesAsync(path, ct))!;
        }
        catch (Exception e) when (e is JsonException or InvalidCastException)
        {
            throw new ExportException($"{path} is there and no JSON object, so nothing is added to it. Move it away, or export to another folder. ({e.Message})");
        }

        foreach (var (key, entry) in entries) list[key] = entry;
        await FileStore.ReplaceAsync(path, stream => JsonSerializer.SerializeAsync(stream, list, EventJson.Indented, ct));
    }
}
