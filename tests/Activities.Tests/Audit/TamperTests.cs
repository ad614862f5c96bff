using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Jobs;
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
        var model = await PutTreeAsync("model.safetensors", "weights");
        await _runs.Get<EventWriter>().WriteAsync<Model>("tuning", new Act("train", "1"), [new Change<Model>(stream, stream, _ => new Fact(new ModelTrained(Path.GetFileName(model), "base", 5, 1, 1)))], default);
        foreach (var (path, place) in new[] { (weights, weights), (state, state), (Path.Combine(model, "model.safetensors"), model) }) await FlipAsync("tuning", path, place);
    }

    [Fact]
    public async Task Verify_WhatAJobGaveChanged_NamesIt()
    {
        var recipe = Content.Of(Guid.Empty, "recipe of a job");
        var answer = Content.Of(Guid.Empty, "2");
        var rows = Path.Combine(_runs.Home, "rows.jsonl");
        await File.WriteAllTextAsync(rows, "{}\n{}\n");
        var (part, bytes) = await _runs.Get<FileStore>().ImportAsync(rows, default);
        var result = await PutTreeAsync("verdicts.jsonl", "{}\n{}\n");
        var place = Identity.JobPartStream(recipe.Hash, "rate", 0);
        var root = MerkleTree.Root([new MerkleTree.Leaf(place, 1, part)]);
        await WriteAsync<Job>(Identity.JobStream(recipe.Hash), new JobStarted("judging", "judge", recipe.Hash, []), recipe);
        await WriteAsync<JobReply>(Identity.JobReplyStream(recipe.Hash, "rate", "0"), new JobReplied("rate", "0", answer.Hash), answer);
        await WriteAsync<JobPart>(place, new JobPartDone("rate", 0, part, bytes, 2));
        await WriteAsync<Job>(Identity.JobStream(recipe.Hash), new JobStageEnded("rate", 1, 2, root));
        await WriteAsync<Job>(Identity.JobStream(recipe.Hash), new JobEnded(Path.GetFileName(result)));
        await FlipAsync("judging", _runs.Get<FileStore>().Blob(part), _runs.Get<FileStore>().Blob(part));
        await FlipAsync("judging", Path.Combine(result, "verdicts.jsonl"), result);

        await _runs.ExecuteAsync($"delete from xinstruct.xi_contents where hash = '\\x{answer.Hash}'");
        (await FindingsAsync("judging")).ShouldHaveSingleItem().ShouldBe(new Finding($"xi_contents {answer.Hash}", "The row is missing."));
        // A stage that says more than its parts.
        await WriteAsync<Job>(Identity.JobStream(recipe.Hash), new JobStageEnded("rate", 1, 3, root));
        (await FindingsAsync("judging")).ShouldContain(f => f.Place == "job_stage_ended rate" && f.Problem.Contains("1 parts with 3 rows", StringComparison.Ordinal));

        Task WriteAsync<T>(Guid stream, object e, params Content[] contents)
            where T : class, IChained =>
            _runs.Get<EventWriter>().WriteAsync<T>("judging", new Act("judge", "1"), [new Change<T>(stream, stream, _ => new Fact(e, contents))], default);
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

    /// <summary>Another verdict, with what proves it made to fit.</summary>
    [Fact]
    public async Task Verify_ForgedVerdict_NamesWhatItDoesNotFit()
    {
        var stream = Identity.Stream("a", AuditedRuns.Sample("sw", 1));
        var events = await _runs.Get<EventLog>().ReadStreamAsync(stream, default);
        var rated = events.First(e => e.Type == "sample_rated");
        rated.Version.ShouldBeLessThan(events.Count);

        // Its data with the record chain after it: the content chain does not fit, at this one place.
        await ForgeAsync(Changed("data"), isContentForged: false);
        var findings = await FindingsAsync();
        var only = findings.Where(f => f.Place.StartsWith("mt_events", StringComparison.Ordinal)).ShouldHaveSingleItem();
        only.Place.ShouldBe(Place(rated));
        only.Problem.ShouldStartWith("The content hash should be");

        // With both chains: the seal over all of them does not fit.
        await ForgeAsync(Changed("data"), isContentForged: true);
        (await FindingsAsync()).Select(f => (f.Place, f.Problem[..f.Problem.IndexOf(" should", StringComparison.Ordinal)]))
            .ShouldBe([("release_sealed", "The content root over all events"), ("release_sealed", "The record root over all events")]);

        // Who did it when: that is in the record chain alone.
        await ForgeAsync(Changed("headers"), isContentForged: true);
        (await FindingsAsync()).ShouldHaveSingleItem().Problem.ShouldStartWith("The record root over all events");

        // Taken out, with chains that go on over the gap.
        await ForgeAsync(events.Where(e => e != rated), isContentForged: true);
        (await FindingsAsync()).ShouldContain(new Finding(Place(events[(int)rated.Version]), $"Version {rated.Version} is missing before it."));

        // Cut off, with the state made to fit: the stream table still knows how long it was.
        await ForgeAsync(events.SkipLast(1), isContentForged: true);
        await _runs.ExecuteAsync($"delete from xinstruct.mt_doc_sample where id = '{stream}'");
        (await FindingsAsync()).ShouldContain(new Finding($"mt_events stream {stream}", $"The stream should end at version {events.Count}, its last event is version {events.Count - 1}."));

        IEnumerable<StoredEvent> Changed(string part) => events.Select(e => e != rated ? e : part == "data" ? e with { Data = With(e.Data, "level", 0) } : e with { Headers = With(e.Headers, "worker", "another") });

        static string Place(StoredEvent e) => $"mt_events stream {e.Stream} version {e.Version} ({e.Type})";
    }

    /// <summary>Writes a stream of a sample anew, with chains that fit.</summary>
    private async Task ForgeAsync(IEnumerable<StoredEvent> events, bool isContentForged)
    {
        var (content, record) = (HashChain.Start, HashChain.Start);
        var forged = new List<StoredEvent>();
        Guid? sample = null;
        foreach (var e in events)
        {
            sample ??= e.Data.GetProperty("sample").GetGuid();
            var data = CanonicalJson.Of(e.Data);
            content = !isContentForged ? e.Header(EventHeaders.Content)! : EventTypes.IsBeside(e.Type) ? content : HashChain.Content(content, sample.Value, e.Type, data);
            var headers = With(e.Headers, EventHeaders.Content, content);
            record = HashChain.Record(record, e.Stream, e.Version, e.Type, data, CanonicalJson.Of(headers, without: EventHeaders.Record));
            forged.Add(e with { Headers = With(headers, EventHeaders.Record, record) });
        }

        await _runs.ExecuteAsync($"""
            create table if not exists kept as select * from {Events};
            delete from {Events} where stream_id = '{forged[0].Stream}';
            insert into {Events} select * from kept where stream_id = '{forged[0].Stream}' and version in ({string.Join(", ", forged.Select(e => e.Version))})
            """);
        foreach (var e in forged)
        {
            await SetAsync(e.Stream, e.Version, "data", e.Data.GetRawText());
            await SetAsync(e.Stream, e.Version, "headers", e.Headers.GetRawText());
        }
    }

    private static JsonElement With(JsonElement json, string name, JsonNode value)
    {
        var copy = JsonSerializer.SerializeToNode(json)!;
        copy[name] = value;
        return copy.Deserialize<JsonElement>();
    }

    private async Task<string> PutTreeAsync(string file, string text)
    {
        var folder = _runs.Get<FileStore>().NewFolder();
        await File.WriteAllTextAsync(Path.Combine(folder, file), text);
        return _runs.Get<FileStore>().Tree(await _runs.Get<FileStore>().PutTreeAsync(folder, default));
    }

    /// <summary>One byte of a file is changed, and put right again when the audit has named the place and nothing else.</summary>
    private async Task FlipAsync(string run, string path, string place)
    {
        (await FindingsAsync(run)).ShouldBeEmpty();
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[3] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        (await FindingsAsync(run)).ShouldHaveSingleItem().Place.ShouldBe(place);
        bytes[3] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
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
