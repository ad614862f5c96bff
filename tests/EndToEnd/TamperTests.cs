using System.Text.Json;

namespace XInstruct.EndToEnd;

/// <summary>What 'audit verify' says of things changed behind the product's back: it names the place of each, and nothing else.</summary>
[Collection(TinyRuns.Name)]
public sealed class TamperTests(UndisturbedRun undisturbed) : IAsyncLifetime
{
    private const string Events = "xinstruct.mt_events";
    private const string Contents = "xinstruct.xi_contents";

    /// <summary>
    /// Ways to change an event, each done to a stream of its own: @s is the stream, @v the version of its first rating, @n and @l the next and the last version.
    /// </summary>
    private static readonly (string Change, string Place, string Problem)[] Changes =
    [
        ("update xinstruct.mt_events set data = jsonb_set(data, '{level}', '7') where stream_id = '@s' and version = @v", " version @v ", "content hash"),
        ("update xinstruct.mt_events set headers = jsonb_set(headers, '{attempt}', '99') where stream_id = '@s' and version = @v", " version @v ", "record hash"),
        ("update xinstruct.mt_events set headers = headers - 'content' where stream_id = '@s' and version = @v", " version @v ", "headers lack"),
        ("update xinstruct.mt_events set type = 'sample_kept' where stream_id = '@s' and version = @v", " version @v ", "content hash"),
        ("delete from xinstruct.mt_events where stream_id = '@s' and version = @v", " version @n ", "Version @v is missing"),
        ("delete from xinstruct.mt_events where stream_id = '@s' and version = @l", "", "should end at version @l"),
        ("delete from xinstruct.mt_events where stream_id = '@s'", "", "should end at version @l"),
        ("""
            update xinstruct.mt_events set version = -1 where stream_id = '@s' and version = @v;
            update xinstruct.mt_events set version = @v where stream_id = '@s' and version = @n;
            update xinstruct.mt_events set version = @n where stream_id = '@s' and version = -1
            """, " version @v ", "content hash"),
    ];

    private readonly ProductProcess _product = undisturbed.Product;

    private string Release => undisturbed.End.GetProperty("release").GetProperty("path").GetString()!;

    public async Task InitializeAsync() => await _product.ExecuteAsync($"create table kept_events as select * from {Events}; create table kept_contents as select * from {Contents}");

    /// <summary>The other tests find the run as it was.</summary>
    public async Task DisposeAsync()
    {
        await _product.ExecuteAsync($"""
            delete from {Events}; insert into {Events} select * from kept_events; drop table kept_events;
            delete from {Contents}; insert into {Contents} select * from kept_contents; drop table kept_contents
            """);
        (await FindingsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Verify_EventsChanged_NamesEachStreamAndVersion()
    {
        var streams = await _product.ReadAsync(
            $"""
            select stream_id, min(version) filter (where type = 'sample_rated'), max(version) from {Events}
            where stream_id in (select stream_id from {Events} where type = 'sample_rated') group by stream_id order by stream_id
            """,
            r => (Id: r.GetGuid(0), Rated: r.GetInt64(1), Last: r.GetInt64(2)));
        var chosen = streams.Where(s => s.Last > s.Rated + 1).Take(Changes.Length).ToList();
        string Fill(string text, int i) => text
            .Replace("@s", $"{chosen[i].Id}", StringComparison.Ordinal).Replace("@v", $"{chosen[i].Rated}", StringComparison.Ordinal)
            .Replace("@n", $"{chosen[i].Rated + 1}", StringComparison.Ordinal).Replace("@l", $"{chosen[i].Last}", StringComparison.Ordinal);
        for (var i = 0; i < Changes.Length; i++) await _product.ExecuteAsync(Fill(Changes[i].Change, i));

        var findings = await FindingsAsync();
        for (var i = 0; i < Changes.Length; i++)
        {
            var (place, problem) = ($"mt_events stream {chosen[i].Id}{Fill(Changes[i].Place, i)}", Fill(Changes[i].Problem, i));
            findings.ShouldContain(f => f.Place.StartsWith(place, StringComparison.Ordinal) && f.Problem.Contains(problem, StringComparison.Ordinal), $"{place}: {problem}");
        }

        // Whatever else is named is the seal over all of it.
        findings.Where(f => !chosen.Any(c => f.Place.Contains($"{c.Id}", StringComparison.Ordinal))).ShouldAllBe(f => f.Place == "release_sealed" || f.Place.EndsWith("record.json", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Verify_ContentsChanged_NamesEachRow()
    {
        var rows = await _product.ReadAsync($"select encode(hash, 'hex') from {Contents} order by hash limit 2", r => r.GetString(0));
        await _product.ExecuteAsync($"""
            update {Contents} set bytes = set_byte(bytes, 0, get_byte(bytes, 0) # 1) where hash = '\x{rows[0]}';
            delete from {Contents} where hash = '\x{rows[1]}'
            """);
        var findings = await FindingsAsync();
        findings.Select(f => f.Place.Split(" of ")[0]).ShouldBe([$"xi_contents {rows[0]}", $"xi_contents {rows[1]}"], ignoreOrder: true);
    }

    [Fact]
    public async Task Verify_ReleaseFilesChanged_NamesEachFile()
    {
        var kept = Directory.GetFiles(Release).ToDictionary(f => f, File.ReadAllBytes);
        try
        {
            await FlipAsync("sw.jsonl");
            await FlipAsync("manifest.json");
            await File.WriteAllBytesAsync(Path.Combine(Release, "tr.jsonl"), kept[Path.Combine(Release, "tr.jsonl")][..^1]);
            File.Delete(Path.Combine(Release, "record.json"));
            (await FindingsAsync()).Select(f => Path.GetFileName(f.Place)).ShouldBe(["sw.jsonl", "tr.jsonl", "manifest.json", "record.json"], ignoreOrder: true);
        }
        finally
        {
            foreach (var (path, bytes) in kept) await File.WriteAllBytesAsync(path, bytes);
        }
    }

    private async Task FlipAsync(string file)
    {
        var path = Path.Combine(Release, file);
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
    }

    private async Task<IReadOnlyList<(string Place, string Problem)>> FindingsAsync()
    {
        var (code, output, error) = await _product.RunAsync("audit", "verify", "--json");
        code.ShouldBeInRange(0, 1, error);
        var findings = JsonDocument.Parse(output).RootElement.GetProperty("findings").EnumerateArray()
            .Select(f => (f.GetProperty("place").GetString()!, f.GetProperty("problem").GetString()!)).ToList();
        code.ShouldBe(findings.Count == 0 ? 0 : 1, output);
        return findings;
    }
}
