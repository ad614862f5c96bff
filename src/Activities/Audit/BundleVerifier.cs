using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Audit;

/// <summary>Verifies an exported bundle. It needs the file and nothing else: no store, no shared directory.</summary>
public static class BundleVerifier
{
    private const int MaxFindings = 1000;

    /// <summary>Recomputes everything that a bundle says.</summary>
    /// <param name="path">The file.</param>
    /// <param name="ct">Cancellation.</param>
    public static async Task<(AuditReport Report, BundleCard? Card)> VerifyAsync(string path, CancellationToken ct)
    {
        await using var file = File.OpenRead(path);
        var early = new List<Finding>();
        var entries = await ReadAsync(file, path, early, ct);
        if (entries is not [{ Name: AuditBundle.Card } first, ..] || await ReadCardAsync(first, ct) is not { } card)
        {
            early.Add(new Finding($"{path}: {AuditBundle.Card}", "The bundle does not begin with a readable bundle.json."));
            return (new AuditReport("", 0, 0, 0, 0, early), null);
        }

        using var check = new LogCheck(card.Run);
        check.Findings.AddRange(early);
        string Place(string entry) => $"{path}: {entry}";
        if (card.Format != 1) check.Findings.Add(new Finding(Place(AuditBundle.Card), $"Its format is {card.Format}; this version knows 1."));
        foreach (var named in card.Entries)
        {
            if (entries.Find(e => e.Name == named.Name) is not { } entry) check.Findings.Add(new Finding(Place(named.Name), "The entry is missing."));
            else check.Expect(Place(named.Name), "SHA-256", named.Sha256, await HashAsync(entry.Open(), ct));
        }

        await foreach (var stored in LinesAsync<BundleEvent>(AuditBundle.Events))
        {
            if (stored.Data.ValueKind == JsonValueKind.Object) check.Add(new StoredEvent(0, stored.Stream, stored.Version, stored.Type ?? "", stored.Data, stored.Headers));
            else check.Findings.Add(new Finding($"{Place(AuditBundle.Events)} stream {stored.Stream} version {stored.Version}", "The event has no data."));
        }

        var streams = new Dictionary<Guid, long>();
        await foreach (var stream in LinesAsync<BundleStream>(AuditBundle.Streams)) streams[stream.Stream] = stream.Version;
        foreach (var stream in streams.Keys.Union(check.Versions.Keys)) check.ExpectVersion(stream, streams.GetValueOrDefault(stream));
        await CheckContentsAsync();
        var roots = check.End();
        var fileCount = 0;
        if (check.Release is { } release)
        {
            fileCount = await ReleaseCheck.RunAsync(
                check, release, roots, n => Place(AuditBundle.ReleaseEntry(release.Number, n)), n => entries.Find(e => e.Name == AuditBundle.ReleaseEntry(release.Number, n))?.Open(), ct);
        }

        check.Expect(Place(AuditBundle.Card), "The number of events", $"{card.Events}", $"{check.Events}");
        check.Expect(Place(AuditBundle.Card), "The number of streams", $"{card.Streams}", $"{check.Versions.Count}");
        check.Expect(Place(AuditBundle.Card), "The number of contents", $"{card.Contents}", $"{check.Contents.Count}");
        check.Expect(Place(AuditBundle.Card), "The release", card.Release ?? "none", check.Release?.Sha256 ?? "none");
        await CheckFrameAsync();
        return (new AuditReport(card.Run, check.Events, check.Versions.Count, check.Contents.Count, fileCount, [.. check.Findings.Take(MaxFindings)]), card);

        async IAsyncEnumerable<T> LinesAsync<T>(string name)
            where T : class
        {
            if (entries.Find(e => e.Name == name) is not { } entry) yield break;
            using var reader = new StreamReader(entry.Open(), Encoding.UTF8);
            for (var number = 1; await reader.ReadLineAsync(ct) is { } line; number++)
            {
                T? value = null;
                try
                {
                    value = JsonSerializer.Deserialize<T>(line, EventJson.Options);
                }
                catch (JsonException e)
                {
                    check.Findings.Add(new Finding($"{Place(name)} line {number}", $"The line is not what it should be: {e.Message}"));
                }

                if (value is not null) yield return value;
            }
        }

        async Task CheckContentsAsync()
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            await foreach (var content in LinesAsync<BundleContent>(AuditBundle.Texts))
            {
                seen.Add(content.Hash ?? "");
                if (content.Text is not null) check.Expect($"{Place(AuditBundle.Texts)} {content.Hash}", "SHA-256 of the text", content.Hash ?? "", ContentHash.Of(content.Text));
            }

            check.Findings.AddRange(check.Contents.Where(h => !seen.Contains(h)).Select(h => new Finding($"{Place(AuditBundle.Texts)} {h}", "The text is missing.")));
        }

        // Headers, padding and bundle.json have one possible form: whatever else differs is named by its place.
        async Task CheckFrameAsync()
        {
            await using var comparing = new ComparingStream(path);
            await AuditBundle.WriteTarAsync(comparing, AuditBundle.CardBytes(card), entries.Skip(1).Select(e => (e.Name, (Func<Stream>)e.Open)), ct);
            if (comparing.Difference() is { } at && check.Findings.Count == 0) check.Findings.Add(new Finding($"{path} byte {at}", "It is not what a bundle has there: a header, the padding or the end of the file changed."));
        }
    }

    private static async Task<List<Entry>> ReadAsync(FileStream file, string path, List<Finding> findings, CancellationToken ct)
    {
        var entries = new List<Entry>();
        try
        {
            using var tar = new TarReader(file, leaveOpen: true);
            while (await tar.GetNextEntryAsync(copyData: false, ct) is { } entry)
            {
                entries.Add(new Entry(entry.Name, path, entry.DataOffset, entry.Length));
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException or FormatException or ArgumentException or NotSupportedException)
        {
            findings.Add(new Finding($"{path} byte {file.Position}", $"The file is no whole tar: {e.Message}"));
        }

        return entries;
    }

    private static async Task<BundleCard?> ReadCardAsync(Entry entry, CancellationToken ct)
    {
        try
        {
            await using var data = entry.Open();
            var card = await JsonSerializer.DeserializeAsync<BundleCard>(data, EventJson.Options, ct);
            return card is { Run: not null, Entries: { } entries } && entries.All(e => e is { Name: not null, Sha256: not null }) ? card : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static async Task<string> HashAsync(Stream data, CancellationToken ct)
    {
        await using (data) return Convert.ToHexStringLower(await SHA256.HashDataAsync(data, ct));
    }

    /// <summary>An entry by its place in the file.</summary>
    private sealed record Entry(string Name, string Path, long Start, long Length)
    {
        public Stream Open() => new FilePart(Path, Start, Length);
    }
}
