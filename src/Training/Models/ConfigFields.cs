using System.Text.Json;

namespace XInstruct.Training.Models;

/// <summary>The fields of a JSON configuration; one that is of another kind than asked for is an error that names it.</summary>
internal class ConfigFields(string file, JsonElement root, string prefix = "")
{
    private const int MaxCount = 1 << 20;
    private const long MaxLength = 1 << 20;

    protected JsonElement Root => root;

    /// <summary>Reads a file and gives its object to a function.</summary>
    /// <exception cref="ModelConfigException">The file is absent, too large or no JSON object, or the function finds a field wrong.</exception>
    public static T Read<T>(string path, Func<JsonElement, T> read)
    {
        if (!File.Exists(path)) throw new ModelConfigException(path, "(file)", "does not exist. A folder in the Hugging Face layout has one.");
        if (new FileInfo(path).Length > MaxLength) throw new ModelConfigException(path, "(file)", $"is larger than 1 MiB: that is no {Path.GetFileName(path)}.");
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new ModelConfigException(path, "(file)", "must be a JSON object.");
            return read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new ModelConfigException(path, "(file)", "is not JSON: " + e.Message);
        }
    }

    public ConfigFields? Object(string name)
    {
        if (!Has(name)) return null;
        var value = root.GetProperty(name);
        return value.ValueKind == JsonValueKind.Object ? new ConfigFields(file, value, name + ".") : throw Error(name, "must be an object or null.");
    }

    public ModelConfigException Error(string field, string problem) => new(file, prefix + field, problem);

    public bool Has(string name) => root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    public double Needed(string name) => Number(name) ?? throw Error(name, "is missing.");

    public int Count(string name) => OptionalCount(name) ?? throw Error(name, "is missing.");

    public int? OptionalCount(string name, bool zero = false)
    {
        if (!Has(name)) return null;
        var value = root.GetProperty(name);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number <= MaxCount && number >= (zero ? 0 : 1)
            ? number
            : throw Error(name, $"is {Shown(value)}; it must be a whole number from {(zero ? 0 : 1)} to {MaxCount}.");
    }

    public int? Id(string name)
    {
        if (!root.TryGetProperty(name, out var value)) return null;
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0) value = value[0];
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var id) ? id : null;
    }

    public double? Number(string name)
    {
        if (!Has(name)) return null;
        var value = root.GetProperty(name);
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) && number > 0
            ? number
            : throw Error(name, $"is {Shown(value)}; it must be a number above 0.");
    }

    public string? Text(string name)
    {
        if (!Has(name)) return null;
        var value = root.GetProperty(name);
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw Error(name, $"is {Shown(value)}; it must be a text.");
    }

    public bool Flag(string name, bool absent = false)
    {
        if (!Has(name)) return absent;
        var value = root.GetProperty(name);
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Error(name, $"is {Shown(value)}; it must be true or false.");
    }

    private static string Shown(JsonElement value) => value.GetRawText() is { Length: > 60 } text ? text[..60] + "…" : value.GetRawText();
}
