using XInstruct.Activities.Models;
using XInstruct.Activities.Rating;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Statistics;
using XInstruct.Domain.Texts;
using XInstruct.Training.Generation;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Training;

namespace XInstruct.Activities.Training;

/// <summary>One pair to train on, before it is cut into tokens.</summary>
/// <param name="Slots">What fills the prompt template.</param>
/// <param name="Completion">What is to be learnt.</param>
/// <param name="Weight">Weight in the loss.</param>
public sealed record TrainingPair(IReadOnlyDictionary<string, string> Slots, string Completion, double Weight = 1);

/// <summary>Builds the training pairs of each role, in an order that only inputs and seeds decide: languages as in the recipe, seeds by index, samples by id.</summary>
public sealed class TrainingData(RunLibrary library, ModelLibrary models, SampleReader samples, Contents contents)
{
    /// <summary>Pairs of a training.</summary>
    public async Task<IReadOnlyList<TrainingPair>> OfAsync(TrainInput input, Recipe recipe, CancellationToken ct) => input.Role switch
    {
        ModelRole.Generator => await GeneratorAsync(input, recipe, ct),
        ModelRole.Fold => [.. (await SeedsAsync(input, recipe, ct)).Where(s => s.Position % 2 == input.Index).Select(s => Reverse(s.Seed, s.Language, 1))],
        ModelRole.Evaluator => await EvaluatorAsync(input, recipe, ct),
        _ => await StudentAsync(input, recipe, ct),
    };

    /// <summary>Slots and completion of the response direction.</summary>
    public static TrainingPair Response(string instruction, string output, string language) =>
        new(new Dictionary<string, string>(StringComparer.Ordinal) { ["instruction"] = instruction, ["language"] = Language.Parse(language).EnglishName }, TextNormalizer.Normalize(output));

    private static TrainingPair Reverse(Seed seed, string language, double weight) => Reverse(seed.Output, seed.Instruction, language, weight);

    private static TrainingPair Reverse(string text, string instruction, string language, double weight) => new(
        new Dictionary<string, string>(StringComparer.Ordinal) { ["text"] = TextNormalizer.Normalize(text), ["language"] = Language.Parse(language).EnglishName }, instruction, weight);

    /// <summary>Seeds and the kept pairs of the half that this generator does not label.</summary>
    private async Task<IReadOnlyList<TrainingPair>> GeneratorAsync(TrainInput input, Recipe recipe, CancellationToken ct)
    {
        var pairs = (await SeedsAsync(input, recipe, ct)).Select(s => Reverse(s.Seed, s.Language, input.Iteration == 0 ? 1 : recipe.Refine.SeedWeight)).ToList();
        if (input.Iteration == 0 || recipe.Refine.NewData == NewData.None) return pairs;
        foreach (var (sample, text, instruction) in await PairsAsync(input, recipe, s => s.Kept < input.Iteration, ct))
        {
            if (recipe.Refine.Generators == 1 || Identity.Half(sample.SampleId) != input.Index) pairs.Add(Reverse(text, instruction, sample.Language, 1));
        }

        return pairs;
    }

    /// <summary>The release, in the response direction.</summary>
    private async Task<IReadOnlyList<TrainingPair>> StudentAsync(TrainInput input, Recipe recipe, CancellationToken ct) =>
        [.. (await PairsAsync(input, recipe, s => s.Cluster is not null, ct)).Select(p => Response(p.Instruction, p.Text, p.Sample.Language))];

