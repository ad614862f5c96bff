using System.Text.Json;
using Npgsql;
using XInstruct.Activities.Releases;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Jobs;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Audit;

/// <summary>A place where what is stored is not what its hash says.</summary>
/// <param name="Place">Table, stream and version, or file.</param>
/// <param name="Problem">What is wrong, with what was expected and found.</param>
public sealed record Finding(string Place, string Problem);

/// <summary>What an audit saw.</summary>
public sealed record AuditReport(string Run, long Events, long Streams, long Contents, int Files, IReadOnlyList<Finding> Findings)
{
    /// <summary>True when nothing was found.</summary>
    public bool IsClean => Findings.Count == 0;
}

/// <summary>Recomputes both hash chains, the contents, the Merkle roots and the release files of a run.</summary>
public sealed class AuditVerifier(EventLog log, Contents contents, FileStore files, NpgsqlDataSource database)
{
    private const int MaxFindings = 1000;

    /// <summary>Verifies one run.</summary>
    public async Task<AuditReport> VerifyAsync(string run, CancellationToken ct)
    {
        var findings = new List<Finding>();
        var chain = new ChainChecker(findings);
        var unsealed = new RootBuilder(run, untilRelease: true);
        var runStream = Identity.RunStream(run);
        ReleaseSealed? release = null;
        var (jobFiles, jobParts, jobStages) = (new List<(string Hash, bool IsTree)>(), new List<(Guid Stream, JobPartDone Part)>(), new List<JobStageEnded>());
        var hashes = new SortedSet<string>(StringComparer.Ordinal);
        await foreach (var stored in log.ReadAsync(run, ct))
        {
            if (!chain.Check(stored)) continue;
            unsealed.Add(stored);
            Collect(stored, hashes);
            if (JobFile(stored) is { } named) jobFiles.Add(named);
            if (stored.Type == "job_part_done") jobParts.Add((stored.Stream, stored.Data.Deserialize<JobPartDone>(EventJson.Options)!));
            if (stored.Type == "job_stage_ended") jobStages.Add(stored.Data.Deserialize<JobStageEnded>(EventJson.Options)!);
            if (stored.Stream == runStream && stored.Type == "release_sealed") release = stored.Data.Deserialize<ReleaseSealed>(EventJson.Options);
        }

        chain.End();
        await CheckStreamVersionsAsync(run, chain.Versions, findings, ct);
        await CheckContentsAsync(hashes, findings, ct);
        var fileCount = release is null ? 0 : await CheckReleaseAsync(run, release, unsealed.Roots(), findings, ct);
        CheckJobStages(jobParts, jobStages, findings);
        fileCount += await CheckJobFilesAsync(jobFiles, findings, ct);
        return new AuditReport(run, chain.Events, chain.Versions.Count, hashes.Count, fileCount, [.. findings.Take(MaxFindings)]);
    }

    private static void Collect(StoredEvent stored, SortedSet<string> hashes)
    {
        foreach (var member in new[] { "text", "instruction" })
        {
            if (stored.Data.TryGetProperty(member, out var hash) && hash.ValueKind == JsonValueKind.String) hashes.Add(hash.GetString()!);
        }

        if (stored.Type == "job_replied" && stored.Data.TryGetProperty("reply", out var reply)) hashes.Add(reply.GetString()!);
        if (stored.Type is "run_started" or "training_started" or "job_started") hashes.Add(stored.Data.GetProperty("recipe").GetString()!);
        if (stored.Header(EventHeaders.Act) is { } act) hashes.Add(act);
    }

    private static (string Hash, bool IsTree)? JobFile(StoredEvent stored) => stored.Type switch
    {
        "job_part_done" => (stored.Data.GetProperty("file").GetString()!, false),
        "job_ended" => (stored.Data.GetProperty("result").GetString()!, true),
        _ => null,
    };

