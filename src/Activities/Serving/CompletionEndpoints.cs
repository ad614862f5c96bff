using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using XInstruct.Activities.Serving.Protocol;
using XInstruct.Training.Chat;

namespace XInstruct.Activities.Serving;

/// <summary>The endpoints of the OpenAI API that a local model answers.</summary>
/// <param name="model">The model.</param>
internal sealed class CompletionEndpoints(ServedModel model)
{
    private const int PlainMaxTokens = 16;

    private static readonly JsonDocumentOptions s_strict = new() { MaxDepth = 32 };

    private readonly TokenTexts _texts = new(model.Tokenizer);

    /// <summary>Adds them.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/models", context => WriteAsync(context, new ModelListReply([Model()])));
        routes.MapGet("/v1/models/{**id}", context =>
        {
            ShouldBeServed((string?)context.Request.RouteValues["id"] ?? "");
            return WriteAsync(context, Model());
        });
        routes.MapPost("/v1/chat/completions", ChatAsync);
        routes.MapPost("/v1/completions", PlainAsync);
    }

    private ModelReply Model() => new(model.Name, model.Since.ToUnixTimeSeconds(), model.Context);

    private async Task ChatAsync(HttpContext context)
    {
        var body = await ReadAsync(context, ChatBody.Read);
        ShouldBeServed(body.Model);
        var prompt = Encode(body.Messages);
        var settings = body.Settings;
        var limit = Limit(prompt.Length, settings.MaxTokens, "messages") ?? model.Context - prompt.Length;
        var stops = settings.Stops.Concat(model.Chat.Stops).ToList();
        var requests = Requests(prompt, settings, limit, stops, body.Alternatives);
        var (id, created) = ($"chatcmpl-{Guid.NewGuid():N}", DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        if (settings.IsStream) await StreamChatAsync(context, body, requests, id, created);
        else await AnswerChatAsync(context, body, requests, id, created);
    }

    private async Task AnswerChatAsync(HttpContext context, ChatBody body, IReadOnlyList<TextRequest> requests, string id, long created)
    {
        var replies = await Replying.AllAsync(model.Writer, requests, context.RequestAborted);
        var choices = replies.Select((reply, i) => new ChatChoice(i, new MessageReply(reply.Text), body.LogProbabilities ? new ChatLogprobs([.. reply.Tokens.Select(_texts.Reply)]) : null, reply.Finish));
        var usage = new Usage(requests[0].Prompt.Length, replies.Sum(r => r.Count));
        RequestLog.Took(context, usage);
        await WriteAsync(context, new ChatReply(id, created, model.Name, [.. choices], usage));
    }

    private async Task StreamChatAsync(HttpContext context, ChatBody body, IReadOnlyList<TextRequest> requests, string id, long created)
    {
        // Begun with the first step: what fails before has a status of its own.
        EventStream? events = null;
        var written = 0;
        await foreach (var (row, step) in Replying.StepsAsync(model.Writer, requests, context.RequestAborted))
        {
            if (events is null)
            {
                events = EventStream.Begin(context);
                for (var i = 0; i < requests.Count; i++) await SendAsync(new ChatChunkChoice(i, new MessageDelta("assistant", ""), null, null));
            }

            written += step.Written;
            var chance = body.LogProbabilities && step.Id is not null ? new ChatLogprobs([_texts.Reply(step)]) : null;
            if (step.Text.Length > 0 || chance is not null) await SendAsync(new ChatChunkChoice(row, new MessageDelta(Content: step.Text), chance, null));
            if (step.Finish is not null) await SendAsync(new ChatChunkChoice(row, new MessageDelta(), null, step.Finish));
        }

        var usage = new Usage(requests[0].Prompt.Length, written);
        RequestLog.Took(context, usage);
        if (body.Settings.IncludesUsage) await events!.SendAsync(new ChatChunk(id, created, model.Name, [], usage));
        await events!.EndAsync();

        ValueTask SendAsync(ChatChunkChoice choice) => events!.SendAsync(new ChatChunk(id, created, model.Name, [choice], null));
    }

    private async Task PlainAsync(HttpContext context)
    {
        var body = await ReadAsync(context, CompletionBody.Read);
        ShouldBeServed(body.Model);
        if (body is { Echoes: true, Alternatives: not null }) throw ApiException.Bad("logprobs", "'logprobs' cannot be had with 'echo': the prompt's tokens have none here. 'xinstruct score' gives log-likelihoods.", "unsupported_parameter");
        var prompts = body.Prompts.Select(Ids).ToList();
        var settings = body.Settings;
        var limits = prompts.Select((prompt, i) => Limit(prompt.Length, settings.MaxTokens ?? PlainMaxTokens, body.Prompts[i].Name)!.Value).ToList();
        var requests = prompts.SelectMany((prompt, i) => Requests(prompt, settings, limits[i], settings.Stops, body.Alternatives ?? 0)).ToList();
        var heads = body.Prompts.Select((prompt, i) => body.Echoes ? prompt.Text ?? model.Tokenizer.Decode(prompts[i]) : "").ToList();
        var read = prompts.Sum(p => p.Length);
        var job = new PlainJob(body, requests, heads, read, $"cmpl-{Guid.NewGuid():N}", DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        if (settings.IsStream) await StreamPlainAsync(context, job);
        else await AnswerPlainAsync(context, job);
    }

    /// <summary>What is asked for.</summary>
    /// <param name="Heads">What stands before the completions of each prompt.</param>
    /// <param name="Read">Tokens of all prompts.</param>
    private sealed record PlainJob(CompletionBody Body, IReadOnlyList<TextRequest> Requests, IReadOnlyList<string> Heads, int Read, string Id, long Created)
    {
        public string Head(int row) => Heads[row / Body.Settings.Choices];

        public bool WritesNothing => Requests[0].MaxNewTokens == 0;
    }

    private async Task AnswerPlainAsync(HttpContext context, PlainJob job)
    {
        var replies = job.WritesNothing ? [] : await Replying.AllAsync(model.Writer, job.Requests, context.RequestAborted);
        var choices = job.Requests.Select((_, i) => job.WritesNothing
            ? new PlainChoice(job.Head(i), i, null, "length")
            : new PlainChoice(job.Head(i) + replies[i].Text, i, job.Body.Alternatives is { } most ? Logprobs(replies[i].Tokens, most, Length(job.Head(i))) : null, replies[i].Finish));
        var usage = new Usage(job.Read, replies.Sum(r => r.Count));
        RequestLog.Took(context, usage);
        await WriteAsync(context, new PlainReply(job.Id, job.Created, model.Name, [.. choices], usage));
    }

    private async Task StreamPlainAsync(HttpContext context, PlainJob job)
    {
        EventStream? events = null;
        var written = 0;
        var offsets = job.Requests.Select((_, i) => Length(job.Head(i))).ToArray();
        if (job.WritesNothing) await BeginAsync();
        else
        {
            await foreach (var (row, step) in Replying.StepsAsync(model.Writer, job.Requests, context.RequestAborted))
            {
                if (events is null) await BeginAsync();
                written += step.Written;
                PlainLogprobs? chances = null;
                if (job.Body.Alternatives is { } most && step.Id is { } token)
                {
                    chances = Logprobs([step], most, offsets[row]);
                    offsets[row] += Length(_texts[token]);
                }

                if (step.Text.Length > 0 || chances is not null || step.Finish is not null) await SendAsync(new PlainChoice(step.Text, row, chances, step.Finish));
            }
        }

        var usage = new Usage(job.Read, written);
        RequestLog.Took(context, usage);
        if (job.Body.Settings.IncludesUsage) await events!.SendAsync(new PlainReply(job.Id, job.Created, model.Name, [], usage));
        await events!.EndAsync();

        async Task BeginAsync()
        {
            events = EventStream.Begin(context);
            for (var i = 0; i < job.Requests.Count && job.Body.Echoes; i++) await SendAsync(new PlainChoice(job.Head(i), i, null, job.WritesNothing ? "length" : null));
        }

        ValueTask SendAsync(PlainChoice choice) => events!.SendAsync(new PlainReply(job.Id, job.Created, model.Name, [choice], null));
    }

    private PlainLogprobs Logprobs(IReadOnlyList<TextStep> steps, int most, int offset)
    {
        var tokens = steps.Select(s => _texts[s.Id!.Value]).ToList();
        var offsets = new List<int>();
        foreach (var token in tokens)
        {
            offsets.Add(offset);
            offset += Length(token);
        }

        var top = most == 0 ? null : steps.Select(s =>
        {
            // Two tokens may show the same text: the more probable one stays.
            var chances = new Dictionary<string, double>(StringComparer.Ordinal);
            foreach (var chance in s.Alternatives) chances.TryAdd(_texts[chance.Id], TokenTexts.Finite(chance.LogProbability));
            return (IReadOnlyDictionary<string, double>?)chances;
        }).ToList();
        return new PlainLogprobs(tokens, [.. steps.Select(s => (double?)TokenTexts.Finite(s.LogProbability))], top, offsets);
    }

    /// <summary>In code points, as clients count that know no UTF-16.</summary>
    private static int Length(string text) => text.EnumerateRunes().Count();

    private int[] Encode(IReadOnlyList<ChatMessage> messages)
    {
        try
        {
            return model.Chat.Encode(messages) is { Length: > 0 } prompt ? Known(prompt, "messages") : throw ApiException.Bad("messages", "The chat template makes no prompt of these messages.");
        }
        catch (ChatTemplateException e)
        {
            throw ApiException.Bad("messages", $"The model's chat template does not take these messages: {e.Problem} (line {e.Line})", "chat_template_error");
        }
    }

    private int[] Ids(PlainPrompt prompt)
    {
        var ids = prompt.Ids ?? model.Tokenizer.Encode(prompt.Text!, addSpecialTokens: true);
        return ids.Length > 0 ? Known(ids, prompt.Name) : throw ApiException.Bad(prompt.Name, $"'{prompt.Name}' is empty, and the model has no token that begins a text.");
    }

    private int[] Known(int[] ids, string param) => ids.FirstOrDefault(id => id >= model.Vocabulary, -1) is var unknown and >= 0
        ? throw ApiException.Bad(param, $"'{param}' has the token {unknown}; the model knows 0 to {model.Vocabulary - 1}.")
        : ids;

    /// <summary>The new tokens that are asked for; null for none given.</summary>
    private int? Limit(int prompt, int? asked, string param)
    {
        if (prompt + Math.Max(1L, asked ?? 1) <= model.Context || (asked == 0 && prompt <= model.Context)) return asked;
        throw ApiException.Bad(param, $"The model reads and writes {model.Context} tokens together; here they are {prompt + (long)(asked ?? 1)}: {prompt} of the prompt and {asked ?? 1} to write.", "context_length_exceeded");
    }

    private static List<TextRequest> Requests(int[] prompt, CompletionSettings settings, int limit, IReadOnlyList<string> stops, int alternatives)
    {
        var seed = settings.Seed is { } given ? (ulong)given : BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
        return [.. Enumerable.Range(0, settings.Choices).Select(i => new TextRequest(prompt, limit, settings.Sampling, seed + (ulong)i, stops, alternatives))];
    }

    private void ShouldBeServed(string name)
    {
        if (name != model.Name) throw new ApiException(404, $"The model '{(name.Length <= 100 ? name : name[..100] + "…")}' is not served here; '{model.Name}' is.", "model", "model_not_found");
    }

    private static async Task<T> ReadAsync<T>(HttpContext context, Func<JsonElement, T> read)
    {
        if (!context.Request.HasJsonContentType()) throw new ApiException(415, "The body must be JSON, with the header 'Content-Type: application/json'.", code: "unsupported_media_type");
        try
        {
            using var document = await JsonDocument.ParseAsync(context.Request.Body, s_strict, context.RequestAborted);
            return read(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new ApiException(400, $"The body is not JSON: {e.Message}", code: "invalid_json");
        }
    }

    private static Task WriteAsync<T>(HttpContext context, T reply) => context.Response.WriteAsJsonAsync(reply, Replies.Json, context.RequestAborted);
}
