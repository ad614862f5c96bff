using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;

namespace XInstruct.Activities.Audit;

/// <summary>A sealed release as the log alone has it.</summary>
/// <param name="Run">The run up to its seal.</param>
/// <param name="Samples">The samples that were selected, by language and id.</param>
public sealed record LoggedRelease(Run Run, SortedDictionary<string, List<Sample>> Samples)
{
    /// <summary>The seal.</summary>
    public ReleaseSealed Seal => Run.Release!;

    /// <summary>Folds a run's events up to its seal.</summary>
    /// <exception cref="UnsealedException">There is no such run, or no seal.</exception>
    public static async Task<LoggedRelease> ReadAsync(EventLog log, string run, CancellationToken ct)
    {
        var (state, seal) = ((Run?)null, long.MaxValue);
        foreach (var e in await log.ReadStreamAsync(Identity.RunStream(run), ct))
        {
            state = state.After(e);
            if (state?.Release is null) continue;
            seal = e.Sequence;
            break;
        }

        if (state is null) throw new UnsealedException($"There is no run {run}. 'xinstruct status' lists the runs.");
        if (state.Release is null) throw new UnsealedException($"Run {run} has no sealed release yet. 'xinstruct status {run}' shows how far it is.");
        var samples = new SortedDictionary<string, List<Sample>>(StringComparer.Ordinal);
        var current = (Sample?)null;
        await foreach (var e in log.ReadAsync(run, ct))
        {
            if (e.Sequence > seal) continue;
            if (e.Stream != current?.Id) Take();
            current = current.After(e);
        }

        Take();
        foreach (var list in samples.Values) list.Sort((a, b) => Identity.Compare(a.SampleId, b.SampleId));
        return new LoggedRelease(state, samples);

        void Take()
        {
            if (current is { Cluster: not null })
            {
                if (!samples.TryGetValue(current.Language, out var list)) samples[current.Language] = list = [];
                list.Add(current);
            }

            current = null;
        }
    }
}

/// <summary>A run has no release that could be rebuilt or compared.</summary>
public sealed class UnsealedException(string message) : Exception(message);
