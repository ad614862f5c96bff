using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace XInstruct.Domain.Recipes;

/// <summary>The YAML file of <c>xinstruct chain</c>: data is made, curated, trained on, and what it brought is measured.</summary>
public sealed class ChainRecipe : JobRecipe
{
    [Required]
    [Description("Recipe of 'xinstruct run' that makes the new data.")]
    public string Run { get; set; } = "";

    [Description("Recipe of 'xinstruct curate' that chooses among it; the run's release is added to its sources. Without one all of the release is new data.")]
    public string? Curate { get; set; }

    [Required]
    [Description("Recipe of 'xinstruct train sft'. It is used twice: as it is, and with the new data added to data.files.")]
    public string Train { get; set; } = "";

    [Required]
    [Description("Recipe of 'xinstruct evaluate' without models: the two trained ones are its models, the one without the new data its baseline.")]
    public string Evaluate { get; set; } = "";
}
