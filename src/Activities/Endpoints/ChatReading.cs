using System.ClientModel.Primitives;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using XInstruct.Domain.Costs;

namespace XInstruct.Activities.Endpoints;

/// <summary>What a status and a body mean (docs/api.md). Sentences are ours: what an endpoint says of an error may hold a part of the key.</summary>
internal static partial class ChatReading
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);

    public static ChatOutcome Outcome(PipelineResponse response, byte[] body, ChatRequest request, EndpointSettings settings)
    {
        var error = response.Status == 200 ? null : Error(body);
        var where = $"{settings.BaseUrl.GetLeftPart(UriPartial.Authority)} (model {settings.Model})";
        const string again = "Start the same command again afterwards; the run goes on.";
        return response.Status switch
        {
            200 => Reply(body, request, where),
            401 => new ChatStop($"{where} does not accept the key{(settings.Key is null ? ": it wants one. Name its environment variable in the recipe's api.key." : $" in {settings.Key}. Put a valid one there.")} {again}"),
            402 => new ChatStop($"{where} wants to be paid before it goes on (status 402). {again}"),
            403 => new ChatStop($"{where} forbids these calls (status 403{Code(error)}): the key may not use this model, or not from here. Change its rights or take another. {again}"),
            404 or 405 or 410 => new ChatStop($"{where} is not there (status {response.Status}{Code(error)}): api.model or api.baseUrl is wrong; the address ends in /v1 at most endpoints. {again}"),
            >= 300 and < 400 => new ChatStop($"{where} sends its callers elsewhere (status {response.Status}). A key is not sent along: set api.baseUrl to the right address. {again}"),
            429 when error is "insufficient_quota" or "billing_hard_limit_reached" => new ChatStop($"{where}: the account behind the key has no money left ({error}). {again}"),
            429 => new ChatFailure("rate-limited", RetryAfter(response), IsEarly: true),
            400 or 415 or 422 or 501 when request.Format is not null && IsAboutFormat(body) => new ChatStop(
                $"{where} does not take response_format with a JSON schema (status {response.Status}). Leave api.structured out of the recipe, or set it to false: that is a new run, because other prompts are sent."),
            400 or 415 or 422 or 501 when request.TopLogProbabilities > 0 && Encoding.UTF8.GetString(body).Contains("logprobs", StringComparison.OrdinalIgnoreCase) => NoChances(where, request, $" (status {response.Status})"),
            408 or 409 or 425 or >= 500 => new ChatFailure($"status-{response.Status}", RetryAfter(response), MayBePaid: response.Status is 408 or 502 or 504),
            _ when error is "context_length_exceeded" or "string_above_max_length" || response.Status == 413 => new ChatRefusal("too-long"),
            _ when error is "content_filter" or "content_policy_violation" => new ChatRefusal("refused"),
            _ => new ChatRefusal(error is null ? "bad-request" : $"bad-request:{error}"),
        };
    }

    private static ChatOutcome Reply(byte[] body, ChatRequest request, string where)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            var root = json.RootElement;
            if (!root.TryGetProperty("choices", out var choices) || choices.GetArrayLength() == 0) return new ChatFailure("cut-reply", MayBePaid: true);
            var choice = choices[0];
            var message = choice.GetProperty("message");
            var text = Text(message, "content") ?? "";
            var usage = root.TryGetProperty("usage", out var u) && u.ValueKind == JsonValueKind.Object ? u : default;
            var (read, written) = (Count(usage, "prompt_tokens") ?? request.TokensLikely, Count(usage, "completion_tokens") ?? TokenEstimate.Likely(text));
            var finish = Text(choice, "finish_reason");
            if (finish == "content_filter" || !string.IsNullOrEmpty(Text(message, "refusal"))) return new ChatRefusal("refused", read, written);
            if (request.TopLogProbabilities > 0)
            {
                if (FirstTokens.Read(choice, request.TopLogProbabilities) is { } told) return new ChatReply(told, read, written, null, false);
                return finish == "stop" && FirstTokens.IsEmpty(choice) ? new ChatRefusal("ended-at-once", read, written) : NoChances(where, request, "") with { Tokens = (read, written) };
            }

            var plain = request.Format is { } format && finish != "length" ? format.Read(text) : text;
            return plain is null
                ? new ChatFailure("malformed", Tokens: (read, written))
                : new ChatReply(plain, read, written, LogProbability(choice), finish == "length");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return new ChatFailure("cut-reply", MayBePaid: true);
        }
    }

    private static ChatStop NoChances(string where, ChatRequest request, string status) => new(
        $"{where} does not tell how likely the {request.TopLogProbabilities} likeliest first tokens are (logprobs with top_logprobs){status}. Set the model's topLogProbabilities to as many as it tells, or leave it out " +
        "and give this model tasks of the form generate only: that is a new evaluation, because something else is asked.");

    private static string? Text(JsonElement of, string name) => of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long? Count(JsonElement usage, string name) =>
        usage.ValueKind == JsonValueKind.Object && usage.TryGetProperty(name, out var value) && value.TryGetInt64(out var count) && count >= 0 ? count : null;

    private static double? LogProbability(JsonElement choice)
    {
        if (!choice.TryGetProperty("logprobs", out var all) || all.ValueKind != JsonValueKind.Object || !all.TryGetProperty("content", out var tokens) || tokens.ValueKind != JsonValueKind.Array) return null;
        var values = new List<double>();
        foreach (var token in tokens.EnumerateArray())
        {
            // The reply is paid for: without all of them it is one without log-probabilities.
            if (token.ValueKind != JsonValueKind.Object || !token.TryGetProperty("logprob", out var value) || value.ValueKind != JsonValueKind.Number) return null;
            values.Add(value.GetDouble());
        }

        return values.Count == 0 ? null : Math.Round(values.Average(), 6);
    }

    private static bool IsAboutFormat(byte[] body)
    {
        var text = Encoding.UTF8.GetString(body);
        return text.Contains("response_format", StringComparison.OrdinalIgnoreCase) || text.Contains("json_schema", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The error's code, or else its type, when it is a word.</summary>
    private static string? Error(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("error", out var error) || error.ValueKind != JsonValueKind.Object) return null;
            return new[] { Text(error, "code"), Text(error, "type") }.OfType<string>().FirstOrDefault(w => Word().IsMatch(w));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Code(string? error) => error is null ? "" : $", {error}";

    private static TimeSpan? RetryAfter(PipelineResponse response)
    {
        if (response.Headers.TryGetValue("retry-after-ms", out var precise) && double.TryParse(precise, NumberStyles.Float, CultureInfo.InvariantCulture, out var ms)) return Bounded(ms / 1000);
        if (!response.Headers.TryGetValue("retry-after", out var value)) return null;
        if (double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)) return Bounded(seconds);
        return DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? Bounded((at - DateTimeOffset.UtcNow).TotalSeconds) : null;
    }

    private static TimeSpan? Bounded(double seconds) => double.IsFinite(seconds) ? TimeSpan.FromSeconds(Math.Clamp(seconds, 0, LongestPause.TotalSeconds)) : null;

    [GeneratedRegex("^[a-z][a-z_]{1,39}$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Word();
}
