using System.Formats.Tar;
using System.Text.Json;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Audit;

/// <summary>bundle.json, the first entry of an exported bundle: what the others are.</summary>
/// <param name="Format">1.</param>
/// <param name="Run">Run, training or job.</param>
/// <param name="Release">SHA-256 of the sealed manifest; null when nothing is sealed.</param>
/// <param name="Entries">The other entries, in their order.</param>
public sealed record BundleCard(int Format, string Run, long Events, long Streams, long Contents, string? Release, IReadOnlyList<TreeFile> Entries);

/// <summary>A line of streams.jsonl: how long a stream is.</summary>
internal sealed record BundleStream(Guid Stream, long Version);

/// <summary>A line of events.jsonl.</summary>
internal sealed record BundleEvent(Guid Stream, long Version, string Type, JsonElement Data, JsonElement Headers);

/// <summary>A line of contents.jsonl.</summary>
/// <param name="Text">Plain text; null when the source is withdrawn.</param>
internal sealed record BundleContent(string Hash, Guid Source, string? Text);

/// <summary>A run with all that proves it in one file (docs/formats.md): a tar that says the same on a machine without the store.</summary>
public sealed class AuditBundle(EventLog log, Contents contents, FileStore files, AuditVerifier verifier)
{
    internal const string Card = "bundle.json";
    internal const string Streams = "streams.jsonl";
    internal const string Events = "events.jsonl";
    internal const string Texts = "contents.jsonl";

    /// <summary>Writes a bundle of a run, a training or a job.</summary>
    /// <returns>What the audit before it found: with findings nothing is written.</returns>
    public async Task<(AuditReport Report, BundleCard? Card)> WriteAsync(string run, string path, CancellationToken ct)
    {
        var report = await verifier.VerifyAsync(run, ct);
        if (!report.IsClean || report.Events == 0) return (report, null);
        var folder = files.NewFolder();
        try
        {
            using var check = new LogCheck(run);
            await using (var events = new LineWriter(Path.Combine(folder, Events)))
            {
                await foreach (var stored in log.ReadAsync(run, ct))
                {
                    check.Add(stored);
                    await events.WriteAsync(new BundleEvent(stored.Stream, stored.Version, stored.Type, stored.Data, stored.Headers), ct);
                }
            }

            await using (var streams = new LineWriter(Path.Combine(folder, Streams)))
            {
                foreach (var (stream, version) in check.Versions.OrderBy(v => v.Key, Comparer<Guid>.Create(Identity.Compare))) await streams.WriteAsync(new BundleStream(stream, version), ct);
            }

            await WriteContentsAsync(check, Path.Combine(folder, Texts), ct);
            var entries = new List<(string Name, string Path)> { (Streams, Path.Combine(folder, Streams)), (Events, Path.Combine(folder, Events)), (Texts, Path.Combine(folder, Texts)) };
            if (check.Release is { } release)
            {
                var place = Path.Combine(files.Releases(run), $"{release.Number}");
                entries.AddRange(release.Files.Select(f => f.Name).Prepend("record.json").Prepend("manifest.json").Select(n => (ReleaseEntry(release.Number, n), Path.Combine(place, n))));
            }

            var table = new List<TreeFile>();
            foreach (var (name, source) in entries) table.Add(await FileStore.EntryAsync(source, name, ct));
            var card = new BundleCard(1, run, check.Events, check.Versions.Count, check.Contents.Count, check.Release?.Sha256, table);
            await FileStore.ReplaceAsync(path, target => WriteTarAsync(target, CardBytes(card), entries.Select(e => (e.Name, (Func<Stream>)(() => File.OpenRead(e.Path)))), ct));
            return (report, card);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    internal static string ReleaseEntry(int number, string name) => $"releases/{number}/{name}";

    internal static byte[] CardBytes(BundleCard card) => JsonSerializer.SerializeToUtf8Bytes(card, EventJson.Indented);

    /// <summary>The one way in which a bundle with such entries is a tar: same entries, same bytes.</summary>
    internal static async Task WriteTarAsync(Stream target, byte[] card, IEnumerable<(string Name, Func<Stream> Open)> entries, CancellationToken ct)
    {
        await using var tar = new TarWriter(target, TarEntryFormat.Ustar, leaveOpen: true);
        foreach (var (name, open) in entries.Prepend((Card, () => new MemoryStream(card))))
        {
            await using var data = open();
            var entry = new UstarTarEntry(TarEntryType.RegularFile, name)
            {
                ModificationTime = DateTimeOffset.UnixEpoch,
                Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
                DataStream = data,
            };
            await tar.WriteEntryAsync(entry, ct);
        }
    }

    private async Task WriteContentsAsync(LogCheck check, string path, CancellationToken ct)
    {
        await using var lines = new LineWriter(path);
        var hashes = check.Contents.Order(StringComparer.Ordinal).ToList();
        var prompts = new SortedSet<string>(StringComparer.Ordinal);
        await WriteAsync(hashes);
        await WriteAsync([.. prompts.Except(hashes, StringComparer.Ordinal)]);

        async Task WriteAsync(IEnumerable<string> some)
        {
            foreach (var batch in some.Chunk(5000))
            {
                var rows = new List<StoredContent>();
                await foreach (var row in contents.ReadRowsAsync(batch, ct)) rows.Add(row);
                foreach (var row in rows.OrderBy(r => r.Hash, StringComparer.Ordinal).ThenBy(r => r.Source, Comparer<Guid>.Create(Identity.Compare)))
                {
                    var text = await contents.OpenAsync(row, ct);
                    if (text is not null && row.Source == Guid.Empty && AuditVerifier.Prompt(text) is { } prompt) prompts.Add(prompt);
                    await lines.WriteAsync(new BundleContent(row.Hash, row.Source, text), ct);
                }
            }
        }
    }

    private sealed class LineWriter(string path) : IAsyncDisposable
    {
        private readonly FileStream _stream = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16, useAsync: true);

        public async Task WriteAsync<T>(T line, CancellationToken ct)
        {
            await _stream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(line, EventJson.Options), ct);
            _stream.WriteByte((byte)'\n');
        }

        public ValueTask DisposeAsync() => _stream.DisposeAsync();
    }
}
