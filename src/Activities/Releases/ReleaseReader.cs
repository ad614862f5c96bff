using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Releases;

/// <summary>Reads sealed releases back, and nothing from a file whose hash is not the sealed one.</summary>
public sealed class ReleaseReader(FileStore files)
{
    /// <summary>Folder of a run's release.</summary>
    public string Folder(Run run) => Path.Combine(files.Releases(run.Name), $"{run.Release!.Number}");

    /// <summary>Recomputes the hashes of the manifest and of the given files.</summary>
    /// <exception cref="TamperedException">One is missing or changed; the message names it.</exception>
    public async Task VerifyAsync(Run run, IEnumerable<ReleaseFile> chosen, CancellationToken ct)
    {
        await VerifyAsync(Path.Combine(Folder(run), "manifest.json"), run.Release!.Sha256, run, ct);
        foreach (var file in chosen) await VerifyAsync(Path.Combine(Folder(run), file.Name), file.Sha256, run, ct);
    }

    /// <summary>Rows of one file, in their order.</summary>
    public async IAsyncEnumerable<ReleaseRow> ReadAsync(Run run, ReleaseFile file, [EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var line in File.ReadLinesAsync(Path.Combine(Folder(run), file.Name), ct))
        {
            yield return JsonSerializer.Deserialize<ReleaseRow>(line, EventJson.Options)!;
        }
    }

    private static async Task VerifyAsync(string path, string expected, Run run, CancellationToken ct)
    {
        if (!File.Exists(path)) throw new TamperedException($"{path} is missing. 'xinstruct audit verify {run.Name}' says what else is.");
        await using var stream = File.OpenRead(path);
        var found = Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, ct));
        if (found != expected) throw new TamperedException($"{path} has changed since it was sealed: its SHA-256 should be {expected}, is {found}. 'xinstruct audit verify {run.Name}' says what else changed.");
    }
}
