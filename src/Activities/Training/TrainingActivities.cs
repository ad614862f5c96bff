using Temporalio.Activities;
using XInstruct.Activities.Models;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Statistics;
using XInstruct.Domain.Texts;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;
using XInstruct.Training.Tuning;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Training;

namespace XInstruct.Activities.Training;

/// <summary>Trains tokenizers and models. A checkpoint is named by its content and found by its training key: the hash of all that decides it.</summary>
public sealed class TrainingActivities(
    EventWriter writer, RunLibrary library, ModelLibrary models, SampleReader samples, Contents contents, FileStore files, RunReader runs)
    : ITrainingActivities
{
    private readonly TrainingData _data = new(library, models, samples, contents);

    /// <inheritdoc/>
    [Activity]
    public async Task<TrainedModel> TrainTokenizerAsync(RunInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var recipe = (await library.RecipeAsync(input, ct)).Recipe;
        var texts = await TokenizerTextsAsync(input, recipe, ct);
        var key = ContentHash.OfCanonical(new { Kind = "tokenizer", recipe.Models.Tokenizer, Special = ModelPrompt.SpecialTokens, Texts = ContentHash.OfCanonical(texts) });
        return await ReuseOrTrainAsync(input, key, "tokenizer", folder =>
        {
            ByteLevelBpeTrainer.Train(texts, recipe.Models.Tokenizer.Vocabulary, ModelPrompt.SpecialTokens).Save(folder);
            return (0, 0L, null);
        }, ct);
    }

    /// <inheritdoc/>
    [Activity]
    public async Task<TrainedModel> TrainModelAsync(TrainInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var document = await library.RecipeAsync(input.Run, ct);
        var recipe = document.Recipe;
        var options = Options(recipe.Models, input.Role);
        var initial = await InitialAsync(input, document, options, ct);
        var role = RoleName(input);
        if (input.Role == ModelRole.Generator && await EarlierAsync(input, role, ct) is { } earlier) return earlier with { Initial = initial };
        var pairs = await _data.OfAsync(input, recipe, ct);
        var length = Length(recipe.Refine, input);
        var seed = DeterministicRandom.SeedOf($"train/{recipe.Seed}/{role}/{input.Iteration}");
        var key = ContentHash.OfCanonical(new
        {
            Kind = "sft",
            Initial = initial,
            options.Prompt,
            options.MaxTextTokens,
            options.Tuning,
            Length = length,
            Seed = $"{seed:x16}",
            Device = ModelLibrary.Device(recipe.Threads),
            Pairs = ContentHash.OfCanonical(pairs),
        });
        var trained = await ReuseOrTrainAsync(input.Run, key, role, folder =>
        {
            var from = files.Tree(initial);
            using var decoder = Checkpoint.Load(from, Device, options.Tuning.Dropout);
            var tokenizer = TextTokenizer.Load(from);
            var prompt = new ModelPrompt(tokenizer, options.Prompt, options.MaxTextTokens);
            var examples = pairs.Select(p => input.Role == ModelRole.Evaluator
                ? prompt.Example(p.Slots, p.Completion, p.Weight) with { Completion = tokenizer.Encode(p.Completion) }
                : prompt.Example(p.Slots, p.Completion, p.Weight)).ToList();
            var report = SupervisedTrainer.Train(decoder, examples, Tuning(options.Tuning, length, seed, recipe.Threads), new StepCounter(heartbeat), ct);
            Checkpoint.Save(decoder, folder);
            tokenizer.Save(folder);
            return (report.Steps, report.Tokens, Math.Round(report.LastLoss, 6));
        }, ct);
        return trained with { Initial = initial };
    }

    /// <summary>
    /// The generator that an earlier start of the run trained for this iteration: the samples that it learnt from have been written anew since. A role is trained once an iteration, so
    /// its checkpoints stand in the order of the iterations.
    /// </summary>
    private async Task<TrainedModel?> EarlierAsync(TrainInput input, string role, CancellationToken ct) =>
        (await runs.LoadAsync(input.Run.Run, ct)).Checkpoints.Where(c => c.Role == role).ElementAtOrDefault(input.Iteration) is { } known && files.HasTree(known.Checkpoint) ? Result(known) : null;

    /// <summary>The committed checkpoint of a key, or a new one; of two made at the same time, the first committed wins.</summary>
    private async Task<TrainedModel> ReuseOrTrainAsync(
        RunInput input, string key, string role, Func<string, (int Steps, long Tokens, double? Loss)> train, CancellationToken ct)
    {
        var run = await runs.LoadAsync(input.Run, ct);
        if (run.Checkpoint(key) is { } known && files.HasTree(known.Checkpoint)) return Result(known);
        var saved = await files.ReadWorkAsync<CheckpointSaved>("checkpoints", key + ".json", ct);
        if (saved is null || !files.HasTree(saved.Checkpoint))
        {
            var folder = files.NewFolder();
            // Off the activity's thread: hours of training must not keep a scheduler thread.
            var (steps, tokens, loss) = await Task.Run(() => Guarded(train, folder), ct);
            saved = new CheckpointSaved(key, role, await files.PutTreeAsync(folder, ct), steps, tokens, loss);
            await files.WriteWorkAsync("checkpoints", key + ".json", saved, ct);
        }

        saved = saved with { Role = role };
        var stream = Identity.RunStream(input.Run);
        await writer.WriteAsync<Run>(
            input.Run, new Act("train", CodeVersion.Current), [new Change<Run>(stream, stream, r => r?.Save(saved) is { } e ? new Fact(e) : null)], ct);
        return Result((await runs.LoadAsync(input.Run, ct)).Checkpoint(key)!);
    }

    private static (int Steps, long Tokens, double? Loss) Guarded(Func<string, (int Steps, long Tokens, double? Loss)> train, string folder)
    {
        try
        {
            return train(folder);
        }
        catch (Exception e) when (BadInput.IsIn(e))
        {
            throw BadInput.Failure(e.Message, e);
        }
    }

    /// <summary>Tree that a training starts from: the base model's folder, or random weights with the run's tokenizer.</summary>
    private async Task<string> InitialAsync(TrainInput input, RecipeDocument document, ModelOptions options, CancellationToken ct)
    {
        var folder = files.NewFolder();
        if (options.Base is not null)
        {
            var prefix = $"models.{RolePrefix(input.Role)}.base/";
            foreach (var file in document.Inputs.Where(i => i.Role.StartsWith(prefix, StringComparison.Ordinal)))
            {
                File.Copy(files.Blob(file.Sha256), Path.Combine(folder, Path.GetFileName(file.Role)));
            }

            return await files.PutTreeAsync(folder, ct);
        }

        var tokenizer = TextTokenizer.Load(files.Tree(input.Tokenizer!));
        var config = DecoderConfig.Llama(
            vocabulary: tokenizer.Size,
            hidden: options.Shape.Hidden,
            layers: options.Shape.Layers,
            heads: options.Shape.Heads,
            intermediate: options.Shape.Intermediate,
            initStd: options.Shape.InitStd,
            endId: tokenizer.SpecialId(ModelPrompt.End),
            padId: tokenizer.SpecialId(ModelPrompt.SpecialTokens[0]));
        var seed = DeterministicRandom.SeedOf($"init/{document.Recipe.Seed}/{RoleName(input)}/{input.Iteration}");
        using (var decoder = Decoder.Random(config, seed))
        {
            Checkpoint.Save(decoder, folder);
        }

        tokenizer.Save(folder);
        return await files.PutTreeAsync(folder, ct);
    }

    private async Task<IReadOnlyList<string>> TokenizerTextsAsync(RunInput input, Recipe recipe, CancellationToken ct)
    {
        // The corpus' texts are many; this many of each language, in sample order, which is a random one, are enough to count pairs of bytes.
        const int corpusTexts = 20_000;
        var texts = new List<string>();
        foreach (var code in recipe.Languages)
        {
            var language = new LanguageInput(input, code);
            var seeds = (await library.SeedsAsync(language, ct)).Training;
            texts.AddRange(seeds.SelectMany(s => new[] { s.Instruction, s.Output }).Select(TextNormalizer.Normalize));
            var ids = (await library.PlanAsync(language, ct)).Ids.Take(corpusTexts).ToList();
            var plain = await samples.LoadAsync(input.Run, ids, ct);
            var byHash = await contents.ReadAsync([.. plain.Select(s => s.Text)], ct);
            texts.AddRange(plain.Select(s => TextNormalizer.Normalize(byHash[s.Text])));
        }

        return texts;
    }

    private static TorchSharp.torch.Device Device => TorchSharp.torch.cuda.is_available() ? TorchSharp.torch.CUDA : TorchSharp.torch.CPU;

    private static TrainingOptions Tuning(TuningOptions tuning, double length, ulong seed, int threads) => new()
    {
        Budget = tuning.Tokens > 0
            ? StepBudget.Tokens(Math.Max(1, (long)Math.Round(tuning.Tokens * length)))
            : StepBudget.Steps(Math.Max(1, (int)Math.Round(tuning.Steps * length))),
        BatchTokens = tuning.BatchTokens,
        Optimizer = new OptimizerOptions
        {
            LearningRate = tuning.LearningRate,
            Beta2 = tuning.Beta2,
            WeightDecay = tuning.WeightDecay,
            ClipNorm = tuning.Clip > 0 ? tuning.Clip : null,
            LabelSmoothing = tuning.LabelSmoothing,
        },
        WarmupShare = tuning.Warmup,
        RateFloor = tuning.Floor,
        Noise = tuning is { Shuffle: 0, Drop: 0 } ? null : new InputNoise(tuning.Shuffle, tuning.Drop),
        Seed = seed,
        Threads = threads,
    };

    /// <summary>How long a training is, as a multiple of what the recipe says of its role.</summary>
    private static double Length(RefineOptions refine, TrainInput input) => input.Role switch
    {
        ModelRole.Generator when input.Iteration > 0 => refine.LaterSteps,
        // A fold has half of the seeds: the same number of passes over them.
        ModelRole.Fold => 0.5,
        _ => 1,
    };

    private static ModelOptions Options(ModelsOptions models, ModelRole role) => role switch
    {
        ModelRole.Evaluator => models.Evaluator,
        ModelRole.Student => models.Student,
        _ => models.Generator,
    };

    private static string RolePrefix(ModelRole role) => role switch
    {
        ModelRole.Evaluator => "evaluator",
        ModelRole.Student => "student",
        _ => "generator",
    };

    private static string RoleName(TrainInput input) => input.Role switch
    {
        ModelRole.Generator => $"generator-{input.Index}",
        ModelRole.Fold => $"fold-{input.Index}",
        _ => RolePrefix(input.Role),
    };

    private static TrainedModel Result(CheckpointSaved saved) => new(saved.Checkpoint, null, saved.Steps, saved.Tokens, saved.Loss);

    private sealed class StepCounter(Heartbeat heartbeat) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => heartbeat.Advance(1);
    }
}
