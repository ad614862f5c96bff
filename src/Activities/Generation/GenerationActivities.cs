using System.Text.Json;
using Temporalio.Activities;
using XInstruct.Activities.Models;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Texts;
using XInstruct.Training.Generation;
using XInstruct.Training.Scoring;
using XInstruct.Workflows.Generation;
using XInstruct.Workflows.Languages;

namespace XInstruct.Activities.Generation;

/// <summary>Writes the instruction that each text of a shard answers, with local models.</summary>
public sealed class GenerationActivities(
    EventWriter writer, RunLibrary library, ModelLibrary models, SampleReader samples, Contents contents) : IGenerationActivities
{
    private sealed record Candidate(string Instruction, double LogProbability, int Count, Cost Cost);

    /// <inheritdoc/>
    [Activity]
    public async Task<ShardResult> GenerateShardAsync(ShardInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var run = input.Language.Run;
        var recipe = (await library.RecipeAsync(input, ct)).Recipe;
        var plan = await library.PlanAsync(input.Language, ct);
        // The whole list decides the batches, done or not: a resumed shard redoes whole micro-batches.
        var shard = (await samples.LoadAsync(run.Run, plan.Shard(input.Shard, recipe.Plan.ShardSize), ct))
            .Where(s => s.IsOpenIn(input.Iteration, recipe.Refine.Regenerate)).ToList();
        var result = new ShardResult(0, 0);
        foreach (var batch in shard.Chunk(recipe.Plan.MicroBatch))
        {
            ct.ThrowIfCancellationRequested();
            if (batch.Any(s => s.Generated < input.Iteration)) result = result.Add(await GenerateAsync(input, recipe, batch, ct));
            else result = result.Add(new ShardResult(batch.Length, batch.Count(s => s.Failure is not null)));
            heartbeat.Advance(batch.Length);
        }

        return result;
    }

    private async Task<ShardResult> GenerateAsync(ShardInput input, Recipe recipe, Sample[] batch, CancellationToken ct)
    {
        var options = recipe.Models.Generator;
        var texts = await contents.ReadAsync([.. batch.Select(s => s.Text)], ct);
        var candidates = Candidates(input, recipe, batch, texts, ct);
        var act = new Act(
            "generate",
            CodeVersion.Current,
            [.. input.Models.Select(m => m.Checkpoint)],
            ContentHash.Of(options.Prompt),
            JsonSerializer.Serialize(options.Sampling, EventJson.Options),
            ModelLibrary.Device(recipe.Threads));
        var run = input.Language.Run.Run;
        var changes = batch.Select((sample, i) => new Change<Sample>(Identity.Stream(run, sample.SampleId), sample.SampleId, current =>
        {
            if (current is null) return null;
            if (candidates[i] is not { } best) return current.FailGeneration(input.Iteration, "empty") is { } failed ? new Fact(failed) : null;
            return current.Generate(input.Iteration, ContentHash.Of(best.Instruction), best.LogProbability, best.Count) is { } generated
                ? new Fact(generated, [Content.Of(sample.Source, best.Instruction), Content.Of(Guid.Empty, options.Prompt)], best.Cost, recipe.Seed)
                : null;
        })).ToList();
        await writer.WriteAsync(run, act, changes, ct);
        var failures = candidates.Count(c => c is null);
        return new ShardResult(
            batch.Length,
            failures,
            candidates.Sum(c => c?.Cost.TokensIn ?? 0),
            candidates.Sum(c => c?.Cost.TokensOut ?? 0),
            failures > 0 ? "empty" : null);
    }

    /// <summary>Each allowed generator writes; each candidate is ranked by its mean token log-probability under all generators allowed on the text.</summary>
    private Candidate?[] Candidates(
        ShardInput input, Recipe recipe, Sample[] batch, IReadOnlyDictionary<string, string> texts, CancellationToken ct)
    {
        var options = recipe.Models.Generator;
        var written = batch.Select(_ => new List<string>()).ToArray();
        var costs = new Cost[batch.Length];
        foreach (var reference in input.Models)
        {
            var model = models.Load(reference.Checkpoint);
            var prompt = new ModelPrompt(model.Tokenizer, options.Prompt, options.MaxTextTokens);
            var rows = Allowed(reference, batch);
            var requests = rows.Select(i => new GenerationRequest(prompt.Prompt(Slots(texts, batch[i])), Seed(recipe.Seed, input.Iteration, batch[i]))).ToList();
            var outputs = TextGenerator.Generate(model.Decoder, requests, Options(recipe, prompt), ct);
            for (var j = 0; j < rows.Count; j++)
            {
                var cost = costs[rows[j]];
                costs[rows[j]] = new Cost(cost.TokensIn + requests[j].Prompt.Length, cost.TokensOut + outputs[j].Ids.Length);
                var text = TextNormalizer.Normalize(prompt.Text(outputs[j].Ids));
                if (text.Length > 0 && !written[rows[j]].Contains(text, StringComparer.Ordinal)) written[rows[j]].Add(text);
            }
        }

        var scores = Scores(input, recipe, batch, texts, written, ct);
        return [.. batch.Select((_, i) => written[i].Count == 0 ? null : Best(written[i], scores[i], costs[i]))];
    }

    private static Candidate Best(List<string> written, double[] scores, Cost cost)
    {
        var best = 0;
        for (var c = 1; c < written.Count; c++)
        {
            if (scores[c] > scores[best]) best = c;
        }

        return new Candidate(written[best], Math.Round(scores[best], 6), written.Count, cost);
    }

    private double[][] Scores(
        ShardInput input, Recipe recipe, Sample[] batch, IReadOnlyDictionary<string, string> texts, List<string>[] written, CancellationToken ct)
    {
        var options = recipe.Models.Generator;
        var sums = written.Select(w => new double[w.Count]).ToArray();
        var counts = new int[batch.Length];
        foreach (var reference in input.Models)
        {
            var model = models.Load(reference.Checkpoint);
            var prompt = new ModelPrompt(model.Tokenizer, options.Prompt, options.MaxTextTokens);
            var cells = Allowed(reference, batch).SelectMany(i => written[i].Select((text, c) => (Row: i, Candidate: c, Text: text))).ToList();
            var requests = cells.Select(c => new ScoreRequest(prompt.Prompt(Slots(texts, batch[c.Row])), prompt.Completion(c.Text))).ToList();
            if (requests.Count == 0) continue;
            var scored = SequenceScorer.Score(model.Decoder, requests, threads: recipe.Threads, cancellation: ct);
            for (var j = 0; j < cells.Count; j++) sums[cells[j].Row][cells[j].Candidate] += scored[j].Mean;
            foreach (var row in Allowed(reference, batch)) counts[row]++;
        }

        for (var i = 0; i < batch.Length; i++)
        {
            for (var c = 0; c < sums[i].Length; c++) sums[i][c] /= Math.Max(1, counts[i]);
        }

        return sums;
    }

    private static List<int> Allowed(ModelRef reference, Sample[] batch) =>
        [.. Enumerable.Range(0, batch.Length).Where(i => reference.Half is null || reference.Half == Identity.Half(batch[i].SampleId))];

    private static Dictionary<string, string> Slots(IReadOnlyDictionary<string, string> texts, Sample sample) =>
        new(StringComparer.Ordinal) { ["text"] = TextNormalizer.Normalize(texts[sample.Text]), ["language"] = Domain.Languages.Language.Parse(sample.Language).EnglishName };

    private static GenerationOptions Options(Recipe recipe, ModelPrompt prompt) => new()
    {
        MaxNewTokens = recipe.Models.Generator.Sampling.MaxNewTokens,
        StopIds = [prompt.EndId],
        BatchSize = recipe.Plan.MicroBatch,
        Threads = recipe.Threads,
        Sampling = new XInstruct.Training.Generation.SamplingOptions
        {
            Temperature = recipe.Models.Generator.Sampling.Temperature,
            TopK = recipe.Models.Generator.Sampling.TopK,
            TopP = recipe.Models.Generator.Sampling.TopP,
        },
    };

    // What is tried again is drawn anew.
    private static ulong Seed(int seed, int iteration, Sample sample) =>
        Domain.Statistics.DeterministicRandom.SeedOf($"generate/{seed}/{iteration}/{sample.SampleId}{(sample.Retries > 0 ? $"/{sample.Retries}" : "")}");
}
