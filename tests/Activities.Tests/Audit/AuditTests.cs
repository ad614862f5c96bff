using XInstruct.Activities.Audit;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.Tests.Audit;

/// <summary>Runs that tests only read.</summary>
public sealed class ManyRuns : IAsyncLifetime
{
    internal AuditedRuns Runs { get; private set; } = null!;

    public async Task InitializeAsync() => Runs = await AuditedRuns.CreateAsync(
        new MadeUp("a"), new MadeUp("b"), new MadeUp("other-model", "model-2"), new MadeUp("other-words", Word: "ndefu"), new MadeUp("other-verdict", Rejected: 1), new MadeUp("rerated", Rerated: true),
        new MadeUp("rerated-words", Word: "ndefu", Rerated: true), new MadeUp("other-best", Best: 0.8), new MadeUp("retried", Retried: true));

    public async Task DisposeAsync() => await Runs.DisposeAsync();
}

/// <summary>Histories, states and releases that are read from the log.</summary>
public sealed class AuditTests(ManyRuns many) : IClassFixture<ManyRuns>
{
    private readonly AuditedRuns _runs = many.Runs;

    [Fact]
    public async Task Show_RevisedSample_TellsWordsModelsPromptAndMoney()
    {
        var trail = (await _runs.Get<AuditTrail>().OfAsync(AuditedRuns.Sample("sw", 0), default, prompts: true)).Single(t => t.Run == "a");
        trail.Entries.Select(e => e.Type).ShouldBe(["text_accepted", "instruction_generated", "sample_rated", "instruction_revised", "sample_rated", "sample_kept", "sample_selected"]);
        trail.Entries[3].Changes.ShouldBe([new(DiffKind.Same, "Andika "), new(DiffKind.Added, "habari fupi "), new(DiffKind.Same, "kuhusu mji wa 0.")]);
        trail.Entries.Where(e => e.Changes is not null).ShouldHaveSingleItem();
        trail.Entries[3].Act!.Value.GetProperty("models")[0].GetString().ShouldBe("model-1");
        trail.Entries.Select(e => e.Prompt).ShouldBe([null, "Write {text}", null, "Write {text}", null, null, null]);
        trail.Entries[3].Headers.GetProperty("workflow").GetString().ShouldNotBeNullOrEmpty();
        trail.Cost.ShouldBe(new(200, 20, 0.001m));
        var before = (await _runs.Get<AuditTrail>().OfAsync(AuditedRuns.Sample("sw", 0), default, AuditedRuns.Begun + TimeSpan.FromMinutes(2))).Single(t => t.Run == "a");
        before.Entries.Select(e => (e.Type, e.Prompt)).ShouldBe([("text_accepted", null), ("instruction_generated", null), ("sample_rated", null)]);
    }

    [Fact]
    public async Task Replay_EachVersion_IsWhatTheStoreHadThen()
    {
        var stream = Identity.Stream("a", AuditedRuns.Sample("th", 2));
        var replay = _runs.Get<SampleReplay>();
        var states = new List<Replayed>();
        for (var version = 1; version <= 7; version++) states.Add((await replay.OfAsync(stream, version, null, default))!);
        states.Select(s => (s.Version, s.State.Level, s.State.Kept, s.State.Cluster)).ShouldBe(
            [(1, null, null, null), (2, null, null, null), (3, 1, null, null), (4, null, null, null), (5, 2, null, null), (6, 2, 1, null), (7, 2, 1, 0)]);
        states.Select(s => s.Instruction).Distinct().ShouldBe([null, "Andika kuhusu mji wa 2.", "Andika habari fupi kuhusu mji wa 2."]);
        states.ShouldAllBe(s => s.Text == AuditedRuns.Text("th", 2) && s.Last == 7);
        // The log's fold is the store's own.
        (await replay.OfAsync(stream, null, null, default))!.State.ShouldBeEquivalentTo((await _runs.Get<SampleReader>().LoadAsync("a", [AuditedRuns.Sample("th", 2)], default))[0]);
        var then = await replay.OfAsync(stream, null, AuditedRuns.Begun + TimeSpan.FromMinutes(3), default);
        then!.Version.ShouldBe(2);
        (await replay.OfAsync(stream, null, AuditedRuns.Begun - TimeSpan.FromMinutes(1), default)).ShouldBeNull();
    }

