using System.Globalization;
using System.Text.Json;

namespace XInstruct.Activities.Endpoints;

/// <summary>The JSON that a role's replies are to be: a strict schema, and how such a reply is read.</summary>
public sealed class ReplyFormat
{
    private static readonly ReplyFormat Instruction = new(
        "instruction",
        """{"type":"object","properties":{"instruction":{"type":"string"}},"required":["instruction"],"additionalProperties":false}""",
        reply => reply.TryGetProperty("instruction", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null);

    // The reason first: a model that says why before it judges judges better.
    private static readonly ReplyFormat Rating = new(
        "rating",
        """{"type":"object","properties":{"reason":{"type":"string"},"score":{"type":"integer","enum":[0,1,2,3,4,5]}},"required":["reason","score"],"additionalProperties":false}""",
        reply => reply.TryGetProperty("score", out var score) && score.ValueKind == JsonValueKind.Number && score.TryGetInt32(out var points) && points is >= 0 and <= 5
            && reply.TryGetProperty("reason", out var reason) && reason.ValueKind == JsonValueKind.String
                ? string.Create(CultureInfo.InvariantCulture, $"{reason.GetString()}\nScore: {points}")
                : null);

    private readonly Func<JsonElement, string?> _plain;

    private ReplyFormat(string name, string schema, Func<JsonElement, string?> plain) => (Name, Schema, _plain) = (name, schema, plain);

    /// <summary>Name of the schema.</summary>
    public string Name { get; }

    /// <summary>JSON schema.</summary>
    public string Schema { get; }

    /// <summary>The format of a role.</summary>
    public static ReplyFormat Of(string role) => role == "generator" ? Instruction : Rating;

    /// <summary>What a model would have written without a format; null when the reply is not of this format.</summary>
    public string? Read(string reply)
    {
        try
        {
            using var json = JsonDocument.Parse(reply);
            return json.RootElement.ValueKind == JsonValueKind.Object ? _plain(json.RootElement) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Also a lone surrogate, which is no text.
            return null;
        }
    }
}
