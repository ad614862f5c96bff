using System.Collections;
using Marten;
using Temporalio.Activities;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Refinement;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;
using XInstruct.Workflows.Selection;

namespace XInstruct.Activities.Selection;

/// <summary>Keeps the best pairs of a language at the end of an iteration.</summary>
public sealed class SelectionActivities(EventWriter writer, RunLibrary library, RunReader runs, SampleReader samples, IDocumentStore store) : ISelectionActivities
{
    /// <summary>Samples whose states are read at once.</summary>
    private const int Batch = 1000;

    /// <inheritdoc/>
    [Activity]
    public async Task<LanguageIteration> KeepAsync(KeepInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var run = input.Language.Run;
        var completed = (await runs.LoadAsync(run.Run, ct)).Iterations.FirstOrDefault(i => i.Iteration == input.Iteration)?.Languages.Single(l => l.Language == input.Language.Language);
        // A run that failed and was started again: its samples have moved on since.
        if (completed is not null && !input.IsApproved) return completed;
        var recipe = (await library.RecipeAsync(run, ct)).Recipe;
        var plan = await library.PlanAsync(input.Language, ct);
        var all = new List<Candidate>(plan.Ids.Count);
        foreach (var ids in plan.Ids.Chunk(Batch)) all.AddRange((await samples.LoadAsync(run.Run, ids, ct)).Select(Candidate.Of));
        var kept = KeepRule.Choose(all, recipe.Refine, input.Iteration, recipe.Seed);
        var act = new Act("keep", CodeVersion.Current);
        var changes = kept.Select((place, i) => Change(run.Run, all[place].Sample, c => c.Keep(input.Iteration, i + 1)));
        if (input.IsLast)
        {
            var chosen = new BitArray(all.Count);
            foreach (var place in kept) chosen[place] = true;
            changes = changes.Concat(all.Where((s, place) => s.Kept is null && !chosen[place])
                .Select(s => Change(run.Run, s.Sample, c => c.Reject(input.Iteration, c.Instruction is null ? "no-instruction" : c.Level is null ? "not-rated" : "not-kept"))));
        }

        foreach (var batch in changes.Chunk(recipe.Plan.ShardSize))
        {
            await writer.WriteAsync(run.Run, act, batch, ct);
            heartbeat.Advance(batch.Length);
        }

        if (completed is not null) return completed;
        var levels = Enumerable.Range(0, 3).Select(level => all.Count(s => s.Level == level)).ToList();
        return new LanguageIteration(
            input.Language.Language, all.Count(s => s.Rated == input.Iteration), kept.Count, kept.Count + all.Count(s => s.Kept < input.Iteration), levels);
    }

    /// <inheritdoc/>
    [Activity]
    public async Task<int> RestoreAsync(KeepInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var run = input.Language.Run;
        var recipe = (await library.RecipeAsync(run, ct)).Recipe;
        var restored = 0;
        await using var session = store.QuerySession();
        foreach (var ids in (await library.PlanAsync(input.Language, ct)).Ids.Chunk(recipe.Plan.ShardSize))
        {
            var changes = new List<Change<Sample>>();
            foreach (var sample in await samples.LoadAsync(run.Run, ids, ct))
            {
                var stream = Identity.Stream(run.Run, sample.SampleId);
                var events = await session.Events.FetchStreamAsync(stream, token: ct);
                if (Sample.Before(events.Select(e => e.Data), input.Iteration) is { } before) changes.Add(Change(run.Run, sample.SampleId, s => s.Restore(before, input.Iteration)));
            }

            restored += await writer.WriteAsync(run.Run, new Act("undo", CodeVersion.Current), changes, ct);
            heartbeat.Advance(ids.Length);
        }

        return restored;
    }

    private static Change<Sample> Change(string run, Guid sample, Func<Sample, object?> decide) => new(
        Identity.Stream(run, sample), sample, current => current is not null && decide(current) is { } e ? new Fact(e) : null);
}
