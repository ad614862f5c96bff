using XInstruct.Activities.Releases;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Audit;

/// <summary>A file of a release, made again.</summary>
/// <param name="Sealed">The SHA-256 that the seal names; null when it names none.</param>
public sealed record RebuiltFile(string Name, string Sha256, string? Sealed)
{
    /// <summary>True unless the seal says otherwise.</summary>
    public bool IsSame => Sealed is null || Sealed == Sha256;
}

/// <summary>What the log names and does not hold: bytes that only lie in files.</summary>
/// <param name="What">Role in the run.</param>
/// <param name="Hash">Hash that the log names.</param>
/// <param name="State">intact, changed or missing.</param>
public sealed record OutsideFile(string What, string Hash, string State);

/// <summary>A release that was made again from the log.</summary>
/// <param name="Path">Where it lies.</param>
/// <param name="Sha256">SHA-256 of the manifest made now.</param>
/// <param name="Sealed">SHA-256 that was sealed.</param>
/// <param name="Lost">Samples whose text is withdrawn or missing: their rows cannot be made.</param>
/// <param name="Outside">What a log cannot make again: input files and trained weights.</param>
public sealed record Rebuilt(
    string Run, string Path, string Sha256, string Sealed, IReadOnlyList<RebuiltFile> Files, IReadOnlyList<Guid> Lost, IReadOnlyList<OutsideFile> Outside)
{
    /// <summary>True when every byte is what was sealed.</summary>
    public bool IsSame => Sha256 == Sealed && Files.All(f => f.IsSame);
}

/// <summary>Makes sealed releases again from events and contents alone: no file of the shared directory is read for it.</summary>
public sealed class ReleaseRebuilder(EventLog log, Contents contents, FileStore files)
{
    /// <summary>Makes a run's release again.</summary>
    /// <param name="run">Run id.</param>
    /// <param name="folder">A folder that is empty or not there.</param>
    /// <param name="ct">Cancellation.</param>
    /// <exception cref="UnsealedException">There is nothing to rebuild.</exception>
    /// <exception cref="TamperedException">A stored text is not what its hash says.</exception>
    public async Task<Rebuilt> RebuildAsync(string run, string folder, CancellationToken ct)
    {
        var logged = await LoggedRelease.ReadAsync(log, run, ct);
        var seal = logged.Seal;
        Directory.CreateDirectory(folder);
        var (table, lost) = (new List<ReleaseFile>(), new List<Guid>());
        foreach (var language in logged.Run.Languages)
        {
            table.Add(await ReleaseTable.WriteAsync(folder, language, ReleaseTable.BatchAsync(logged.Samples.GetValueOrDefault(language) ?? []), contents, lost, ct));
        }

        var roots = await log.RootsAsync(run, untilRelease: true, ct);
        var made = await ReleaseTable.DescribeAsync(folder, run, logged.Run.RecipeName, seal.Number, logged.Run.Recipe, roots, table, ct);
        var rebuilt = new List<RebuiltFile>(table.Select(f => new RebuiltFile(f.Name, f.Sha256, seal.Files.FirstOrDefault(s => s.Name == f.Name)?.Sha256 ?? "")))
        {
            new("manifest.json", made.Sha256, seal.Sha256),
            new("record.json", (await FileStore.EntryAsync(Path.Combine(folder, "record.json"), "", ct)).Sha256, made.RecordRoot == seal.RecordRoot ? null : seal.RecordRoot),
        };
        return new Rebuilt(run, folder, made.Sha256, seal.Sha256, rebuilt, lost, await OutsideAsync(logged.Run, ct));
    }

    private async Task<IReadOnlyList<OutsideFile>> OutsideAsync(Run run, CancellationToken ct)
    {
        var outside = new List<OutsideFile>();
        foreach (var input in run.Inputs)
        {
            var state = !files.HasBlob(input.Sha256) ? "missing" : (await FileStore.EntryAsync(files.Blob(input.Sha256), "", ct)).Sha256 == input.Sha256 ? "intact" : "changed";
            outside.Add(new OutsideFile($"input {input.Role}{(input.Language is null ? "" : $" ({input.Language})")}", input.Sha256, state));
        }

        foreach (var checkpoint in run.Checkpoints)
        {
            var state = !files.HasTree(checkpoint.Checkpoint) ? "missing"
                : ContentHash.OfCanonical(await FileStore.TableAsync(files.Tree(checkpoint.Checkpoint), ct)) == checkpoint.Checkpoint ? "intact" : "changed";
            outside.Add(new OutsideFile($"weights of {checkpoint.Role}", checkpoint.Checkpoint, state));
        }

        return outside;
    }
}
