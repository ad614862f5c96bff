using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Sources;
using XInstruct.Workflows.Runs;

namespace XInstruct.Activities.Runs;

/// <summary>A fork that would not be true: its recipe changes what its parent has done already.</summary>
public sealed class ForkException(string message) : Exception(message);

/// <summary>
/// Begins a run with what another one has done. The fork's streams begin with the same events as the parent's, in the same order and with the same content hashes, which do not
/// know the run; the header <c>origin</c> names the parent's event by its record hash, and no event is paid again. Whatever the workflow then asks for and finds done, it skips.
/// </summary>
public sealed class RunForker(EventLog log, EventWriter writer, Contents contents, RunReader runs)
{
    private const int Streams = 500;

    /// <summary>Stages to fork from, in their order.</summary>
    public static ImmutableArray<string> Stages { get; } = ["generate", "rate", "keep", "diversify"];

    /// <summary>Takes over what the parent has done before a stage. Called again, it goes on.</summary>
    /// <param name="parent">Run to begin with.</param>
    /// <param name="from">The first stage that the fork does itself.</param>
    /// <param name="fork">The new run, prepared and not yet started.</param>
    /// <param name="ct">Cancellation.</param>
    /// <returns>How many events were taken over now.</returns>
    /// <exception cref="ForkException">The recipe changes something before the stage, or the run is there already and no such fork.</exception>
    public async Task<long> ForkAsync(string parent, string from, RunInput fork, CancellationToken ct)
    {
        var (before, there) = (await runs.FindAsync(parent, ct), await runs.FindAsync(fork.Run, ct));
        if (before is null) throw new ForkException($"There is no run {parent}. 'xinstruct status' lists the runs.");
        if (there is not null && (there.Forked is { } other ? (other.Parent, other.From) != (parent, from) : there.Head?.Version > 1))
        {
            throw new ForkException($"Run {fork.Run} is there already and no fork of {parent} from {from}. Give the fork another --id, or --new.");
        }

        var document = RecipeDocument.Parse(await contents.ReadAsync(fork.Recipe, ct));
        Check(await contents.ReadAsync(before.Recipe, ct), document, from);
        var stream = Identity.RunStream(fork.Run);
        var started = new RunStarted(document.Recipe.Name, fork.Recipe, document.SettingsHash, document.Recipe.Languages, document.Inputs);
        var forked = new RunForked(parent, from, before.Recipe);
        var act = new Act("fork", CodeVersion.Current);
        await writer.WriteAsync<Run>(fork.Run, act, [new Change<Run>(stream, stream, r => Run.Start(r, started) is { } e ? new Fact(e) : null)], ct);
        await writer.WriteAsync<Run>(fork.Run, act, [new Change<Run>(stream, stream, r => r?.Fork(forked) is { } e ? new Fact(e) : null)], ct);
        return await TakeOverAsync(parent, from, fork.Run, ct);
    }

    /// <summary>Everything that the two recipes do not have alike matters from the fork's stage on.</summary>
    private static void Check(string before, RecipeDocument document, string from)
    {
        if (from == "diversify" && document.Recipe.Refine.Iterations > 0)
        {
            throw new ForkException("A run with iterations after the first one can be forked from generate, rate and keep: what its later iterations train on would not be what it was. Use --from keep.");
        }

        foreach (var difference in Differences(RecipeDocument.Parse(before), document).OrderBy(d => d.Key, StringComparer.Ordinal))
        {
            var stage = Stages.IndexOf(FirstStage(difference.Key));
            if (stage >= Stages.IndexOf(from)) continue;
            throw new ForkException($"{difference}: it matters before {from}. "
                + (stage < 0 ? "It matters from the very beginning: start a new run with 'xinstruct run'." : $"Fork from {Stages[stage]}, or leave it as it was."));
        }
    }

    /// <summary>Settings by their dotted keys, inputs by their roles and languages.</summary>
    private static IEnumerable<RecipeDifference> Differences(RecipeDocument before, RecipeDocument now)
    {
        var inputs = from input in before.Inputs.Concat(now.Inputs)
                     group input.Sha256 by (input.Role, input.Language) into place
                     let name = place.Key.Role + (place.Key.Language is { } language ? $" ({language})" : "")
                     select new RecipeDifference(name, Hash(before, place.Key), Hash(now, place.Key));
        return RecipeDifference.Between(before.Recipe, now.Recipe).Concat(inputs.Where(i => i.Before != i.Now));

        static string Hash(RecipeDocument document, (string Role, string? Language) place) =>
            document.Inputs.FirstOrDefault(i => (i.Role, i.Language) == place)?.Sha256 ?? "not there";
    }

