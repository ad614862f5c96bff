namespace XInstruct.EndToEnd;

/// <summary>A moment at which a run is killed: not after so many seconds, which mean another place on each machine, but in the work between two commits.</summary>
/// <param name="Stage">Stage at work.</param>
/// <param name="Events">Committed events before it.</param>
/// <param name="Wait">Time after the last of these: a share of what the undisturbed run needed to the next commit.</param>
internal sealed record KillMoment(string Stage, long Events, TimeSpan Wait)
{
    /// <summary>Seeded moments in as many different stages, in the order of the run.</summary>
    public static IReadOnlyList<KillMoment> Choose(UndisturbedRun run, int count, int seed)
    {
        var random = new Random(seed);
        var stages = Stages(run).ToArray();
        stages.Length.ShouldBeGreaterThanOrEqualTo(count);
        random.Shuffle(stages);
        return [.. stages.Take(count).Select(gaps => Pick(gaps, random)).OrderBy(m => m.Events)];
    }

    private static KillMoment Pick(IReadOnlyList<KillMoment> gaps, Random random)
    {
        var gap = gaps[random.Next(gaps.Count)];
        return gap with { Wait = gap.Wait * random.NextDouble() };
    }

    /// <summary>The times between two commits, by stage. The last stage is left out: with its event the run is over.</summary>
    private static IEnumerable<IReadOnlyList<KillMoment>> Stages(UndisturbedRun run)
    {
        var (stages, last) = (new List<List<KillMoment>>(), run.Begun);
        for (var i = 0; i < run.Events.Count - 1; i++)
        {
            var (stage, at) = (run.Events[i].Stage, run.Events[i].At);
            if (i > 0 && at == last) continue;
            if (stages.Count == 0 || stages[^1][0].Stage != stage) stages.Add([]);
            stages[^1].Add(new KillMoment(stage, i, at > last ? at - last : TimeSpan.Zero));
            last = at;
        }

        return stages;
    }
}
