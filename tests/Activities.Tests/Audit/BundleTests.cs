using System.Formats.Tar;
using System.Text.Json;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Tests.Audit;

/// <summary>A run in one file, verified without its store.</summary>
public sealed class BundleTests : IAsyncLifetime
{
    private AuditedRuns _runs = null!;
    private string _path = "";

    public async Task InitializeAsync()
    {
        _runs = await AuditedRuns.CreateAsync(new MadeUp("a"));
        _path = Path.Combine(_runs.Home, "a.tar");
        (await _runs.Get<AuditBundle>().WriteAsync("a", _path, default)).Card.ShouldNotBeNull().Release.ShouldNotBeNull();
    }

    public async Task DisposeAsync() => await _runs.DisposeAsync();

    [Fact]
    public async Task Verify_WholeBundle_SaysWhatTheStoreSays()
    {
        var (offline, card) = await BundleVerifier.VerifyAsync(_path, default);
        var online = await _runs.Get<AuditVerifier>().VerifyAsync("a", default);
        offline.Findings.ShouldBeEmpty();
        (offline.Run, offline.Events, offline.Streams, offline.Contents).ShouldBe((online.Run, online.Events, online.Streams, online.Contents));
        // Checkpoints stay where they are.
        offline.Files.ShouldBe(online.Files - 1);
        card!.Entries.Select(e => e.Name).ShouldBe(["streams.jsonl", "events.jsonl", "contents.jsonl", "releases/1/manifest.json", "releases/1/record.json", "releases/1/sw.jsonl", "releases/1/th.jsonl"]);
        // The same run gives the same bytes.
        await _runs.Get<AuditBundle>().WriteAsync("a", _path + "2", default);
        File.ReadAllBytes(_path + "2").ShouldBe(File.ReadAllBytes(_path));
    }

    /// <summary>Any byte of the file, in an entry, in a header or behind them all.</summary>
    [Fact]
    public async Task Verify_OneByteFlipped_NamesItsPlace()
    {
        var bytes = await File.ReadAllBytesAsync(_path);
        var entries = new List<(string Name, long Start, long Length)>();
        await using (var file = File.OpenRead(_path))
        {
            await using var tar = new TarReader(file);
            while (await tar.GetNextEntryAsync() is { } entry) entries.Add((entry.Name, entry.DataOffset, entry.Length));
        }

        var random = new Random(11);
        // A few places in each entry, in its header, in the padding behind it, and at the end.
        var places = entries.SelectMany(e => Enumerable.Range(0, 8).Select(_ => e.Start + random.NextInt64(e.Length)).Concat([e.Start - 512 + random.Next(100), e.Start - random.Next(1, 12), e.Start + e.Length]))
            .Append(bytes.Length - 1).Append(bytes.Length - 700).Where(p => p < bytes.Length).ToList();
        foreach (var at in places)
        {
            var changed = (byte[])bytes.Clone();
            changed[at] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(_path, changed);
            var findings = (await BundleVerifier.VerifyAsync(_path, default)).Report.Findings;
            var entry = entries.Find(e => at >= e.Start && at < e.Start + e.Length);
            if (entry.Name is null or "bundle.json") findings.ShouldNotBeEmpty($"byte {at}");
            else findings.ShouldContain(f => f.Place == $"{_path}: {entry.Name}", $"byte {at}");
        }

        foreach (var cut in new[] { 0, 100, bytes.Length / 2, bytes.Length - 1 })
        {
            await File.WriteAllBytesAsync(_path, bytes[..cut]);
            (await BundleVerifier.VerifyAsync(_path, default)).Report.Findings.ShouldNotBeEmpty($"cut at {cut}");
        }

        await File.WriteAllBytesAsync(_path, bytes);
        (await BundleVerifier.VerifyAsync(_path, default)).Report.IsClean.ShouldBeTrue();
    }

