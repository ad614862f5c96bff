using System.Text.Json;
using Npgsql;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Models;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Tests.Audit;

/// <summary>A sealed run to which things are done behind the product's back, each put right again.</summary>
public sealed class TamperTests : IAsyncLifetime
{
    private const string Events = "xinstruct.mt_events";
    private const int Flips = 60;

    private AuditedRuns _runs = null!;

    public async Task InitializeAsync()
    {
        _runs = await AuditedRuns.CreateAsync(new MadeUp("a", Rerated: true));
        (await FindingsAsync()).ShouldBeEmpty();
    }

    public async Task DisposeAsync() => await _runs.DisposeAsync();

    /// <summary>Any byte of any event's data or headers: that very event is named, and beside it only the seal over all of them.</summary>
    [Theory]
    [InlineData("data")]
    [InlineData("headers")]
    public async Task Verify_OneByteOfAnEventFlipped_NamesTheEvent(string column)
    {
        var events = new List<(Guid Stream, long Version, string Text)>();
        await using (var reader = await _runs.Get<NpgsqlDataSource>().CreateCommand($"select stream_id, version, {column}::text from {Events} order by stream_id, version").ExecuteReaderAsync())
        {
            while (await reader.ReadAsync()) events.Add((reader.GetGuid(0), reader.GetInt64(1), reader.GetString(2)));
        }

        var random = new Random(7);
        for (var flipped = 0; flipped < Flips;)
        {
            var (stream, version, text) = events[random.Next(events.Count)];
            var bytes = System.Text.Encoding.UTF8.GetBytes(text);
            bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(7));
            var changed = System.Text.Encoding.UTF8.GetString(bytes);
            // What PostgreSQL keeps as jsonb is what counts: some bytes it refuses, some blanks it never had.
            if (!await SetAsync(stream, version, column, changed)) continue;
            var findings = await FindingsAsync();
            await SetAsync(stream, version, column, text);
            var only = events.Count(e => e.Stream == stream) == 1;
            var place = $"mt_events stream {stream}" + (only ? "" : $" version {version} ");
            findings.ShouldContain(f => f.Place.StartsWith(place, StringComparison.Ordinal), $"{text} -> {changed}");
            findings.ShouldAllBe(f => f.Place.Contains($"{stream}", StringComparison.Ordinal) || IsSeal(f) || f.Place.StartsWith("xi_contents", StringComparison.Ordinal) || f.Place.Length == 64, $"{text} -> {changed}");
            flipped++;
        }

