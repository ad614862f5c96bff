using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace XInstruct.Domain.Recipes;

/// <summary>
/// The YAML file a user writes: what to make, from what, with which models. Every member has a default except
/// <see cref="Name"/>, <see cref="Languages"/>, <see cref="Corpus"/> and <see cref="Seeds"/>.
/// </summary>
public sealed class Recipe
{
    [Required, RegularExpression("^[a-z0-9][a-z0-9-]{0,39}$")]
    [Description("Lower-case name; the default run id is this name and 8 hex digits of the recipe's hash.")]
    public string Name { get; set; } = "";

    [Required, MinLength(1)]
    [Description("Target languages by CLDR code, e.g. [sw, hi, tr].")]
    public IReadOnlyList<string> Languages { get; set; } = [];

    [Description("One seed decides every random choice of the run.")]
    public int Seed { get; set; } = 1;

    [Range(1, 256)]
    [Description("CPU threads of the local models. Sums depend on it in the last bit, so it is part of the result.")]
    public int Threads { get; set; } = 2;

    [Description("Natural texts in the target languages.")]
    [Required]
    public CorpusOptions Corpus { get; set; } = new();

    [Description("Known good pairs.")]
    [Required]
    public SeedOptions Seeds { get; set; } = new();

    [Description("Truth for the report only; the pipeline never reads it and it never changes a release.")]
    public TruthOptions? Truth { get; set; }

    [Description("The models of the run and how they are trained.")]
    public ModelsOptions Models { get; set; } = new();

    [Description("The refine loop: rate, keep, retrain, regenerate.")]
    public RefineOptions Refine { get; set; } = new();

    [Description("Clustering the instructions and sampling across clusters, per language.")]
    public DiversifyOptions Diversify { get; set; } = new();

    [Description("Evaluation on the held-out seeds.")]
    public EvaluateOptions Evaluate { get; set; } = new();

    [JsonIgnore]
    [Description("What calls to endpoints may cost.")]
    public BudgetOptions? Budget { get; set; }

    [Description("How work is cut.")]
    public PlanOptions Plan { get; set; } = new();
}

/// <summary>How work is cut. Part of the result: batches decide the last bits of a local model's numbers.</summary>
public sealed class PlanOptions
{
    [Range(1, 4096)]
    [Description("Samples in one activity.")]
    public int ShardSize { get; set; } = 256;

    [Range(1, 1024)]
    [Description("Samples in one append and in one batch of the local model.")]
    public int MicroBatch { get; set; } = 32;

    [Range(1, 64)]
    [Description("Shard activities of one language under way at once.")]
    public int Window { get; set; } = 4;
}
