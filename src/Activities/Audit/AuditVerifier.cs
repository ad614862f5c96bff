using System.Globalization;
using System.Text.Json;
using Npgsql;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tuning;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Audit;

/// <summary>Recomputes both hash chains, the contents, the Merkle roots, and the release files, checkpoints and results of a run.</summary>
public sealed class AuditVerifier(EventLog log, Contents contents, FileStore files, NpgsqlDataSource database)
{
    private const int MaxFindings = 1000;

    /// <summary>Verifies one run.</summary>
    public async Task<AuditReport> VerifyAsync(string run, CancellationToken ct)
    {
        using var check = new LogCheck(run);
        await foreach (var stored in log.ReadAsync(run, ct)) check.Add(stored);
        await CheckStreamVersionsAsync(check, ct);
        await CheckContentsAsync(check, ct);
        var roots = check.End();
        var fileCount = 0;
        if (check.Release is { } release)
        {
            var folder = Path.Combine(files.Releases(run), $"{release.Number}");
            string Place(string name) => Path.Combine(folder, name);
            fileCount = await ReleaseCheck.RunAsync(check, release, roots, Place, name => File.Exists(Place(name)) ? File.OpenRead(Place(name)) : null, ct);
        }

        fileCount += await CheckFilesAsync(check, ct);
        fileCount += await CheckStatesAsync(check, ct);
        return new AuditReport(run, check.Events, check.Versions.Count, check.Contents.Count, fileCount, [.. check.Findings.Take(MaxFindings)]);
    }

    /// <summary>Checkpoints, results and what a job's parts gave stand under their hashes in the shared directory.</summary>
    private async Task<int> CheckFilesAsync(LogCheck check, CancellationToken ct)
    {
        foreach (var (what, hash, isTree) in check.Files.DistinctBy(f => f.Hash))
        {
            try
            {
                var path = isTree ? files.Tree(hash) : files.Blob(hash);
                var table = isTree ? await FileStore.TableAsync(path, ct) : [await FileStore.EntryAsync(path, "", ct)];
                var found = isTree ? ContentHash.OfCanonical(table) : table[0].Sha256;
                var which = isTree ? $" One of its files ({string.Join(", ", table.Select(f => f.Name))}) changed, or one came or went." : "";
                if (found != hash) check.Findings.Add(new Finding(path, $"SHA-256 of the {what} should be {hash}, is {found}.{which}"));
            }
            catch (TamperedException e)
            {
                check.Findings.Add(new Finding(hash, $"The {what}: {e.Message}"));
            }
        }

        return check.Files.Count;
    }

    /// <summary>Checkpoints from which a training can go on; older ones, and those of a training that ended, are gone.</summary>
    private async Task<int> CheckStatesAsync(LogCheck check, CancellationToken ct)
    {
        var count = 0;
        foreach (var (step, hash) in check.States)
        {
            var folder = Path.Combine(new TrainingFolder(files, check.Run).Checkpoints, string.Create(CultureInfo.InvariantCulture, $"checkpoint-{step:D8}"));
            var path = Path.Combine(folder, "state.json");
            if (!File.Exists(path)) continue;
            var state = await File.ReadAllBytesAsync(path, ct);
            count++;
            check.Expect(path, "SHA-256", hash, ContentHash.Of(state));
            if (ContentHash.Of(state) != hash) continue;
            using var json = JsonDocument.Parse(state);
            foreach (var file in json.RootElement.GetProperty("files").EnumerateObject())
            {
                var named = Path.Combine(folder, file.Name);
                count++;
                if (!File.Exists(named)) check.Findings.Add(new Finding(named, "The file is missing."));
                else check.Expect(named, "SHA-256", file.Value.GetString()!, (await FileStore.EntryAsync(named, "", ct)).Sha256);
            }
        }

        return count;
    }

    /// <summary>The stream table knows how long each stream is: a truncated stream has a good chain and too few events.</summary>
    private async Task CheckStreamVersionsAsync(LogCheck check, CancellationToken ct)
    {
        var documents = new[] { ("sample", "run"), ("source", "run"), ("jobpart", "run"), ("jobreply", "run"), ("run", "name"), ("model", "name"), ("job", "name") }.Select(d =>
            $"union select d.id, (d.data -> 'head' ->> 'version')::bigint from {StoreConfiguration.Schema}.mt_doc_{d.Item1} d where d.data ->> '{d.Item2}' = $2");
        await using var command = database.CreateCommand(
            $"select s.id, s.version from {StoreConfiguration.Schema}.mt_streams s where s.id = any($1) {string.Join(' ', documents)}");
        command.Parameters.Add(new NpgsqlParameter { Value = check.Versions.Keys.ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = check.Run });
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) check.ExpectVersion(reader.GetGuid(0), reader.GetInt64(1));
    }

    private async Task CheckContentsAsync(LogCheck check, CancellationToken ct)
    {
        var prompts = new SortedSet<string>(StringComparer.Ordinal);
        await CheckContentsAsync(check, check.Contents, prompts, areNeeded: true, ct);
        // A local model's prompt is in the recipe too, and not every act's is stored by itself.
        await CheckContentsAsync(check, prompts, [], areNeeded: false, ct);
    }

    private async Task CheckContentsAsync(LogCheck check, SortedSet<string> hashes, SortedSet<string> prompts, bool areNeeded, CancellationToken ct)
    {
        foreach (var batch in hashes.Chunk(5000))
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            await foreach (var row in contents.ReadRowsAsync(batch, ct))
            {
                seen.Add(row.Hash);
                try
                {
                    if (await contents.OpenAsync(row, ct) is { } text && row.Source == Guid.Empty && Prompt(text) is { } prompt) prompts.Add(prompt);
                }
                catch (TamperedException e)
                {
                    check.Findings.Add(new Finding($"xi_contents {row.Hash} of source {row.Source}", e.Message));
                }
            }

            if (areNeeded) check.Findings.AddRange(batch.Where(h => !seen.Contains(h)).Select(h => new Finding($"xi_contents {h}", "The row is missing.")));
        }
    }

    /// <summary>The prompt that an act names; null when the text is no act, or it names none.</summary>
    internal static string? Prompt(string text)
    {
        if (!text.StartsWith("{\"stage\":", StringComparison.Ordinal)) return null;
        var act = JsonSerializer.Deserialize<Act>(text, EventJson.Options);
        return act?.Prompt is { } prompt && ChainChecker.IsHash(prompt) ? prompt : null;
    }
}
