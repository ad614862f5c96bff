using System.Globalization;
using System.Text.Json;

namespace XInstruct.Training.Tokenizers;

/// <summary>A JSON value with the file and path it was read from, so that each error says where it is.</summary>
internal readonly struct JsonField(string file, string path, JsonElement element)
{
    public bool IsArray => element.ValueKind == JsonValueKind.Array;

    public bool IsObject => element.ValueKind == JsonValueKind.Object;

    public bool IsString => element.ValueKind == JsonValueKind.String;

    public bool IsNull => element.ValueKind == JsonValueKind.Null;

    public TokenizerFileException Error(string problem) => new(file, path, problem);

    public TokenizerFileException Error(string problem, Exception inner) => new(file, path, problem, inner);

    public JsonField At(string name)
    {
        Expect(JsonValueKind.Object);
        var inner = path.Length == 0 ? name : $"{path}.{name}";
        return element.TryGetProperty(name, out var value)
            ? new JsonField(file, inner, value)
            : throw new TokenizerFileException(file, inner, "is missing");
    }

    public JsonField? Optional(string name)
    {
        Expect(JsonValueKind.Object);
        return element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? At(name) : null;
    }

    public JsonField Object(string name)
    {
        var field = At(name);
        field.Expect(JsonValueKind.Object);
        return field;
    }

    public JsonField Array(string name)
    {
        var field = At(name);
        field.Expect(JsonValueKind.Array);
        return field;
    }

    public string? OptionalString(string name) => Optional(name)?.String();

    public bool OptionalBool(string name, bool whenAbsent = false) => Optional(name)?.Bool() ?? whenAbsent;

    public string String()
    {
        Expect(JsonValueKind.String);
        return element.GetString()!;
    }

    public bool Bool() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Error("is not true or false"),
    };

    public int Int(int min, int max)
    {
        if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt32(out var value) || value < min || value > max)
            throw Error(string.Create(CultureInfo.InvariantCulture, $"is not a whole number from {min} to {max}"));
        return value;
    }

    public double Number()
    {
        if (element.ValueKind != JsonValueKind.Number || !element.TryGetDouble(out var value) || !double.IsFinite(value))
            throw Error("is not a number");
        return value;
    }

    public IEnumerable<JsonField> Items()
    {
        Expect(JsonValueKind.Array);
        var (name, at, items) = (file, path, element);
        return items.EnumerateArray().Select((item, i) => new JsonField(name, $"{at}[{i}]", item));
    }

    public IEnumerable<(string Name, JsonField Value)> Members()
    {
        Expect(JsonValueKind.Object);
        var (name, at, members) = (file, path, element);
        return members.EnumerateObject().Select(member => (member.Name, new JsonField(name, $"{at}.{member.Name}", member.Value)));
    }

    private void Expect(JsonValueKind kind)
    {
        if (element.ValueKind != kind)
            throw Error($"is {element.ValueKind}, not {kind}");
    }
}
