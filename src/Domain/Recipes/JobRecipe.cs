using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace XInstruct.Domain.Recipes;

/// <summary>What the recipes of all jobs have: <c>curate</c>, <c>build</c>, <c>evaluate</c>, <c>judge</c>, <c>rerate</c> and <c>probe</c>.</summary>
public abstract class JobRecipe
{
    [Required, RegularExpression(@"^[a-z0-9][a-z0-9-]{0,39}\z")]
    [Description("Lower-case name; the job's id is this name and 8 hex digits of the recipe's hash.")]
    public string Name { get; set; } = "";

    [Description("One seed decides every random choice.")]
    public int Seed { get; set; } = 42;

    [Range(1, 256)]
    [Description("CPU threads. Sums depend on it in the last bit, so it is part of the result.")]
    public int Threads { get; set; } = 2;

    [JsonIgnore]
    [Description("Folder for the result, relative to the recipe. Default: results/<job id> in the home directory.")]
    public string? Output { get; set; }
}

/// <summary>What a path in a recipe names.</summary>
public enum InputKind
{
    /// <summary>One file.</summary>
    File,

    /// <summary>A model folder in Hugging Face's layout: its weights, configuration, tokenizer and chat template.</summary>
    Model,

    /// <summary>An adapter's folder in PEFT's layout.</summary>
    Adapter,

    /// <summary>A sentence encoder's folder: <c>model.onnx</c> and its tokenizer.</summary>
    Encoder,

    /// <summary>A folder with all files below it.</summary>
    Folder,
}

/// <summary>Marks a text, or a list of texts, as the path of an input: relative to the recipe, and part of its identity by content, never by name.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class InputPathAttribute(InputKind kind) : Attribute
{
    /// <summary>What the path names.</summary>
    public InputKind Kind { get; } = kind;
}
