using Temporalio.Activities;
using XInstruct.Activities.Models;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tables;
using XInstruct.Activities.Training;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Scoring;
using XInstruct.Workflows.Evaluation;
using XInstruct.Workflows.Languages;

namespace XInstruct.Activities.Evaluation;

/// <summary>
/// Evaluates the student on the held-out seeds of each language, before and after training. Instructions are ranked by the response's mean token
/// log-probability given each; responses by log P(response | instruction) - log P(response | no instruction), since some texts are likely whatever
/// is asked (domain-conditional PMI, Holtzman et al. 2021, arXiv 2104.08315).
/// </summary>
public sealed class EvaluationActivities(EventWriter writer, RunLibrary library, ModelLibrary models) : IEvaluationActivities
{
    /// <summary>One held-out seed: the right pair first among the candidates of each direction.</summary>
    private sealed record Item(string Language, Seed Seed, IReadOnlyList<string> Instructions, IReadOnlyList<string> Responses);

    private sealed record Pair(string Language, string Instruction, string Response);

    /// <summary>Figures of one item: nats a token, and 1 or 0 for the two ranks.</summary>
    private sealed record Figures(double Loss, double InstructionRank, double ResponseRank);

    /// <inheritdoc/>
    [Activity]
    public async Task EvaluateAsync(EvaluateInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var recipe = (await library.RecipeAsync(input.Run, ct)).Recipe;
        var items = new List<Item>();
        foreach (var language in recipe.Languages)
        {
            items.AddRange(Items(language, await library.SeedsAsync(new LanguageInput(input.Run, language), ct), recipe));
        }

        if (items.Count == 0) return;
        var before = Score(input.Before, items, recipe, ct);
        var after = Score(input.After, items, recipe, ct);
        var languages = recipe.Languages.Select(l => Language(l, items, before, after, recipe)).ToList();
        var evaluated = new ModelEvaluated(input.Before, input.After, recipe.Evaluate.Candidates, languages);
        var stream = Identity.RunStream(input.Run.Run);
        var act = new Act("evaluate", CodeVersion.Current, [input.Before, input.After], ContentHash.Of(recipe.Models.Student.Prompt), Device: ModelLibrary.Device(recipe.Threads));
        await writer.WriteAsync<Run>(input.Run.Run, act, [new Change<Run>(
            stream, stream, r => r?.Evaluate(evaluated) is { } e ? new Fact(e, [Content.Of(Guid.Empty, recipe.Models.Student.Prompt)]) : null)], ct);
    }

    /// <summary>Candidates are drawn from all seeds of the language, seeded; the right one is among them once.</summary>
    private static IEnumerable<Item> Items(string language, SeedSet seeds, Recipe recipe)
    {
        var all = seeds.HeldOut.Concat(seeds.Training).ToList();
        foreach (var seed in seeds.HeldOut)
        {
            var random = new DeterministicRandom($"evaluate/{recipe.Seed}/{language}/{seed.Index}");
            yield return new Item(
                language,
                seed,
                Draw(all.Select(s => s.Instruction), seed.Instruction, recipe.Evaluate.Candidates, random),
                Draw(all.Select(s => s.Output), seed.Output, recipe.Evaluate.Candidates, random));
        }
    }

    private static List<string> Draw(IEnumerable<string> pool, string right, int count, DeterministicRandom random)
    {
        var wrong = pool.Distinct(StringComparer.Ordinal).Where(c => c != right).Order(StringComparer.Ordinal).ToArray();
        random.Shuffle<string>(wrong);
        return [right, .. wrong.Take(count - 1)];
    }

    private Figures[] Score(string checkpoint, List<Item> items, Recipe recipe, CancellationToken ct)
    {
        var model = models.Load(checkpoint);
        var options = recipe.Models.Student;
        var prompt = new ModelPrompt(model.Tokenizer, options.Prompt, options.MaxTextTokens);
        // Each pair once, whichever ranks it serves; a pair without instruction gives the response's likelihood by itself.
        var pairs = items.SelectMany(i => i.Instructions.Select(x => new Pair(i.Language, x, i.Seed.Output))
            .Concat(i.Responses.SelectMany(y => new[] { new Pair(i.Language, i.Seed.Instruction, y), new Pair(i.Language, "", y) }))).Distinct().ToList();
        var requests = pairs.Select(p =>
        {
            var pair = TrainingData.Response(p.Instruction, p.Response, p.Language);
            return new ScoreRequest(prompt.Prompt(pair.Slots), prompt.Completion(pair.Completion));
        }).ToList();
        var scores = SequenceScorer.Score(model.Decoder, requests, threads: recipe.Threads, cancellation: ct);
        var score = pairs.Zip(scores).ToDictionary();
        return [.. items.Select(i => new Figures(
            -score[new Pair(i.Language, i.Seed.Instruction, i.Seed.Output)].Mean,
            IsFirstBest([.. i.Instructions.Select(x => score[new Pair(i.Language, x, i.Seed.Output)].Mean)]),
            IsFirstBest([.. i.Responses.Select(y => score[new Pair(i.Language, i.Seed.Instruction, y)].LogLikelihood - score[new Pair(i.Language, "", y)].LogLikelihood)])))];
    }

    // A tie counts as the chance of a fair draw among the tied.
    private static double IsFirstBest(List<double> scores) =>
        scores.Any(s => s > scores[0]) ? 0 : 1.0 / scores.Count(s => s.Equals(scores[0]));

    private static LanguageEvaluation Language(string language, List<Item> items, Figures[] before, Figures[] after, Recipe recipe)
    {
        var rows = Enumerable.Range(0, items.Count).Where(i => items[i].Language == language).ToList();
        Estimate Of(Figures[] figures, Func<Figures, double> value, string name)
        {
            var values = rows.Select(i => value(figures[i])).ToArray();
            if (values.Length == 0) return new Estimate(0, 0, 0, 0);
            var interval = Bootstrap.Interval(values, recipe.Evaluate.Bootstrap, DeterministicRandom.SeedOf($"bootstrap/{recipe.Seed}/{language}/{name}"));
            return new Estimate(Math.Round(values.Average(), 6), Math.Round(interval.Low, 6), Math.Round(interval.High, 6), values.Length);
        }

        return new LanguageEvaluation(
            language,
            Of(before, f => f.Loss, "loss"),
            Of(after, f => f.Loss, "loss"),
            Of(before, f => f.InstructionRank, "instruction"),
            Of(after, f => f.InstructionRank, "instruction"),
            Of(before, f => f.ResponseRank, "response"),
            Of(after, f => f.ResponseRank, "response"));
    }
}