    /// <summary>The first stage for which a setting, or an input file by its role, matters.</summary>
    private static string FirstStage(string key)
    {
        bool Is(params string[] names) => names.Any(n => key == n || key.StartsWith(n + ".", StringComparison.Ordinal) || key.StartsWith(n + "/", StringComparison.Ordinal) || key.StartsWith(n + " ", StringComparison.Ordinal));
        return Is("models.generator", "models.tokenizer", "refine.generators", "refine.seedWeight") ? "generate"
            : Is("models.evaluator") ? "rate"
            : Is("refine") ? "keep"
            : Is("name", "diversify", "models.student", "evaluate") ? "diversify"
            : "";
    }

    private async Task<long> TakeOverAsync(string parent, string from, string fork, CancellationToken ct)
    {
        var (streams, current, stream, ended, written) = (new List<List<StoredEvent>>(), new List<StoredEvent>(), Guid.Empty, false, 0L);
        await foreach (var e in log.ReadAsync(parent, ct))
        {
            if (e.Stream != stream)
            {
                if (current is not []) streams.Add(current);
                if (streams.Count == Streams) written += await WriteAsync(fork, streams, ct);
                // Streams of samples and of sources; what the run's own holds is the fork's to do.
                (stream, current, ended) = (e.Stream, [], e.Type is not ("text_accepted" or "rows_rejected"));
            }

            ended |= Stages.IndexOf(StageOf(e)) >= Stages.IndexOf(from);
            if (!ended && !EventTypes.IsBeside(e.Type)) current.Add(e);
        }

        if (current is not []) streams.Add(current);
        return written + await WriteAsync(fork, streams, ct);
    }

    /// <summary>The stage that writes an event; what a later iteration does comes after the first one's keeping.</summary>
    private static string StageOf(StoredEvent e) => e.Type switch
    {
        "sample_selected" => "diversify",
        "sample_kept" or "sample_rejected" => "keep",
        _ when e.Data.TryGetProperty("iteration", out var iteration) && iteration.GetInt32() > 0 => "keep",
        "sample_rated" or "rating_failed" => "rate",
        "instruction_generated" or "instruction_revised" or "generation_failed" => "generate",
        _ => "",
    };

    private async Task<long> WriteAsync(string fork, List<List<StoredEvent>> streams, CancellationToken ct)
    {
        var written = 0L;
        var subjects = streams.ToDictionary(s => s[0].Stream, s => s[0].Data.GetProperty(s[0].Type == "text_accepted" ? "sample" : "source").GetGuid());
        for (var version = 0; streams.Any(s => s.Count > version); version++)
        {
            foreach (var group in streams.Where(s => s.Count > version).Select(s => s[version]).GroupBy(e => e.Header(EventHeaders.Act)!, StringComparer.Ordinal))
            {
                var act = JsonSerializer.Deserialize<Act>(await contents.ReadAsync(group.Key, ct), EventJson.Options)!;
                written += await WriteAsync<Sample>(fork, act, group.Where(e => e.Type != "rows_rejected"), subjects, version, ct);
                written += await WriteAsync<Source>(fork, act, group.Where(e => e.Type == "rows_rejected"), subjects, version, ct);
            }
        }

        streams.Clear();
        return written;
    }

    private async Task<int> WriteAsync<T>(string fork, Act act, IEnumerable<StoredEvent> events, Dictionary<Guid, Guid> subjects, int version, CancellationToken ct)
        where T : class, IChained
    {
        var changes = new List<Change<T>>();
        foreach (var e in events)
        {
            var subject = subjects[e.Stream];
            long? seed = long.TryParse(e.Header(EventHeaders.Seed), CultureInfo.InvariantCulture, out var number) ? number : null;
            changes.Add(new Change<T>(Identity.Stream(fork, subject), subject, current =>
                (current?.Head?.Version ?? 0) == version ? new Fact(e.Read()!, Seed: seed, Origin: e.Header(EventHeaders.Record)) : null));
        }

        return changes.Count == 0 ? 0 : await writer.WriteAsync(fork, act, changes, ct);
    }
}