    [Fact]
    public async Task Rerated_BeforeAndAfterTheSeal_LeavesFirstVerdictsAndReleaseAsTheyAre()
    {
        var (plain, rerated) = (await _runs.Get<RunReader>().LoadAsync("a", default), await _runs.Get<RunReader>().LoadAsync("rerated", default));
        rerated.Release!.Sha256.ShouldBe(plain.Release!.Sha256);
        (await _runs.Get<AuditVerifier>().VerifyAsync("rerated", default)).Findings.ShouldBeEmpty();
        var sample = (await _runs.Get<SampleReader>().LoadAsync("rerated", [AuditedRuns.Sample("sw", 0)], default))[0];
        var without = (await _runs.Get<SampleReader>().LoadAsync("a", [AuditedRuns.Sample("sw", 0)], default))[0];
        (sample.Level, sample.Kept, sample.Cluster, sample.Revision, sample.Head!.Content).ShouldBe((without.Level, without.Kept, without.Cluster, without.Head!.Version, without.Head.Content));
        sample.Rerated!.Select(r => (r.Job, r.Level)).ShouldBe([("second-0", 0), ("second-1", 0), ("third", 0)]);
        sample.Rerated![0].Pair.ShouldNotBe(sample.Instruction);
        var trail = (await _runs.Get<AuditTrail>().OfAsync(AuditedRuns.Sample("sw", 0), default)).Single(t => t.Run == "rerated");
        trail.Entries.Select(e => e.Type).ShouldBe(
            ["text_accepted", "instruction_generated", "sample_rated", "sample_rerated", "instruction_revised", "sample_rated", "sample_rerated", "sample_kept", "sample_selected", "sample_rerated"]);
        trail.Entries.Where(e => e.Changes is not null).ShouldHaveSingleItem();
        var folder = Path.Combine(_runs.Home, "rerated");
        (await _runs.Get<ReleaseRebuilder>().RebuildAsync("rerated", folder, default)).IsSame.ShouldBeTrue();
        var differences = new List<SampleDiff>();
        var diff = await _runs.Get<ReleaseDiff>().CompareAsync("a", "rerated", differences.Add, default);
        (diff.Added, diff.Removed, diff.Changed).ShouldBe((0, 0, 0));
        // What the others took is theirs.
        var then = AuditedRuns.Begun + TimeSpan.FromHours(1);
        (await _runs.Get<RunMoments>().OfAsync("rerated", then, default))!.Usd.ShouldBe((await _runs.Get<RunMoments>().OfAsync("a", then, default))!.Usd);
    }

    [Fact]
    public async Task Rebuild_ReleaseAndWorkDeleted_IsByteForByteTheSealedOne()
    {
        var release = _runs.Release("a");
        var before = Directory.GetFiles(release, "*.json*").ToDictionary(f => Path.GetFileName(f), File.ReadAllBytes);
        before.Keys.Order().ShouldBe(["manifest.json", "record.json", "sw.jsonl", "th.jsonl"]);
        Directory.Delete(release, recursive: true);
        Directory.Delete(Path.Combine(_runs.Home, "work", "a"), recursive: true);
        var again = Path.Combine(_runs.Home, "again");
        var rebuilt = await _runs.Get<ReleaseRebuilder>().RebuildAsync("a", again, default);
        rebuilt.IsSame.ShouldBeTrue();
        rebuilt.Sha256.ShouldBe(rebuilt.Sealed);
        foreach (var (name, bytes) in before) File.ReadAllBytes(Path.Combine(again, name)).ShouldBe(bytes, name);
        rebuilt.Outside.Select(o => (o.What, o.State)).ShouldBe([("input corpus", "intact"), ("weights of generator-0", "intact")]);
    }

