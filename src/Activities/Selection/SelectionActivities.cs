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
        using var rule = new KeepRule(recipe.Refine, input.Iteration, recipe.Seed, FileStore.Unnamed);
        var (levels, rated, kept) = (new int[3], 0, 0);
        var unkept = new BitArray(plan.Ids.Count);
        var place = 0;
        foreach (var ids in plan.Ids.Chunk(Batch))
        {
            foreach (var sample in await samples.LoadAsync(run.Run, ids, ct))
            {
                rule.Add(Candidate.Of(sample));
                unkept[place++] = sample.Kept is null;
                if (sample.Level is { } level) levels[level]++;
                if (sample.Rated == input.Iteration) rated++;
            }
        }

        var act = new Act("keep", CodeVersion.Current);
        foreach (var batch in Changes().Chunk(recipe.Plan.ShardSize))
        {
            await writer.WriteAsync(run.Run, act, batch, ct);
            heartbeat.Advance(batch.Length);
        }

        return completed ?? new LanguageIteration(input.Language.Language, rated, kept, kept + rule.KeptBefore, levels);

        IEnumerable<Change<Sample>> Changes()
        {
            foreach (var chosen in rule.Choose())
            {
                unkept[chosen] = false;
                var rank = ++kept;
                yield return Change(run.Run, plan.Ids[chosen], c => c.Keep(input.Iteration, rank));
            }

            for (var other = 0; input.IsLast && other < unkept.Count; other++)
            {
                if (unkept[other]) yield return Change(run.Run, plan.Ids[other], c => c.Reject(input.Iteration, c.Instruction is null ? "no-instruction" : c.Level is null ? "not-rated" : "not-kept"));
            }
        }
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
