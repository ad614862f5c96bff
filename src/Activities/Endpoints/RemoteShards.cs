using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Texts;
using XInstruct.Workflows.Languages;

namespace XInstruct.Activities.Endpoints;

/// <summary>Runs a shard of a stage whose model is behind an endpoint. What a sample gets depends on its own answer only.</summary>
public sealed class RemoteShards(
    EventWriter writer, RunLibrary library, SampleReader samples, Contents contents, FileStore files, RunSettingsTable settings, ShardCalls calls)
{
    /// <summary>Asks about each sample of the shard that has no answer yet.</summary>
    /// <exception cref="Temporalio.Exceptions.ApplicationFailureException">The endpoint cannot be used, or the budget is spent.</exception>
    public async Task<ShardResult> RunAsync(ShardInput input, RemoteStage stage)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var (run, language, iteration) = (input.Language.Run, input.Language.Language, input.Iteration);
        var document = await library.RecipeAsync(input, ct);
        var recipe = document.Recipe;
        var endpoint = SteeredRecipe.Of(stage.Endpoint(await settings.ReadAsync(run.Run, ct)), stage.Role, await library.SettingsAsync(input, ct));
        var prompt = EndpointPrompt.Of(document, stage.Role, language, files);
        var act = prompt.Act(stage.Name, endpoint);
        var plan = await library.PlanAsync(input.Language, ct);
        var shard = (await samples.LoadAsync(run.Run, plan.Shard(input.Shard, recipe.Plan.ShardSize), ct))
            .Where(s => stage.Takes(s) && s.IsOpenIn(iteration, recipe.Refine.Regenerate)).ToList();
        var open = shard.Where(s => !stage.IsDone(s, iteration)).ToList();
        var texts = await contents.ReadAsync([.. open.SelectMany(s => new[] { s.Text, s.Instruction }).OfType<string>()], ct);
        var scope = new CallScope(run.Run, stage.Name, language, $"{iteration}/{input.Shard}");
        // Results are committed one group after the other, so nothing else counts meanwhile.
        var result = new ShardResult(shard.Count - open.Count, shard.Count(s => stage.IsDone(s, iteration) && stage.HasFailed(s)));
        await calls.RunAsync(scope, endpoint, open, Ask, recipe.Plan.MicroBatch, CommitAsync, ct);
        return result;

        ChatRequest Ask(Sample sample) => prompt.Request(
            TextNormalizer.Normalize(texts[sample.Text]),
            sample.Instruction is { } instruction ? texts[instruction] : "",
            language,
            $"{stage.Name}/{recipe.Seed}/{iteration}/{sample.SampleId}{(sample.Retries > 0 ? $"/{sample.Retries}" : "")}");

        async Task CommitAsync(IReadOnlyList<Answered<Sample>> answers, CancellationToken token)
        {
            var changes = answers.Select(a => new Change<Sample>(
                Identity.Stream(run.Run, a.Row.SampleId), a.Row.SampleId, s => s is null ? null : Decide(s, a))).ToList();
            await writer.WriteAsync(run.Run, act, changes, token, (session, written) => BudgetBook.QueueSettlement(
                session, scope, [.. answers.Where((_, i) => written[i]).Select(a => a.Paid)], [.. answers.Where((_, i) => !written[i]).Select(a => a.Paid)]));
            foreach (var (outcome, cost) in answers.Select(a => (a.Outcome, a.Paid.Cost)))
            {
                var reason = stage.Reason(outcome);
                result = result.Add(new ShardResult(1, reason is null ? 0 : 1, cost.TokensIn, cost.TokensOut, reason));
            }

            heartbeat.Advance(answers.Count);
        }

        Fact? Decide(Sample sample, Answered<Sample> answer)
        {
            if (stage.Decide(sample, iteration, answer.Outcome) is not { } e) return null;
            var rows = new List<Content> { Content.Of(Guid.Empty, prompt.Text) };
            if (stage.Written(sample, answer.Outcome) is { } written) rows.Add(written);
            return new Fact(e, rows, answer.Paid.Cost, recipe.Seed);
        }
    }
}
