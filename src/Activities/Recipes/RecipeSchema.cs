using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Recipes;

/// <summary>JSON schema of recipes, for editors, generated from the types.</summary>
public static class RecipeSchema
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The schema (draft 2020-12).</summary>
    public static string Json()
    {
        var schema = Of(typeof(Recipe), new Recipe());
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
        schema["title"] = "XInstruct recipe";
        return schema.ToJsonString(Indented) + "\n";
    }

    private static JsonObject Of(Type type, object? defaults)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var (name, member) in RecipeBinder.Members(type))
        {
            properties[name] = Member(member, defaults is null ? null : member.GetValue(defaults));
            if (member.GetCustomAttribute<RequiredAttribute>() is not null && type == typeof(Recipe)) required.Add(name);
        }

        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
        if (required.Count > 0) schema["required"] = required;
        return schema;
    }

    private static JsonObject Member(PropertyInfo member, object? value)
    {
        var type = Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType;
        var schema = RecipeBinder.IsOptions(type) ? Of(type, value ?? Activator.CreateInstance(type)) : Value(type, value);
        if (member.GetCustomAttribute<DescriptionAttribute>() is { } description) schema["description"] = description.Description;
        if (member.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            schema["minimum"] = Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture);
            schema["maximum"] = Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture);
        }

        if (member.GetCustomAttribute<RegularExpressionAttribute>() is { } pattern) schema["pattern"] = pattern.Pattern;
        return schema;
    }

    private static JsonObject Value(Type type, object? value)
    {
        if (type.IsGenericType) return new JsonObject { ["type"] = "array", ["items"] = Value(type.GenericTypeArguments[0], null) };
        var schema = type switch
        {
            _ when type == typeof(int) => new JsonObject { ["type"] = "integer" },
            _ when type == typeof(double) => new JsonObject { ["type"] = "number" },
            _ when type == typeof(bool) => new JsonObject { ["type"] = "boolean" },
            _ when type.IsEnum => new JsonObject { ["enum"] = new JsonArray([.. Enum.GetNames(type).Select(n => (JsonNode)RecipeBinder.Camel(n))]) },
            _ => new JsonObject { ["type"] = "string" },
        };
        if (value is not (null or "")) schema["default"] = JsonSerializer.SerializeToNode(type.IsEnum ? RecipeBinder.Camel(value.ToString()!) : value);
        return schema;
    }
}

/// <summary>The commented recipe that <c>recipe new</c> writes.</summary>
public static class RecipeTemplate
{
    /// <summary>YAML with every key, its default and what it means.</summary>
    public static string Commented()
    {
        var yaml = new StringBuilder("# An XInstruct recipe. Keys that are commented out show their defaults.\n\n");
        Write(yaml, typeof(Recipe), new Recipe(), 0);
        return yaml.ToString();
    }

    private static void Write(StringBuilder yaml, Type type, object defaults, int depth)
    {
        var indent = new string(' ', depth * 2);
        foreach (var (name, member) in RecipeBinder.Members(type))
        {
            var inner = Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType;
            var value = member.GetValue(defaults);
            if (member.GetCustomAttribute<DescriptionAttribute>() is { } description) yaml.Append(indent).Append("# ").Append(description.Description).Append('\n');
            if (RecipeBinder.IsOptions(inner))
            {
                if (value is null) continue;
                yaml.Append(indent).Append(name).Append(":\n");
                Write(yaml, inner, value, depth + 1);
                if (depth == 0) yaml.Append('\n');
                continue;
            }

            var (text, isSet) = Text(name, type, value);
            yaml.Append(indent).Append(isSet ? "" : "# ").Append(name).Append(": ").Append(text).Append('\n');
        }
    }

    private static (string Text, bool IsSet) Text(string name, Type type, object? value) => (name, value) switch
    {
        ("name", _) when type == typeof(Recipe) => ("my-run", true),
        ("languages", _) => ("[sw, hi]", true),
        ("path", _) when type == typeof(CorpusOptions) => ("corpus/{lang}.jsonl", true),
        ("path", _) when type == typeof(SeedOptions) => ("seeds/{lang}.jsonl", true),
        (_, null) => ("", false),
        (_, string s) => (JsonSerializer.Serialize(s), false),
        (_, bool b) => (b ? "true" : "false", false),
        (_, Enum e) => (RecipeBinder.Camel(e.ToString()), false),
        (_, IEnumerable<double> list) => ($"[{string.Join(", ", list.Select(d => d.ToString(CultureInfo.InvariantCulture)))}]", false),
        (_, IFormattable number) => (number.ToString(null, CultureInfo.InvariantCulture), type != typeof(Recipe)),
        _ => ("[]", false),
    };

}
