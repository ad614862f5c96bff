using System.Text.Json;
using XInstruct.Training.Generation;

namespace XInstruct.Activities.Serving.Protocol;

/// <summary>What chat and plain completions have in common: how the reply is written and sent.</summary>
/// <param name="Sampling">How the next token is chosen.</param>
/// <param name="MaxTokens">Longest reply; null for what the endpoint takes when nothing is asked for.</param>
/// <param name="Choices">Replies for each prompt.</param>
/// <param name="Seed">Seed of the first reply; null for a random one.</param>
/// <param name="Stops">Texts that end a reply; they are no part of it.</param>
/// <param name="IsStream">Send the reply while it is written.</param>
/// <param name="IncludesUsage">End the stream with the tokens that it took.</param>
internal sealed record CompletionSettings(SamplingOptions Sampling, int? MaxTokens, int Choices, long? Seed, IReadOnlyList<string> Stops, bool IsStream, bool IncludesUsage)
{
    private const int MostChoices = 128;
    private const int MostStops = 4;
    private const int LongestStop = 1000;

    /// <summary>Reads them.</summary>
    /// <exception cref="ApiException">A member is wrong, or asks for what this server does not do.</exception>
    public static CompletionSettings Read(RequestFields fields)
    {
        fields.Refuse("logit_bias", value => value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any(), "tokens cannot be biased here.");
        foreach (var penalty in new[] { "presence_penalty", "frequency_penalty" })
        {
            if (fields.Number(penalty, -2, 2) is not (null or 0))
                throw ApiException.Bad(penalty, $"'{penalty}' must be 0 here. 'repetition_penalty' (1 is none) makes a model repeat itself less.", "unsupported_parameter");
        }

        var isStream = fields.Flag("stream") ?? false;
        var stream = fields.Object("stream_options");
        if (stream is not null && !isStream) throw ApiException.Bad("stream_options", "'stream_options' is only allowed with 'stream': true.");
        return new CompletionSettings(
            ReadSampling(fields),
            (int?)(fields.Integer("max_completion_tokens", 1, int.MaxValue) ?? fields.Integer("max_tokens", 0, int.MaxValue)),
            (int)(fields.Integer("n", 1, MostChoices) ?? 1),
            fields.Integer("seed", long.MinValue, long.MaxValue),
            ReadStops(fields),
            isStream,
            stream?.Flag("include_usage") ?? false);
    }

    private static SamplingOptions ReadSampling(RequestFields fields) => new()
    {
        Temperature = fields.Number("temperature", 0, 2) ?? 1,
        TopP = fields.Number("top_p", 0, 1) ?? 1,
        // Not of OpenAI, but of most servers of local models, under these names.
        TopK = (int)Math.Max(0, fields.Integer("top_k", -1, int.MaxValue) ?? 0),
        MinP = fields.Number("min_p", 0, 1) ?? 0,
        TypicalP = fields.Number("typical_p", 0, 1) ?? 1,
        RepetitionPenalty = fields.Number("repetition_penalty", 0.01, 100) ?? 1,
        NoRepeatNgram = (int)(fields.Integer("no_repeat_ngram_size", 0, 1000) ?? 0),
    };

    private static IReadOnlyList<string> ReadStops(RequestFields fields)
    {
        if (fields.Any("stop") is not { } stop) return [];
        if (stop.ValueKind == JsonValueKind.String) return [Stop(stop, "stop")];
        if (stop.ValueKind != JsonValueKind.Array) throw RequestFields.WrongType(stop, "stop", $"a string or an array of up to {MostStops} strings");
        var items = RequestFields.ElementsOf(stop, "stop");
        if (items.Count > MostStops) throw ApiException.Bad("stop", $"'stop' may have up to {MostStops} strings; these are {items.Count}.", "array_above_max_length");
        return [.. items.Select(item => Stop(item.Value, item.Name))];
    }

    private static string Stop(JsonElement value, string name) => RequestFields.TextOf(value, name) is { Length: > 0 and <= LongestStop } text
        ? text
        : throw ApiException.Bad(name, $"'{name}' must have from 1 to {LongestStop} characters.");
}
