using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace XInstruct.Domain.Recipes;

/// <summary>The YAML file of <c>xinstruct rerate</c>: which pairs of a run are rated once more, and by whom.</summary>
public sealed class RerateRecipe : ModelJobRecipe
{
    [Required, RegularExpression(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}\z")]
    [Description("Id of the run. It may be under way: what is rated then is what it has rated when the job begins.")]
    public string Run { get; set; } = "";

    [Description("rated: all pairs with a verdict. kept: those that the run keeps. released: those of its release.")]
    public RerateScope Pairs { get; set; }

    [Description("The second evaluator.")]
    public SecondJudge Judge { get; set; } = new();

    [Range(1, 8192)]
    [Description("Tokens of an endpoint's reply, at most.")]
    public int MaxTokens { get; set; } = 512;

    [Range(1, 100_000)]
    [Description("Pairs of one part: what a killed worker begins again. What is rated already is not asked again.")]
    public int PartSize { get; set; } = 128;
}

/// <summary>Which pairs are rated once more.</summary>
public enum RerateScope
{
    Rated,
    Kept,
    Released,
}

/// <summary>The second evaluator: a model behind an endpoint that is asked for points, or a local one whose probabilities of the labels 0, 1 and 2 are taken.</summary>
public sealed class SecondJudge : JobModelOptions
{
    [InputPath(InputKind.File)]
    [Description("Prompt: a template with the slots text, instruction and, of an endpoint, language; a local one may name special tokens. Default: what a run's evaluator of the same kind is asked.")]
    public string? Prompt { get; set; }

    [Description("System message to an endpoint.")]
    public string System { get; set; } = "You are a strict, fair judge of training data for an assistant in many languages.";

    [Range(16, 100_000)]
    [Description("Tokens of a text that a local model sees: its first and last half of this many.")]
    public int MaxTextTokens { get; set; } = 512;
}