        (await FindingsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Verify_OneByteOfEachContentFlipped_NamesTheRow()
    {
        var rows = new List<(string Hash, int Length)>();
        await using (var reader = await _runs.Get<NpgsqlDataSource>().CreateCommand("select encode(hash, 'hex'), length(bytes) from xinstruct.xi_contents order by hash").ExecuteReaderAsync())
        {
            while (await reader.ReadAsync()) rows.Add((reader.GetString(0), reader.GetInt32(1)));
        }

        rows.Count.ShouldBeGreaterThan(15);
        foreach (var (hash, length) in rows)
        {
            var flip = $"update xinstruct.xi_contents set bytes = set_byte(bytes, {length / 2}, get_byte(bytes, {length / 2}) # 1) where hash = '\\x{hash}'";
            await _runs.ExecuteAsync(flip);
            var findings = await FindingsAsync();
            findings.ShouldNotBeEmpty();
            findings.ShouldAllBe(f => f.Place.StartsWith($"xi_contents {hash}", StringComparison.Ordinal));
            await _runs.ExecuteAsync(flip);
        }
    }

    [Fact]
    public async Task Verify_OneByteOfAReleaseFileOrCheckpointFlipped_NamesTheFile()
    {
        var weights = Path.Combine(_runs.Get<FileStore>().Tree((await _runs.Get<RunReader>().LoadAsync("a", default)).Checkpoints[0].Checkpoint), "model.safetensors");
        foreach (var path in Directory.GetFiles(_runs.Release("a"), "*.json*").Append(weights))
        {
            var bytes = await File.ReadAllBytesAsync(path);
            for (var at = 0; at < bytes.Length; at += Math.Max(1, bytes.Length / 7))
            {
                bytes[at] ^= 1;
                await File.WriteAllBytesAsync(path, bytes);
                var finding = (await FindingsAsync()).ShouldHaveSingleItem($"{path} {at}");
                finding.Place.ShouldBe(path == weights ? Path.GetDirectoryName(path) : path);
                finding.Problem.ShouldContain(Path.GetExtension(path) == ".safetensors" ? "model.safetensors" : "SHA-256");
                bytes[at] ^= 1;
            }

            await File.WriteAllBytesAsync(path, bytes);
        }

        File.Delete(weights);
        Directory.Delete(Path.GetDirectoryName(weights)!);
        (await FindingsAsync()).ShouldHaveSingleItem().Problem.ShouldContain("generator-0");
    }

    [Fact]
    public async Task Verify_OneByteOfATrainingsCheckpointFlipped_NamesTheFile()
    {
        var folder = Path.Combine(_runs.Get<FileStore>().Work("tuning", "checkpoints"), "checkpoint-00000005");
        Directory.CreateDirectory(folder);
        var (weights, state) = (Path.Combine(folder, "model.safetensors"), Path.Combine(folder, "state.json"));
        await File.WriteAllTextAsync(weights, "weights");
        await File.WriteAllTextAsync(state, JsonSerializer.Serialize(new { step = 5, files = new Dictionary<string, string> { ["model.safetensors"] = ContentHash.Of("weights") } }));
        var stream = Guid.NewGuid();
        await _runs.Get<EventWriter>().WriteAsync<Model>("tuning", new Act("train", "1"), [new Change<Model>(stream, stream, _ => new Fact(new TrainingStarted("tuning", ContentHash.Of("recipe"), "sft full", null, []), [Content.Of(Guid.Empty, "recipe")]))], default);
        await _runs.Get<EventWriter>().WriteAsync<Model>("tuning", new Act("train", "1"), [new Change<Model>(stream, stream, _ => new Fact(new ModelCheckpointSaved(5, ContentHash.Of(File.ReadAllBytes(state)), 1, 1)))], default);
        (await FindingsAsync("tuning")).ShouldBeEmpty();
        foreach (var path in new[] { weights, state })
        {
            var bytes = await File.ReadAllBytesAsync(path);
            bytes[3] ^= 1;
            await File.WriteAllBytesAsync(path, bytes);
            (await FindingsAsync("tuning")).ShouldHaveSingleItem().Place.ShouldBe(path);
            bytes[3] ^= 1;
            await File.WriteAllBytesAsync(path, bytes);
        }
    }

    /// <summary>Events deleted, swapped and cut off, in a stream of samples, of a source and of the run.</summary>
    [Fact]
    public async Task Verify_EventsDeletedSwappedAndTruncated_NamesTheStream()
    {
        await _runs.ExecuteAsync($"create table kept as select * from {Events}");
        var streams = new List<(Guid Stream, long Last)>();
        await using (var reader = await _runs.Get<NpgsqlDataSource>().CreateCommand($"select stream_id, max(version) from {Events} group by stream_id order by stream_id").ExecuteReaderAsync())
        {
            while (await reader.ReadAsync()) streams.Add((reader.GetGuid(0), reader.GetInt64(1)));
        }

        foreach (var (stream, last) in streams)
        {
            var ways = new List<string> { $"delete from {Events} where stream_id = '{stream}' and version = {last}", $"delete from {Events} where stream_id = '{stream}'" };
            if (last > 2) ways.Add($"delete from {Events} where stream_id = '{stream}' and version = 2");
            if (last > 2) ways.Add($"delete from {Events} where stream_id = '{stream}' and version > 1");
            if (last > 1) ways.Add($"update {Events} set version = -version where stream_id = '{stream}' and version <= 2; update {Events} set version = 3 + version where stream_id = '{stream}' and version < 0");
            foreach (var way in ways)
            {
                await _runs.ExecuteAsync(way);
                (await FindingsAsync()).ShouldContain(f => f.Place.StartsWith($"mt_events stream {stream}", StringComparison.Ordinal), way);
                await _runs.ExecuteAsync($"delete from {Events}; insert into {Events} select * from kept");
            }
        }

        (await FindingsAsync()).ShouldBeEmpty();
    }

    private static bool IsSeal(Finding finding) => finding.Place == "release_sealed" || finding.Place.EndsWith("record.json", StringComparison.Ordinal);

    private async Task<IReadOnlyList<Finding>> FindingsAsync(string run = "a") => (await _runs.Get<AuditVerifier>().VerifyAsync(run, default)).Findings;

    /// <summary>True when the event was changed: PostgreSQL refuses what is no JSON.</summary>
    private async Task<bool> SetAsync(Guid stream, long version, string column, string json)
    {
        try
        {
            await using var command = _runs.Get<NpgsqlDataSource>().CreateCommand($"update {Events} set {column} = $3::jsonb where stream_id = $1 and version = $2 and {column} <> $3::jsonb");
            command.Parameters.AddWithValue(stream);
            command.Parameters.AddWithValue(version);
            command.Parameters.AddWithValue(json);
            return await command.ExecuteNonQueryAsync() == 1;
        }
        catch (PostgresException)
        {
            return false;
        }
    }
}
