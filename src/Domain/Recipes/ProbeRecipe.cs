using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace XInstruct.Domain.Recipes;

/// <summary>The YAML file of <c>xinstruct probe</c>: whose layers are looked at, with which questions.</summary>
public sealed class ProbeRecipe : JobRecipe
{
    [Required, MinLength(1)]
    [Description("The models, all of them local: an endpoint shows no layers.")]
    public IReadOnlyList<EvaluatedModel> Models { get; set; } = [];

    [Required, MinLength(1)]
    [Description("The tasks whose questions the models read, as in 'xinstruct evaluate'. The lens looks at those of the form label, components at all of them.")]
    public IReadOnlyList<EvaluatedTask> Tasks { get; set; } = [];

    [Required, MinLength(1)]
    [Description("Codes of the languages; a task may name its own.")]
    public IReadOnlyList<string> Languages { get; set; } = [];

    [Description("Logit lens: how likely each layer finds the labels, in English and in the question's language.")]
    public bool Lens { get; set; } = true;

    [Description("Principal components of each layer's states, over all languages of a task.")]
    public bool Components { get; set; } = true;

    [Description("Pairs of languages whose parallel rows are compared, e.g. [en/de, de/sw]. Default: those of en/de, en/fr, en/hi, de/fr, de/hi, fr/hi, en/th, en/sw, en/ms that the recipe has languages of.")]
    public IReadOnlyList<string> Pairs { get; set; } = [];

    [Range(1, 100_000)]
    [Description("Items of a part of the work: what is lost when a machine dies. Batches do not go beyond it.")]
    public int Window { get; set; } = 100;

    [Range(1, 1 << 24)]
    [Description("Rows times longest row of a batch, at most.")]
    public int BatchTokens { get; set; } = 4096;
}
