using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Recipes;

/// <summary>JSON schema (draft 2020-12) of recipes, generated from their types: editors complete and check recipes with it.</summary>
public static class RecipeSchema
{
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The schema as indented JSON.</summary>
    /// <param name="recipe">A recipe with its defaults; null for that of a run.</param>
    /// <param name="title">What it is called.</param>
    public static string Json(object? recipe = null, string title = "XInstruct recipe")
    {
        var schema = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = title,
        };
        foreach (var (name, value) in Section(recipe ?? new Recipe()).ToList()) schema[name] = value?.DeepClone();
        return schema.ToJsonString(Layout);
    }

    private static JsonObject Section(object defaults)
    {
        var properties = new JsonObject();
        foreach (var key in RecipeKey.Of(defaults.GetType())) properties[key.Name] = Property(key, key.Get(defaults));
        // What follows from the rest of a recipe may be left out: the seeds' and the truth's path.
        var required = RecipeKey.Of(defaults.GetType()).Where(k => k.IsRequired && defaults is not (SeedOptions or TruthOptions)).Select(k => (JsonNode)k.Name).ToArray();
        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = false };
        if (required.Length > 0) schema["required"] = new JsonArray(required);
        schema["properties"] = properties;
        return schema;
    }

    private static JsonObject Property(RecipeKey key, object? value)
    {
        var schema = new JsonObject();
        if (key.Description.Length > 0) schema["description"] = key.Description;
        if (key.Kind == KeyKind.Section)
        {
            foreach (var (name, member) in Section(value ?? Activator.CreateInstance(key.Type)!).ToList()) schema[name] = member?.DeepClone();
            if (key.IsNullable) schema["type"] = new JsonArray("object", "null");
            return schema;
        }

        if (key.Kind == KeyKind.SectionList) schema["items"] = Section(Activator.CreateInstance(key.Item!)!);
        if (key.Kind == KeyKind.TextMap) schema["additionalProperties"] = new JsonObject { ["type"] = "string" };
        var type = key.Kind switch
        {
            KeyKind.WholeNumber => "integer",
            KeyKind.Number => "number",
            KeyKind.Flag => "boolean",
            KeyKind.TextList or KeyKind.NumberList or KeyKind.WholeNumberList or KeyKind.SectionList => "array",
            KeyKind.TextMap => "object",
            _ => "string",
        };
        schema["type"] = key.IsNullable ? new JsonArray(type, "null") : type;
        if (key.Kind == KeyKind.TextList) schema["items"] = new JsonObject { ["type"] = "string" };
        if (key.Kind == KeyKind.NumberList) schema["items"] = new JsonObject { ["type"] = "number", ["exclusiveMinimum"] = 0, ["maximum"] = 1 };
        if (key.Kind == KeyKind.WholeNumberList) schema["items"] = new JsonObject { ["type"] = "integer" };
        if (key.MinItems is { } items) schema["minItems"] = items;
        if (key.Choices.Count > 0) schema["enum"] = new JsonArray([.. key.Choices.Select(c => (JsonNode)c)]);
        if (key.Pattern is { } pattern) schema["pattern"] = pattern;
        if (key.Range is { } range)
        {
            schema["minimum"] = JsonSerializer.SerializeToNode(range.Minimum);
            if (range.Maximum is not int.MaxValue) schema["maximum"] = JsonSerializer.SerializeToNode(range.Maximum);
        }

        if (!key.IsRequired && Default(key, value) is { } standard) schema["default"] = standard;
        return schema;
    }

    private static JsonNode? Default(RecipeKey key, object? value) => value switch
    {
        null => null,
        _ when key.Kind == KeyKind.Choice => JsonNamingPolicy.CamelCase.ConvertName(value.ToString()!),
        _ when key.Kind == KeyKind.SectionList => null,
        _ => JsonSerializer.SerializeToNode(value),
    };
}
