using System.Text.Json;
using System.Text.Json.Serialization;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Tuning;

/// <summary>The canonical training recipe as it is stored and hashed: settings with their defaults, no path, and the content of input files instead.</summary>
/// <param name="Kind">What is learnt from.</param>
/// <param name="Recipe">Settings; paths are empty.</param>
/// <param name="Inputs">Input files by role: model/config.json, data/0, evaluation/0, release/manifest.json, …</param>
public sealed record TrainingDocument(TrainingKind Kind, TrainingRecipe Recipe, IReadOnlyList<InputContent> Inputs)
{
    /// <summary>Role of a release's manifest.</summary>
    public const string Manifest = "release/manifest.json";

    /// <summary>Builds the document of a loaded recipe.</summary>
    public static TrainingDocument Of(TrainingKind kind, TrainingRecipe recipe, IEnumerable<InputContent> inputs)
    {
        var settings = JsonSerializer.Deserialize<TrainingRecipe>(JsonSerializer.Serialize(recipe, EventJson.Options), EventJson.Options)!;
        settings.Model.Path = settings.Model.Path is null ? null : "";
        settings.Data.Release = settings.Data.Release is null ? null : "";
        settings.Data.Files = [.. settings.Data.Files.Select(_ => "")];
        settings.Evaluation.Files = [.. settings.Evaluation.Files.Select(_ => "")];
        return new TrainingDocument(kind, settings, [.. inputs.OrderBy(i => i.Role, StringComparer.Ordinal)]);
    }

    /// <summary>Canonical JSON: what is stored and hashed.</summary>
    [JsonIgnore]
    public string Json => System.Text.Encoding.UTF8.GetString(CanonicalJson.Of(this, EventJson.Options));

    /// <summary>Hash of <see cref="Json"/>: it names the training and its checkpoints.</summary>
    [JsonIgnore]
    public string Hash => ContentHash.Of(Json);

    /// <summary>Training id: recipe name and the first 8 hex digits of the hash.</summary>
    [JsonIgnore]
    public string Id => $"{Recipe.Name}-{Hash[..8]}";

    /// <summary>SHA-256 of the release that is trained on; null when the data is no release.</summary>
    [JsonIgnore]
    public string? Release => Inputs.FirstOrDefault(i => i.Role == Manifest)?.Sha256;

    /// <summary>In words, e.g. <c>sft lora</c>.</summary>
    [JsonIgnore]
    public string Method => $"{Kind} {Recipe.Method}".ToLowerInvariant();

    /// <summary>Input files under a role, in their order.</summary>
    public IEnumerable<InputContent> Under(string role) => Inputs.Where(i => i.Role.StartsWith(role + "/", StringComparison.Ordinal));

    /// <summary>Reads a stored document.</summary>
    public static TrainingDocument Parse(string json) => JsonSerializer.Deserialize<TrainingDocument>(json, EventJson.Options)!;
}
