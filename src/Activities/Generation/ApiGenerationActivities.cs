using Temporalio.Activities;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Texts;
using XInstruct.Workflows.Generation;
using XInstruct.Workflows.Languages;

namespace XInstruct.Activities.Generation;

/// <summary>Writes the instruction that each text of a shard answers, with a model behind an endpoint. What a sample gets depends on its own reply only.</summary>
public sealed class ApiGenerationActivities(
    EventWriter writer, RunLibrary library, SampleReader samples, Contents contents, FileStore files, RunSettingsTable settings, ShardCalls calls) : IGenerationActivities
{
    /// <inheritdoc/>
    [Activity]
    public async Task<ShardResult> GenerateShardAsync(ShardInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var (run, language, iteration) = (input.Language.Run, input.Language.Language, input.Iteration);
        var document = await library.RecipeAsync(run, ct);
        var recipe = document.Recipe;
        var endpoint = (await settings.ReadAsync(run.Run, ct)).Generator!;
        var prompt = EndpointPrompt.Of(document, "generator", language, files);
        var act = prompt.Act("generate", endpoint);
        var plan = await library.PlanAsync(input.Language, ct);
        var shard = (await samples.LoadAsync(run.Run, plan.Shard(input.Shard, recipe.Plan.ShardSize), ct))
            .Where(s => s.IsOpenIn(iteration, recipe.Refine.Regenerate)).ToList();
        var open = shard.Where(s => s.Generated < iteration).ToList();
        var texts = await contents.ReadAsync([.. open.Select(s => s.Text)], ct);
        var tally = new CallTally(shard.Count - open.Count, shard.Count(s => s.Generated >= iteration && s.Failure is not null));
        var scope = new CallScope(run.Run, "generate", language, $"{iteration}/{input.Shard}");
        await calls.RunAsync(
            scope,
            endpoint,
            open,
            s => prompt.Request(TextNormalizer.Normalize(texts[s.Text]), "", language, $"generate/{recipe.Seed}/{iteration}/{s.SampleId}"),
            recipe.Plan.MicroBatch,
            async (answers, token) =>
            {
                var changes = answers.Select(a => new Change<Sample>(
                    Identity.Stream(run.Run, a.Row.SampleId), a.Row.SampleId, s => s is null ? null : Decide(s, iteration, a, prompt, recipe.Seed))).ToList();
                await writer.WriteAsync(run.Run, act, changes, token, (session, written) => BudgetBook.QueueSettlement(
                    session, scope, [.. answers.Where((_, i) => written[i]).Select(a => a.Paid)], [.. answers.Where((_, i) => !written[i]).Select(a => a.Paid)]));
                foreach (var answer in answers) tally.Add(answer.Paid.Cost, Instruction(answer.Outcome).Reason);
                heartbeat.Advance(answers.Count);
            },
            ct);
        return tally.Result;
    }

    private static Fact? Decide(Sample sample, int iteration, Answered<Sample> answer, EndpointPrompt prompt, int seed)
    {
        var (instruction, reason) = Instruction(answer.Outcome);
        var e = instruction is null
            ? sample.FailGeneration(iteration, reason!)
            : sample.Generate(iteration, ContentHash.Of(instruction), (answer.Outcome as ChatReply)?.LogProbability, 1);
        if (e is null) return null;
        var rows = new List<Content> { Content.Of(Guid.Empty, prompt.Text) };
        if (instruction is not null) rows.Add(Content.Of(sample.Source, instruction));
        return new Fact(e, rows, answer.Paid.Cost, seed);
    }

    /// <summary>The instruction of a reply, or why it has none.</summary>
    private static (string? Instruction, string? Reason) Instruction(ChatOutcome outcome)
    {
        if (outcome is ChatRefusal refusal) return (null, refusal.Reason);
        var reply = (ChatReply)outcome;
        var text = TextNormalizer.Malformation(reply.Text) is null ? TextNormalizer.Normalize(reply.Text) : "";
        return reply.IsCutOff ? (null, "cut-off") : text.Length == 0 ? (null, "empty") : (text, null);
    }
}
