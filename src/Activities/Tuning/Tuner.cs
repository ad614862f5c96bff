using TorchSharp;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Adapters;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Quantization;
using XInstruct.Training.Tokenizers;
using XInstruct.Training.Tuning;

namespace XInstruct.Activities.Tuning;

/// <summary>Carries a training recipe out on one device.</summary>
/// <param name="document">The recipe.</param>
/// <param name="baseFolder">Folder of the model it starts from.</param>
internal sealed class Tuner(TrainingDocument document, string baseFolder)
{
    private readonly TrainingRecipe _recipe = document.Recipe;

    /// <summary>Trains from the last checkpoint on and saves the result.</summary>
    /// <param name="trained">Rows to train on.</param>
    /// <param name="heldOut">Rows held out.</param>
    /// <param name="checkpoints">Folder of the checkpoints.</param>
    /// <param name="result">Folder for the result.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="saved">Told of every checkpoint.</param>
    /// <param name="ct">Cancellation.</param>
    public TuningReport Run(
        IReadOnlyList<SourceRow> trained, IReadOnlyList<SourceRow> heldOut, string checkpoints, string result, IProgress<TuningProgress> progress, Action<SavedTuning> saved, CancellationToken ct)
    {
        var tokenizer = TextTokenizer.Load(baseFolder);
        var examples = new ExampleBuilder(baseFolder, tokenizer, _recipe);
        using var model = Load();
        model.RecomputesLayers = _recipe.Model.Recompute;
        var adapter = _recipe.Method == TuningMethod.Full ? null : Attach(model);
        TuningTask task = document.Kind == TrainingKind.Sft
            ? new SupervisedTask(model, [.. trained.Select(r => examples.Row(r.Row, r.Source))], [.. heldOut.Select(r => examples.Row(r.Row, r.Source))], Plan)
            : new PreferenceTask(model, [.. trained.Select(r => examples.Preference(r.Row, r.Source))], [.. heldOut.Select(r => examples.Preference(r.Row, r.Source))], Preference, Plan);
        var report = new TuningLoop(task, adapter, Options, checkpoints, document.Hash).Run(progress, saved, ct);
        if (adapter is not null)
        {
            adapter.Save(result);
            return report;
        }

        Checkpoint.Save(model, result);
        BaseModels.CopyTexts(baseFolder, result);
        return report;
    }

    private ulong Seed(string use) => DeterministicRandom.SeedOf($"{use}/{_recipe.Seed}");

    private Decoder Load() => Checkpoint.Load(
        baseFolder,
        Device,
        _recipe.Model.Dropout,
        _recipe.Model.Compute switch { ComputeType.Bfloat16 => torch.ScalarType.BFloat16, ComputeType.Float16 => torch.ScalarType.Float16, _ => torch.ScalarType.Float32 },
        _recipe.Method == TuningMethod.Qlora
            ? new QuantizationOptions { Codes = Enum.Parse<WeightCodes>($"{_recipe.Quantization.Codes}"), BlockSize = _recipe.Quantization.BlockSize, Double = _recipe.Quantization.Double }
            : null);

    private torch.Device Device => _recipe.Device switch
    {
        ComputeDevice.Cpu => torch.CPU,
        ComputeDevice.Cuda when !torch.cuda.is_available() => throw new NotSupportedException("The recipe says device: cuda, and this worker has no GPU. Run a worker for xi-gpu where there is one, or say auto."),
        _ => torch.cuda.is_available() ? torch.CUDA : torch.CPU,
    };

    private Adapter Attach(Decoder model) => Adapter.Attach(
        model,
        new AdapterOptions { Rank = _recipe.Adapter.Rank, Alpha = _recipe.Adapter.Alpha, UsesRootScaling = _recipe.Adapter.RootScaling, Dropout = _recipe.Adapter.Dropout, Targets = _recipe.Adapter.Targets },
        Seed("adapter"));

    private PreferenceOptions Preference => new()
    {
        Beta = _recipe.Preference.Beta,
        Kind = Enum.Parse<PreferenceLossKind>($"{_recipe.Preference.Loss}"),
        LabelSmoothing = _recipe.Preference.LabelSmoothing,
    };

    private RowPlanOptions Plan => new()
    {
        Budget = _recipe.Schedule.Steps > 0 ? StepBudget.Steps(_recipe.Schedule.Steps) : StepBudget.Passes(_recipe.Schedule.Passes),
        BatchTokens = _recipe.Batch.BatchTokens,
        AccumulationSteps = _recipe.Batch.Accumulation,
        PackedTokens = _recipe.Batch.Pack ? _recipe.Batch.MaxTokens : 0,
        Seed = Seed("order"),
    };

    private LoopOptions Options => new()
    {
        Optimizer = new OptimizerOptions
        {
            LearningRate = _recipe.Optimizer.LearningRate,
            Beta1 = _recipe.Optimizer.Beta1,
            Beta2 = _recipe.Optimizer.Beta2,
            Epsilon = _recipe.Optimizer.Epsilon,
            WeightDecay = _recipe.Optimizer.WeightDecay,
            ClipNorm = _recipe.Optimizer.Clip > 0 ? _recipe.Optimizer.Clip : null,
            LabelSmoothing = document.Kind == TrainingKind.Sft ? _recipe.Optimizer.LabelSmoothing : 0,
            // Packed or not, whatever the batches: each learnt token counts the same.
            Weighting = AccumulationWeighting.Tokens,
        },
        Decay = Enum.Parse<Decay>($"{_recipe.Schedule.Decay}"),
        WarmupShare = _recipe.Schedule.Warmup,
        RateFloor = _recipe.Schedule.Floor,
        CheckpointSteps = _recipe.Checkpoints.Steps,
        KeptCheckpoints = _recipe.Checkpoints.Keep,
        EvaluationSteps = _recipe.Evaluation.Steps,
        Patience = _recipe.Evaluation.Patience,
        Seed = Seed("dropout"),
        Threads = _recipe.Threads,
    };
}