    [Fact]
    public async Task Rebuild_WhatTheLogLacks_IsNamed()
    {
        await using var runs = await AuditedRuns.CreateAsync(new MadeUp("a"));
        var files = runs.Get<FileStore>();
        File.AppendAllText(Path.Combine(files.Tree((await runs.Get<RunReader>().LoadAsync("a", default)).Checkpoints[0].Checkpoint), "model.safetensors"), "!");
        Directory.Delete(Path.Combine(runs.Home, "inputs"), recursive: true);
        await runs.ExecuteAsync($"delete from xinstruct.xi_contents where hash = sha256(convert_to('{AuditedRuns.Text("sw", 1)}', 'UTF8'))");
        var rebuilt = await runs.Get<ReleaseRebuilder>().RebuildAsync("a", Path.Combine(runs.Home, "again"), default);
        rebuilt.Outside.Select(o => o.State).ShouldBe(["missing", "changed"]);
        rebuilt.Lost.ShouldBe([AuditedRuns.Sample("sw", 1)]);
        rebuilt.IsSame.ShouldBeFalse();
        rebuilt.Files.Where(f => !f.IsSame).Select(f => f.Name).ShouldBe(["sw.jsonl", "manifest.json"]);
        await Should.ThrowAsync<UnsealedException>(() => runs.Get<ReleaseRebuilder>().RebuildAsync("nosuch", Path.Combine(runs.Home, "no"), default));
    }

    [Fact]
    public async Task Diff_RunsOfTheSameTexts_NamesTheRevisionAndWhy()
    {
        async Task<(ReleaseComparison Comparison, List<SampleDiff> Samples)> OfAsync(string after)
        {
            var samples = new List<SampleDiff>();
            return (await _runs.Get<ReleaseDiff>().CompareAsync("a", after, samples.Add, default), samples);
        }

        var equal = await OfAsync("b");
        (equal.Comparison.Same, equal.Samples.Count).ShouldBe((6, 0));
        // Another model that writes the same gives the same content.
        (await OfAsync("other-model")).Comparison.Same.ShouldBe(6);
        var words = await OfAsync("other-words");
        words.Comparison.Reasons.ShouldHaveSingleItem().ShouldBe(new DiffReason("changed", "instruction_revised with another instruction", 6));
        words.Samples.ShouldAllBe(s => s.Version == 4 && s.Columns.Count == 1 && s.Columns[0] == "instruction");
        words.Samples[0].Instruction!.Where(p => p.Kind != DiffKind.Same).ShouldBe([new(DiffKind.Removed, "fupi"), new(DiffKind.Added, "ndefu")]);
        // Second verdicts are no revisions.
        var rerated = await OfAsync("rerated-words");
        rerated.Comparison.Reasons.ShouldBe(words.Comparison.Reasons);
        rerated.Samples.ShouldAllBe(s => s.Version == 4 && s.Columns.Count == 1 && s.Columns[0] == "instruction");
        var best = await OfAsync("other-best");
        best.Comparison.Reasons.ShouldHaveSingleItem().ShouldBe(new DiffReason("changed", "sample_rated with another probabilities", 6));
        best.Samples.ShouldAllBe(s => s.Version == 3 && s.Columns.Count == 1 && s.Columns[0] == "score");
        // The same words of the second try.
        var retried = await OfAsync("retried");
        retried.Comparison.Reasons.ShouldHaveSingleItem().ShouldBe(new DiffReason("changed", "instruction_revised in one, generation_failed in the other", 6));
        retried.Samples.ShouldAllBe(s => s.Version == 4 && s.Columns.Count == 1 && s.Columns[0] == "version");
        var verdict = await OfAsync("other-verdict");
        verdict.Comparison.Reasons.ShouldBe([
            new DiffReason("added", "sample_rated with another level, probabilities; a rejected it: worst-level", 2),
            new DiffReason("removed", "sample_rated with another level, probabilities; other-verdict rejected it: worst-level", 2)]);
        verdict.Samples.Select(s => (s.Change, s.Language, s.Sample, s.Version)).ShouldBe(
            [("removed", "sw", AuditedRuns.Sample("sw", 1), 3), ("added", "sw", AuditedRuns.Sample("sw", 3), 3), ("removed", "th", AuditedRuns.Sample("th", 1), 3), ("added", "th", AuditedRuns.Sample("th", 3), 3)],
            ignoreOrder: true);
    }
}
