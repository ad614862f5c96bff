using System.Text;
using System.Text.Json;
using XInstruct.Domain.Evaluation;

namespace XInstruct.Activities.Endpoints;

/// <summary>
/// The likeliest first tokens of a reply, as they are kept: a JSON array, likeliest first, of objects with <c>logprob</c> and <c>token</c>; of a part of a
/// character <c>bytes</c> instead, and neither when the endpoint tells no bytes of it.
/// </summary>
internal static class FirstTokens
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Those of a choice in a reply; null when the endpoint tells none.</summary>
    /// <param name="choice">The choice.</param>
    /// <param name="most">So many were asked for.</param>
    public static string? Read(JsonElement choice, int most)
    {
        if (Content(choice) is not { } tokens || tokens.GetArrayLength() == 0) return null;
        if (!tokens[0].TryGetProperty("top_logprobs", out var top) || top.ValueKind != JsonValueKind.Array || top.GetArrayLength() == 0) return null;
        var read = top.EnumerateArray().Select(Token).ToList();
        if (read.Exists(t => t is null)) return null;
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartArray();
            foreach (var (text, bytes, value) in read.Select(t => t!.Value).OrderByDescending(t => t.LogProbability).Take(most))
            {
                json.WriteStartObject();
                if (text is not null) json.WriteString("token", text);
                if (bytes is not null)
                {
                    json.WriteStartArray("bytes");
                    foreach (var b in bytes) json.WriteNumberValue(b);
                    json.WriteEndArray();
                }

                json.WriteNumber("logprob", value);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>Whether a choice tells the probabilities of its tokens, and has none.</summary>
    public static bool IsEmpty(JsonElement choice) => Content(choice) is { } tokens && tokens.GetArrayLength() == 0;

    /// <summary>Reads what <see cref="Read"/> wrote.</summary>
    public static IReadOnlyList<LikelyToken> Parse(string kept)
    {
        using var json = JsonDocument.Parse(kept);
        return [.. json.RootElement.EnumerateArray().Select(token => new LikelyToken(
            token.TryGetProperty("token", out var text) ? Encoding.UTF8.GetBytes(text.GetString()!) : token.TryGetProperty("bytes", out var bytes) ? [.. bytes.EnumerateArray().Select(b => b.GetByte())] : null,
            token.GetProperty("logprob").GetDouble()))];
    }

    private static JsonElement? Content(JsonElement choice) =>
        choice.TryGetProperty("logprobs", out var all) && all.ValueKind == JsonValueKind.Object && all.TryGetProperty("content", out var tokens) && tokens.ValueKind == JsonValueKind.Array ? tokens : null;

    private static (string? Text, byte[]? Bytes, double LogProbability)? Token(JsonElement token)
    {
        if (token.ValueKind != JsonValueKind.Object || !token.TryGetProperty("logprob", out var value) || value.ValueKind != JsonValueKind.Number) return null;
        if (token.TryGetProperty("bytes", out var numbers) && numbers.ValueKind == JsonValueKind.Array)
        {
            byte[] bytes = [.. numbers.EnumerateArray().Select(b => b.GetByte())];
            try
            {
                return (Strict.GetString(bytes), null, value.GetDouble());
            }
            catch (DecoderFallbackException)
            {
                return (null, bytes, value.GetDouble());
            }
        }

        // U+FFFD stands for a part of a character, whose bytes nobody knows then.
        return token.TryGetProperty("token", out var text) && text.GetString() is { } known && !known.Contains('\uFFFD', StringComparison.Ordinal)
            ? (known, null, value.GetDouble())
            : (null, null, value.GetDouble());
    }
}
