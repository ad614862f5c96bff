using System.Text.Json;
using System.Text.Json.Serialization;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Runs;

/// <summary>
/// The canonical recipe as it is stored: every setting with its default filled in, no path and no truth, and the content of its input files
/// instead. Its hash is the recipe's identity; the same data under another path is the same recipe.
/// </summary>
/// <param name="Recipe">Settings; paths are empty.</param>
/// <param name="Inputs">Input files by role and language.</param>
public sealed record RecipeDocument(Recipe Recipe, IReadOnlyList<InputContent> Inputs)
{
    /// <summary>Builds the document of a loaded recipe.</summary>
    public static RecipeDocument Of(Recipe recipe, IEnumerable<InputContent> inputs)
    {
        var settings = JsonSerializer.Deserialize<Recipe>(JsonSerializer.Serialize(recipe, EventJson.Options), EventJson.Options)!;
        settings.Truth = null;
        settings.Corpus.Path = "";
        settings.Seeds.Path = "";
        // Whether something is aligned, or starts from a checkpoint, is a setting; from which file, its content says.
        settings.Seeds.AlignWith = settings.Seeds.AlignWith is null ? null : "";
        foreach (var model in new ModelOptions[] { settings.Models.Generator, settings.Models.Evaluator, settings.Models.Student })
        {
            model.Base = model.Base is null ? null : "";
        }

        foreach (var api in new[] { settings.Models.Generator.Api, settings.Models.Evaluator.Api })
        {
            if (api is not null) api.PromptFile = api.PromptFile is null ? null : "";
        }

        if (settings.Diversify.Encoder is { } encoder) encoder.Path = "";
        return new RecipeDocument(settings, [.. inputs.OrderBy(i => i.Role, StringComparer.Ordinal).ThenBy(i => i.Language, StringComparer.Ordinal)]);
    }

    /// <summary>Canonical JSON: what is stored and hashed.</summary>
    [JsonIgnore]
    public string Json => System.Text.Encoding.UTF8.GetString(CanonicalJson.Of(this, EventJson.Options));

    /// <summary>Hash of <see cref="Json"/>.</summary>
    [JsonIgnore]
    public string Hash => ContentHash.Of(Json);

    /// <summary>Hash of the settings alone: tells a changed recipe from changed data.</summary>
    [JsonIgnore]
    public string SettingsHash => ContentHash.OfCanonical(Recipe);

    /// <summary>Default run id: recipe name and the first 8 hex digits of the hash.</summary>
    [JsonIgnore]
    public string RunId => $"{Recipe.Name}-{Hash[..8]}";

    /// <summary>Reads a stored document.</summary>
    public static RecipeDocument Parse(string json) => JsonSerializer.Deserialize<RecipeDocument>(json, EventJson.Options)!;

    /// <summary>Hash of the file with a role for a language, or the one file that serves all languages.</summary>
    public string? Input(string role, string? language) =>
        (Inputs.FirstOrDefault(i => i.Role == role && i.Language == language) ?? Inputs.FirstOrDefault(i => i.Role == role && i.Language is null))?.Sha256;
}
