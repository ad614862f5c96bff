using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace XInstruct.Domain.Recipes;

/// <summary>A job whose models may be behind endpoints.</summary>
public abstract class ModelJobRecipe : JobRecipe
{
    [JsonIgnore]
    [Description("What calls to endpoints may cost. No part of the recipe's identity: a job goes on when it is raised.")]
    public BudgetOptions? Budget { get; set; }
}

/// <summary>A model that a job uses: a local one, or one behind an endpoint.</summary>
public class JobModelOptions
{
    [Required, RegularExpression(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    [Description("Name of the model in the results.")]
    public string Name { get; set; } = "";

    [InputPath(InputKind.Model)]
    [Description("Hugging Face folder (config.json, safetensors, tokenizer). Or leave it out and say api.")]
    public string? Path { get; set; }

    [InputPath(InputKind.Adapter)]
    [Description("Folder of an adapter in PEFT's layout that is put on the model.")]
    public string? Adapter { get; set; }

    [Description("Where a local model runs; auto is cuda where there is one.")]
    public ComputeDevice Device { get; set; }

    [Description("What a local model computes in. Default: float32 on the CPU, bfloat16 on a GPU.")]
    public ComputeType? Compute { get; set; }

    [RegularExpression("^(nf4|fp4|dynamic8|int8)\\z")]
    [Description("How the matrices of a local model's layers are held in fewer bits: nf4, fp4, dynamic8 or int8.")]
    public string? Quantization { get; set; }

    [Description("Put prompts into the model's chat template. A model behind an endpoint is always asked as a chat.")]
    public bool Chat { get; set; }

    [Description("A model behind an OpenAI-compatible endpoint instead of a local one.")]
    public ApiOptions? Api { get; set; }
}