    /// <summary>A bundle put together anew, with hashes of its entries that fit: what they say does not.</summary>
    [Theory]
    [InlineData("contents.jsonl", "mji wa 1, sw", "mji wa 2, sw", "SHA-256 of the text")]
    [InlineData("contents.jsonl", "mji wa 1, sw", null, "The text is missing")]
    [InlineData("streams.jsonl", "", null, "should end at version 0, its last event")]
    [InlineData("events.jsonl", "run_completed", null, "its last event is version")]
    [InlineData("releases/1/sw.jsonl", null, null, "The file is missing")]
    [InlineData("bundle.json", "\"format\": 1,", "\"format\": 2,", "Its format is 2")]
    [InlineData("bundle.json", "\"events\": ", "\"events\": 1", "The number of events")]
    [InlineData("bundle.json", "\"streams\": ", "\"streams\": 1", "The number of streams")]
    [InlineData("bundle.json", "\"contents\": ", "\"contents\": 1", "The number of contents")]
    [InlineData("bundle.json", "\"release\": \"", "\"release\": \"0", "The release should be")]
    public async Task Verify_PutTogetherAnew_NamesWhatDoesNotFit(string name, string? line, string? instead, string problem)
    {
        var entries = new List<(string Name, byte[] Bytes)>();
        await using (var file = File.OpenRead(_path))
        {
            await using var tar = new TarReader(file);
            while (await tar.GetNextEntryAsync() is { } entry)
            {
                var bytes = new byte[entry.Length];
                if (entry.DataStream is { } data) await data.ReadExactlyAsync(bytes);
                entries.Add((entry.Name, bytes));
            }
        }

        entries = [.. entries.Where(e => e.Name != name || line is not null).Select(e => (e.Name, e.Name == name ? Changed(e.Bytes) : e.Bytes))];
        var card = JsonSerializer.Deserialize<BundleCard>(entries[0].Bytes, EventJson.Options)! with
        {
            Entries = [.. entries.Skip(1).Select(e => new TreeFile(e.Name, e.Bytes.Length, ContentHash.Of(e.Bytes)))],
        };
        await using (var file = File.Create(_path))
        {
            await AuditBundle.WriteTarAsync(file, AuditBundle.CardBytes(card), entries.Skip(1).Select(e => (e.Name, (Func<Stream>)(() => new MemoryStream(e.Bytes)))), default);
        }

        (await BundleVerifier.VerifyAsync(_path, default)).Report.Findings.ShouldContain(f => f.Problem.Contains(problem, StringComparison.Ordinal));

        // The first line that holds it, changed or left out.
        byte[] Changed(byte[] bytes)
        {
            var lines = System.Text.Encoding.UTF8.GetString(bytes).Split('\n').ToList();
            var at = lines.FindIndex(l => l.Contains(line!, StringComparison.Ordinal));
            at.ShouldBeGreaterThanOrEqualTo(0);
            if (instead is null) lines.RemoveAt(at);
            else lines[at] = lines[at].Replace(line!, instead, StringComparison.Ordinal);
            return System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines));
        }
    }

    [Fact]
    public async Task Write_TamperedRun_WritesNothing()
    {
        await _runs.ExecuteAsync("update xinstruct.mt_events set data = jsonb_set(data, '{level}', '7') where type = 'sample_rated'");
        var (report, card) = await _runs.Get<AuditBundle>().WriteAsync("a", _path + "2", default);
        (report.IsClean, card, File.Exists(_path + "2")).ShouldBe((false, null, false));
    }

    [Fact]
    public async Task AsOf_EachMinute_CountsWhatWasThere()
    {
        var moments = new List<RunMoment?>();
        foreach (var minute in new[] { -1, 0, 1, 4, 8, 9, 10, 11 }) moments.Add(await _runs.Get<RunMoments>().OfAsync("a", AuditedRuns.Begun + TimeSpan.FromMinutes(minute), default));
        moments[0].ShouldBeNull();
        moments.Skip(1).Select(m => (m!.Texts, m.Rejected, m.Written, m.Rated, m.Kept, m.Selected, m.Release is not null, m.Status)).ShouldBe([
            (8, 2, 0, 0, 0, 0, false, "running"),
            (8, 2, 4, 0, 0, 0, false, "running"),
            (8, 2, 8, 8, 0, 0, false, "running"),
            (8, 2, 8, 8, 0, 0, false, "running"),
            (8, 2, 8, 8, 6, 6, false, "running"),
            (8, 2, 8, 8, 6, 6, true, "running"),
            (8, 2, 8, 8, 6, 6, true, "completed")]);
        moments[^1]!.Usd.ShouldBe(0.008m);
        moments[1]!.Sealed.ShouldBe(AuditedRuns.Begun + TimeSpan.FromMinutes(10));
    }
}