    /// <summary>
    /// Rating data (methods section 1): level 2 the gold pair; 1 the seed's text with the guess of a generator that did not see it, or, when that
    /// guess is the gold instruction, the first half of the text with the gold instruction; 0 the text with another seed's instruction.
    /// </summary>
    private async Task<IReadOnlyList<TrainingPair>> EvaluatorAsync(TrainInput input, Recipe recipe, CancellationToken ct)
    {
        var seeds = await SeedsAsync(input, recipe, ct);
        var guesses = Guess(seeds, input, recipe, ct);
        var pairs = new List<TrainingPair>();
        for (var i = 0; i < seeds.Count; i++)
        {
            var (seed, language, _) = seeds[i];
            var text = TextNormalizer.Normalize(seed.Output);
            var isRight = guesses[i] == seed.Instruction || guesses[i].Length == 0;
            pairs.Add(new TrainingPair(RatingActivities.Slots(text, seed.Instruction), RatingActivities.Labels[2]));
            pairs.Add(new TrainingPair(RatingActivities.Slots(isRight ? FirstHalf(text) : text, isRight ? seed.Instruction : guesses[i]), RatingActivities.Labels[1]));
            var others = seeds.Where(o => o.Language == language && o.Seed.Instruction != seed.Instruction).ToList();
            if (others.Count == 0) continue;
            var random = new DeterministicRandom($"rating/{recipe.Seed}/{language}/{seed.Index}");
            pairs.Add(new TrainingPair(RatingActivities.Slots(text, others[random.Next(others.Count)].Seed.Instruction), RatingActivities.Labels[0]));
        }

        return pairs;
    }

    private string[] Guess(IReadOnlyList<(Seed Seed, string Language, int Position)> seeds, TrainInput input, Recipe recipe, CancellationToken ct)
    {
        // A generator behind an endpoint writes no training data: no guess, no cost.
        var guesses = new string[seeds.Count];
        Array.Fill(guesses, "");
        for (var fold = 0; fold < input.Helpers.Count; fold++)
        {
            var model = models.Load(input.Helpers[fold].Checkpoint);
            var prompt = new ModelPrompt(model.Tokenizer, recipe.Models.Generator.Prompt, recipe.Models.Generator.MaxTextTokens);
            var unseen = Enumerable.Range(0, seeds.Count).Where(i => seeds[i].Position % 2 != fold).ToList();
            var requests = unseen.Select(i => new GenerationRequest(prompt.Prompt(Reverse(seeds[i].Seed, seeds[i].Language, 1).Slots))).ToList();
            var options = new GenerationOptions
            {
                MaxNewTokens = recipe.Models.Generator.Sampling.MaxNewTokens,
                StopIds = [prompt.EndId],
                BatchSize = recipe.Plan.MicroBatch,
                Threads = recipe.Threads,
            };
            var outputs = TextGenerator.Generate(model.Decoder, requests, options, ct);
            for (var j = 0; j < unseen.Count; j++) guesses[unseen[j]] = TextNormalizer.Normalize(prompt.Text(outputs[j].Ids));
        }

        return guesses;
    }

    private async Task<IReadOnlyList<(Seed Seed, string Language, int Position)>> SeedsAsync(TrainInput input, Recipe recipe, CancellationToken ct)
    {
        var seeds = new List<(Seed, string, int)>();
        foreach (var language in recipe.Languages)
        {
            var set = await library.SeedsAsync(new LanguageInput(input.Run, language), ct);
            seeds.AddRange(set.Training.Select((seed, i) => (seed, language, i)));
        }

        return seeds;
    }

    private async Task<IReadOnlyList<(Sample Sample, string Text, string Instruction)>> PairsAsync(
        TrainInput input, Recipe recipe, Func<Sample, bool> filter, CancellationToken ct)
    {
        var pairs = new List<(Sample, string, string)>();
        foreach (var language in recipe.Languages)
        {
            var plan = await library.PlanAsync(new LanguageInput(input.Run, language), ct);
            foreach (var ids in plan.Ids.Chunk(2000))
            {
                var chosen = (await samples.LoadAsync(input.Run.Run, ids, ct)).Where(filter).ToList();
                var texts = await contents.ReadAsync([.. chosen.SelectMany(s => new[] { s.Text, s.Instruction! })], ct);
                pairs.AddRange(chosen.Select(s => (s, texts[s.Text], texts[s.Instruction!])));
            }
        }

        return pairs;
    }

    private static string FirstHalf(string text)
    {
        var end = text.Length / 2;
        if (end > 0 && char.IsHighSurrogate(text[end - 1])) end--;
        return text[..Math.Max(1, end)];
    }
}