    /// <summary>What a job's stages came to is what its parts say.</summary>
    private static void CheckJobStages(List<(Guid Stream, JobPartDone Part)> parts, List<JobStageEnded> stages, List<Finding> findings)
    {
        foreach (var stage in stages)
        {
            var done = parts.Where(p => p.Part.Stage == stage.Stage).OrderBy(p => p.Part.Part).ToList();
            var root = MerkleTree.Root(done.Select(p => new MerkleTree.Leaf(p.Stream, 1, p.Part.File)));
            var found = new JobStageEnded(stage.Stage, done.Count, done.Sum(p => p.Part.Rows), root);
            if (found != stage) findings.Add(new Finding($"job_stage_ended {stage.Stage}", $"The stage should have {stage.Parts} parts with {stage.Rows} rows and root {stage.Root}; its parts' events are {found.Parts} with {found.Rows} rows and root {found.Root}."));
        }
    }

    /// <summary>What a job's parts gave, and its result, stand under their hashes in the shared directory.</summary>
    private async Task<int> CheckJobFilesAsync(List<(string Hash, bool IsTree)> named, List<Finding> findings, CancellationToken ct)
    {
        foreach (var (hash, isTree) in named)
        {
            try
            {
                var path = isTree ? files.Tree(hash) : files.Blob(hash);
                var found = isTree ? ContentHash.OfCanonical(await FileStore.TableAsync(path, ct)) : (await FileStore.EntryAsync(path, "", ct)).Sha256;
                if (found != hash) findings.Add(new Finding(path, $"SHA-256 should be {hash}, is {found}."));
            }
            catch (TamperedException e)
            {
                findings.Add(new Finding(hash, e.Message));
            }
        }

        return named.Count;
    }

