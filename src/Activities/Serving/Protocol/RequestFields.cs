using System.Globalization;
using System.Text.Json;

namespace XInstruct.Activities.Serving.Protocol;

/// <summary>
/// The members of a request's JSON object. A member that is missing or null is null; one of a wrong type is an error that names it. Members that
/// nobody asks for are ignored, as the OpenAI API does.
/// </summary>
/// <param name="element">The object.</param>
/// <param name="path">Where it stands in the request; empty for the request itself.</param>
internal readonly struct RequestFields(JsonElement element, string path = "")
{
    /// <summary>Full name of a member, as errors show it.</summary>
    public string Name(string member) => path.Length == 0 ? member : $"{path}.{member}";

    /// <summary>A member, whatever it is; null when it is missing or null.</summary>
    public JsonElement? Any(string member) => element.TryGetProperty(member, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A text.</summary>
    public string? Text(string member) => Any(member) is { } value ? TextOf(value, Name(member)) : null;

    /// <summary>A number from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public double? Number(string member, double least, double most)
    {
        if (Any(member) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Number) throw WrongType(value, Name(member), "a number");
        return value.TryGetDouble(out var number) && number >= least && number <= most ? number : throw OutOfRange(Name(member), least, most);
    }

    /// <summary>A whole number from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public long? Integer(string member, long least, long most)
    {
        if (Any(member) is not { } value) return null;
        return IntegerOf(value, Name(member), least, most);
    }

    /// <summary>true or false.</summary>
    public bool? Flag(string member) => Any(member) is not { } value ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw WrongType(value, Name(member), "true or false");

    /// <summary>An object's members.</summary>
    public RequestFields? Object(string member) => Any(member) is { } value ? Of(value, Name(member)) : null;

    /// <summary>The elements of an array, each with its full name.</summary>
    public IReadOnlyList<(JsonElement Value, string Name)>? Array(string member)
    {
        if (Any(member) is not { } value) return null;
        return ElementsOf(value, Name(member));
    }

    /// <summary>Refuses a member that asks for what this server does not do.</summary>
    /// <param name="member">The member.</param>
    /// <param name="isHarmless">Whether a value asks for nothing.</param>
    /// <param name="why">What is not done.</param>
    public void Refuse(string member, Func<JsonElement, bool> isHarmless, string why)
    {
        if (Any(member) is { } value && !isHarmless(value)) throw ApiException.Bad(Name(member), $"'{Name(member)}' is not supported: {why}", "unsupported_parameter");
    }

    /// <summary>The members of an object.</summary>
    public static RequestFields Of(JsonElement value, string name) => value.ValueKind == JsonValueKind.Object ? new RequestFields(value, name) : throw WrongType(value, name, "an object");

    /// <summary>The elements of an array, each with its full name.</summary>
    public static IReadOnlyList<(JsonElement Value, string Name)> ElementsOf(JsonElement value, string name) => value.ValueKind == JsonValueKind.Array
        ? [.. value.EnumerateArray().Select((item, i) => (item, string.Create(CultureInfo.InvariantCulture, $"{name}[{i}]")))]
        : throw WrongType(value, name, "an array");

    /// <summary>A text that is Unicode.</summary>
    public static string TextOf(JsonElement value, string name)
    {
        if (value.ValueKind != JsonValueKind.String) throw WrongType(value, name, "a string");
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw ApiException.Bad(name, $"'{name}' is not Unicode: a surrogate stands alone in it.");
        }
    }

    /// <summary>A whole number from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public static long IntegerOf(JsonElement value, string name, long least, long most)
    {
        if (value.ValueKind != JsonValueKind.Number) throw WrongType(value, name, "a whole number");
        if (value.TryGetInt64(out var number)) return number >= least && number <= most ? number : throw OutOfRange(name, least, most);
        // Some clients write 16.0.
        if (!value.TryGetDouble(out var real) || real != Math.Truncate(real)) throw WrongType(value, name, "a whole number");
        return real >= least && real <= most ? (long)real : throw OutOfRange(name, least, most);
    }

    /// <summary>The error of a value of another type than it should have.</summary>
    public static ApiException WrongType(JsonElement value, string name, string expected) => new(400, $"'{name}' must be {expected}, but is {Kind(value)}.", name, "invalid_type");

    private static ApiException OutOfRange(string name, double least, double most) =>
        ApiException.Bad(name, string.Create(CultureInfo.InvariantCulture, $"'{name}' must be from {least} to {most}."));

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "the number " + (value.GetRawText() is { Length: <= 32 } text ? text : "of many digits"),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };
}
