using System.Text.Json;
using System.Text.Json.Serialization;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Jobs;

/// <summary>A job's canonical recipe as it is stored: settings without paths, and the content of its input files instead.</summary>
/// <param name="Kind">The command.</param>
/// <param name="Recipe">Settings; paths are empty.</param>
/// <param name="Inputs">Input files by role: <c>sources.0.path</c>, <c>models.1.path/config.json</c>, …</param>
public sealed record JobDocument(string Kind, JsonElement Recipe, IReadOnlyList<InputContent> Inputs)
{
    /// <summary>Builds the document of a loaded recipe.</summary>
    public static JobDocument Of(JobKind kind, JobRecipe recipe, IEnumerable<InputContent> inputs)
    {
        var type = recipe.GetType();
        var settings = JsonSerializer.Deserialize(JsonSerializer.Serialize(recipe, type, EventJson.Options), type, EventJson.Options)!;
        foreach (var place in InputPlace.Of(settings)) place.Set("");
        return new JobDocument(kind.Name, JsonSerializer.SerializeToElement(settings, type, EventJson.Options), [.. inputs.OrderBy(i => i.Role, StringComparer.Ordinal)]);
    }

    /// <summary>Canonical JSON: what is stored and hashed.</summary>
    [JsonIgnore]
    public string Json => System.Text.Encoding.UTF8.GetString(CanonicalJson.Of(this, EventJson.Options));

    /// <summary>Hash of <see cref="Json"/>: it names the job.</summary>
    [JsonIgnore]
    public string Hash => ContentHash.Of(Json);

    /// <summary>Reads a stored document.</summary>
    public static JobDocument Parse(string json) => JsonSerializer.Deserialize<JobDocument>(json, EventJson.Options)!;
}