    /// <summary>The stream table knows how long each stream is: a truncated stream has a good chain and too few events.</summary>
    private async Task CheckStreamVersionsAsync(string run, Dictionary<Guid, long> versions, List<Finding> findings, CancellationToken ct)
    {
        await using var command = database.CreateCommand($"""
            select s.id, s.version from {StoreConfiguration.Schema}.mt_streams s where s.id = any($1)
            union select d.id, (d.data -> 'head' ->> 'version')::bigint from {StoreConfiguration.Schema}.mt_doc_sample d where d.data ->> 'run' = $2
            union select d.id, (d.data -> 'head' ->> 'version')::bigint from {StoreConfiguration.Schema}.mt_doc_jobpart d where d.data ->> 'run' = $2
            union select d.id, (d.data -> 'head' ->> 'version')::bigint from {StoreConfiguration.Schema}.mt_doc_jobreply d where d.data ->> 'run' = $2
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = versions.Keys.ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = run });
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var (id, version) = (reader.GetGuid(0), reader.GetInt64(1));
            var found = versions.GetValueOrDefault(id);
            if (found != version) findings.Add(new Finding($"mt_events stream {id}", $"The stream should end at version {version}, its last event is version {found}."));
        }
    }

    private async Task CheckContentsAsync(SortedSet<string> hashes, List<Finding> findings, CancellationToken ct)
    {
        foreach (var batch in hashes.Chunk(5000))
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            await using var command = database.CreateCommand(
                $"select hash, source, nonce, bytes from {StoreConfiguration.Schema}.xi_contents where hash = any($1)");
            command.Parameters.Add(new NpgsqlParameter { Value = batch.Select(Convert.FromHexString).ToArray() });
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
            {
                var (hash, source) = (Convert.ToHexStringLower(reader.GetFieldValue<byte[]>(0)), reader.GetGuid(1));
                seen.Add(hash);
                try
                {
                    var nonce = await reader.IsDBNullAsync(2, ct) ? null : reader.GetFieldValue<byte[]>(2);
                    Contents.Open(reader.GetFieldValue<byte[]>(3), nonce, hash, source, nonce is null ? null : await contents.KeyAsync(source, ct));
                }
                catch (TamperedException e)
                {
                    findings.Add(new Finding($"xi_contents {hash} of source {source}", e.Message));
                }
            }

            findings.AddRange(batch.Where(h => !seen.Contains(h)).Select(h => new Finding($"xi_contents {h}", "The row is missing.")));
        }
    }

    private async Task<int> CheckReleaseAsync(string run, ReleaseSealed release, Roots roots, List<Finding> findings, CancellationToken ct)
    {
        void Expect(string place, string what, string expected, string found)
        {
            if (expected != found) findings.Add(new Finding(place, $"{what} should be {expected}, is {found}."));
        }

        Expect("release_sealed", "The content root over all events", release.ContentRoot, roots.Content);
        Expect("release_sealed", "The record root over all events", release.RecordRoot, roots.Record);
        var folder = Path.Combine(files.Releases(run), $"{release.Number}");
        var manifestPath = Path.Combine(folder, "manifest.json");
        if (!File.Exists(manifestPath))
        {
            findings.Add(new Finding(manifestPath, "The file is missing."));
            return 0;
        }

        var manifest = await File.ReadAllBytesAsync(manifestPath, ct);
        Expect(manifestPath, "SHA-256", release.Sha256, ContentHash.Of(manifest));
        foreach (var file in release.Files)
        {
            var path = Path.Combine(folder, file.Name);
            if (File.Exists(path)) Expect(path, "SHA-256", file.Sha256, ContentHash.Of(await File.ReadAllBytesAsync(path, ct)));
            else findings.Add(new Finding(path, "The file is missing."));
        }

        var recordPath = Path.Combine(folder, "record.json");
        if (!File.Exists(recordPath))
        {
            findings.Add(new Finding(recordPath, "The file is missing."));
        }
        else
        {
            try
            {
                var record = JsonSerializer.Deserialize<ReleaseRecord>(await File.ReadAllBytesAsync(recordPath, ct), EventJson.Options)!;
                Expect(recordPath, "The record root", release.RecordRoot, record.RecordRoot);
                Expect(recordPath, "The run", run, record.Run);
                Expect(recordPath, "The number of events", $"{roots.Events}", $"{record.Events}");
            }
            catch (JsonException e)
            {
                findings.Add(new Finding(recordPath, "The file is not JSON any more: " + e.Message));
            }
        }

        return release.Files.Count + 2;
    }
}

/// <summary>Recomputes the two chains from events in order of stream and version.</summary>
internal sealed class ChainChecker(List<Finding> findings)
{
    private Guid _stream;
    private Guid _subject;
    private long _version;
    private (string Content, string Record) _head = (HashChain.Start, HashChain.Start);

    public long Events { get; private set; }

    /// <summary>Last version found of each stream.</summary>
    public Dictionary<Guid, long> Versions { get; } = [];

    /// <summary>Checks one event; false when it is damaged beyond use for the roots.</summary>
    public bool Check(StoredEvent stored)
    {
        Events++;
        if (stored.Stream != _stream)
        {
            (_stream, _version, _head) = (stored.Stream, 0, (HashChain.Start, HashChain.Start));
            _subject = Subject(stored);
        }

        var place = $"mt_events stream {stored.Stream} version {stored.Version} ({stored.Type})";
        if (stored.Version != _version + 1) findings.Add(new Finding(place, $"Version {_version + 1} is missing before it."));
        _version = stored.Version;
        Versions[_stream] = _version;
        var (content, record) = (stored.Header(EventHeaders.Content), stored.Header(EventHeaders.Record));
        if (content is not { Length: 64 } || record is not { Length: 64 } || !IsHex(content) || !IsHex(record))
        {
            findings.Add(new Finding(place, "The headers lack a readable content or record hash."));
            return false;
        }

        var data = CanonicalJson.Of(stored.Data);
        var expectedContent = HashChain.Content(_head.Content, _subject, stored.Type, data);
        if (expectedContent != content) findings.Add(new Finding(place, $"The content hash should be {expectedContent}, is {content}: data, type or an earlier event changed."));
        var headers = CanonicalJson.Of(stored.Headers, without: EventHeaders.Record);
        var expectedRecord = HashChain.Record(_head.Record, stored.Stream, stored.Version, stored.Type, data, headers);
        if (expectedRecord != record) findings.Add(new Finding(place, $"The record hash should be {expectedRecord}, is {record}: data, headers, type or an earlier event changed."));
        // Going on from what is stored names each changed event once, not everything after it.
        _head = (content, record);
        return true;
    }

    public void End() => _stream = Guid.Empty;

    private static Guid Subject(StoredEvent first) => first.Type switch
    {
        "text_accepted" when first.Data.TryGetProperty("sample", out var id) && id.TryGetGuid(out var sample) => sample,
        "rows_rejected" when first.Data.TryGetProperty("source", out var id) && id.TryGetGuid(out var source) => source,
        _ => first.Stream,
    };

    private static bool IsHex(string text) => text.All(char.IsAsciiHexDigitLower);
}
