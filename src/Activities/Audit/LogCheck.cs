using System.Text.Json;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Jobs;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Audit;

/// <summary>A file or folder in the shared directory that an event names by its hash.</summary>
/// <param name="IsTree">A folder under the hash of its file table; else a file.</param>
internal sealed record NamedFile(string What, string Hash, bool IsTree);

/// <summary>What events say, wherever they come from: checks both chains and gathers what else is to be checked.</summary>
internal sealed class LogCheck : IDisposable
{
    private readonly Guid _runStream;
    private readonly ChainChecker _chain;
    private readonly RootBuilder _roots;
    private readonly List<(Guid Stream, JobPartDone Part)> _parts = [];
    private readonly List<JobStageEnded> _stages = [];

    public LogCheck(string run)
    {
        Run = run;
        _runStream = Identity.RunStream(run);
        _chain = new ChainChecker(Findings);
        _roots = new RootBuilder(run, untilRelease: true);
    }

    public string Run { get; }

    public List<Finding> Findings { get; } = [];

    public long Events => _chain.Events;

    /// <summary>Last version found of each stream.</summary>
    public Dictionary<Guid, long> Versions => _chain.Versions;

    /// <summary>Hashes of contents that must be there.</summary>
    public SortedSet<string> Contents { get; } = new(StringComparer.Ordinal);

    /// <summary>Files and folders that are named.</summary>
    public List<NamedFile> Files { get; } = [];

    /// <summary>Checkpoints of a training: hash of the state.json by step.</summary>
    public Dictionary<int, string> States { get; } = [];

    /// <summary>The seal, when there is one.</summary>
    public ReleaseSealed? Release { get; private set; }

    /// <summary>The next event, in order of stream and version.</summary>
    public void Add(StoredEvent stored)
    {
        if (!_chain.Check(stored)) return;
        try
        {
            _roots.Add(stored);
            Collect(stored);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            // The chain has named this event already: its data is no longer what such an event has.
            Findings.Add(new Finding(ChainChecker.Place(stored), $"The data is no {stored.Type}: {e.Message}"));
        }
    }

    /// <summary>After the last event: the roots that a seal covers.</summary>
    public Roots End()
    {
        CheckStages();
        var roots = _roots.Roots();
        if (Release is null) return roots;
        Expect("release_sealed", "The content root over all events", Release.ContentRoot, roots.Content);
        Expect("release_sealed", "The record root over all events", Release.RecordRoot, roots.Record);
        return roots;
    }

    /// <summary>A finding unless both are equal.</summary>
    public void Expect(string place, string what, string expected, string found)
    {
        if (expected != found) Findings.Add(new Finding(place, $"{what} should be {expected}, is {found}."));
    }

    /// <summary>How long a stream is, by another table than the events'.</summary>
    public void ExpectVersion(Guid stream, long version)
    {
        var found = Versions.GetValueOrDefault(stream);
        if (found != version) Findings.Add(new Finding($"mt_events stream {stream}", $"The stream should end at version {version}, its last event is version {found}."));
    }

    public void Dispose() => _roots.Dispose();

    private void Collect(StoredEvent stored)
    {
        string Text(string name) => stored.Data.GetProperty(name).GetString()!;
        foreach (var member in new[] { "text", "instruction", "pair" })
        {
            if (stored.Data.TryGetProperty(member, out var hash) && hash.ValueKind == JsonValueKind.String) AddContent(hash.GetString()!);
        }

        if (stored.Header(EventHeaders.Act) is { } act) AddContent(act);
        switch (stored.Type)
        {
            case "run_started" or "training_started" or "job_started":
                AddContent(Text("recipe"));
                break;
            case "job_replied" when stored.Data.TryGetProperty("reply", out var reply):
                AddContent(reply.GetString()!);
                break;
            case "checkpoint_saved":
                AddFile(new NamedFile($"checkpoint of {Text("role")}", Text("checkpoint"), IsTree: true));
                break;
            case "model_checkpoint_saved":
                States[stored.Data.GetProperty("step").GetInt32()] = Text("checkpoint");
                break;
            case "model_trained":
                AddFile(new NamedFile("trained model", Text("model"), IsTree: true));
                break;
            case "job_part_done":
                _parts.Add((stored.Stream, stored.Data.Deserialize<JobPartDone>(EventJson.Options)!));
                AddFile(new NamedFile("part of a job", Text("file"), IsTree: false));
                break;
            case "job_stage_ended":
                _stages.Add(stored.Data.Deserialize<JobStageEnded>(EventJson.Options)!);
                break;
            case "job_ended":
                AddFile(new NamedFile("result of a job", Text("result"), IsTree: true));
                break;
            case "release_sealed" when stored.Stream == _runStream:
                Release = stored.Data.Deserialize<ReleaseSealed>(EventJson.Options);
                break;
            default: break;
        }
    }

    // A hash that is none was changed, and the chain has named its event.
    private void AddContent(string hash)
    {
        if (ChainChecker.IsHash(hash)) Contents.Add(hash);
    }

    private void AddFile(NamedFile file)
    {
        if (ChainChecker.IsHash(file.Hash)) Files.Add(file);
    }

    /// <summary>What a job's stages came to is what its parts say.</summary>
    private void CheckStages()
    {
        foreach (var stage in _stages)
        {
            var done = _parts.Where(p => p.Part.Stage == stage.Stage).OrderBy(p => p.Part.Part).ToList();
            if (done.Any(p => !ChainChecker.IsHash(p.Part.File))) continue;
            var root = MerkleTree.Root(done.Select(p => new MerkleTree.Leaf(p.Stream, 1, p.Part.File)));
            var found = new JobStageEnded(stage.Stage, done.Count, done.Sum(p => p.Part.Rows), root);
            if (found != stage) Findings.Add(new Finding($"job_stage_ended {stage.Stage}", $"The stage should have {stage.Parts} parts with {stage.Rows} rows and root {stage.Root}; its parts' events are {found.Parts} with {found.Rows} rows and root {found.Root}."));
        }
    }
}
