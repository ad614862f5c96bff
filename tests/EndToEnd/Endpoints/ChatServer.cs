using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace XInstruct.EndToEnd.Endpoints;

/// <summary>What the server does with a request.</summary>
internal enum Fault
{
    None,

    /// <summary>Answers late.</summary>
    Delay,

    /// <summary>429 with Retry-After.</summary>
    Early,

    /// <summary>500 without work.</summary>
    Error,

    /// <summary>Does the work and sends half of the JSON.</summary>
    Cut,

    /// <summary>Does the work and refuses.</summary>
    Refuse,

    /// <summary>Never answers.</summary>
    Hang,

    /// <summary>Does the work and closes the connection.</summary>
    Lose,
}

/// <summary>What one prompt was asked and answered.</summary>
internal sealed record Asked(string Prompt)
{
    public int Requests;

    /// <summary>1 once <see cref="FaultInjection"/> has spoilt a request.</summary>
    public int Spoilt;

    /// <summary>Whole replies that went out.</summary>
    public int Delivered;

    /// <summary>Replies whose work was done and that the server itself lost.</summary>
    public int Lost;

    /// <summary>Tokens of one reply, read and written.</summary>
    public (long In, long Out) Tokens;
}

/// <summary>An OpenAI-compatible server on loopback that fails as it is told and counts what it is asked. Its reply depends on the prompt alone.</summary>
internal sealed class ChatServer : IAsyncDisposable
{
    public const string Key = "sk-test-0123456789abcdef";

    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, Asked> _asked = new(StringComparer.Ordinal);
    private long _tokensIn;
    private long _tokensOut;
    private long _tokensDone;
    private int _active;

    // Each pipe of a child process that is read blocks a thread of the pool, and missing ones are added half a second apart: without more of them at once
    // the server itself would stop for a second now and then, and let what came meanwhile in together.
    static ChatServer() => ThreadPool.SetMinThreads(32, 32);

    private ChatServer(WebApplication app) => _app = app;

    /// <summary>Chooses what happens to a request, from its prompt and how often that came before.</summary>
    public Func<string, int, Fault> Faults { get; set; } = (_, _) => Fault.None;

    /// <summary>Writes the reply of a prompt.</summary>
    public Func<string, string> Reply { get; set; } = prompt => $"Write a text about matter {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(prompt)))[..8]}.";

    /// <summary>How long the work takes.</summary>
    public TimeSpan Work { get; set; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Answers with this status instead, when not null.</summary>
    public int? Status { get; set; }

    /// <summary>Log-probabilities of a reply's tokens, sent when they are asked for.</summary>
    public Func<string, double[]>? LogProbabilities { get; set; }

    /// <summary>The likeliest first tokens of a prompt's reply, sent when they are asked for.</summary>
    public Func<string, (string Token, double Probability)[]>? FirstTokens { get; set; }

    /// <summary>So many of the likeliest tokens are told, at most.</summary>
    public int MostTokens { get; set; } = 20;

    /// <summary>Knows no response_format.</summary>
    public bool IsPlain { get; set; }

    /// <summary>Names of the schemas that replies were asked for in.</summary>
    public ConcurrentDictionary<string, int> Schemas { get; } = new(StringComparer.Ordinal);

    /// <summary>Requests that may begin a second; null for any number. One second's worth may come at once.</summary>
    public double? Rate { get; set; }

    /// <summary>Times at which requests were let in.</summary>
    public ConcurrentQueue<DateTime> Admitted { get; } = [];

    /// <summary>Authorization headers that came.</summary>
    public ConcurrentDictionary<string, int> Authorizations { get; } = new(StringComparer.Ordinal);

    public string BaseUrl => _app.Urls.First() + "/v1";

    public IReadOnlyCollection<Asked> Asked => [.. _asked.Values];

    /// <summary>Tokens of replies that went out whole.</summary>
    public (long In, long Out) Tokens => (Interlocked.Read(ref _tokensIn), Interlocked.Read(ref _tokensOut));

    /// <summary>Tokens of all work that was done, whatever became of its reply: what a provider would bill.</summary>
    public long TokensDone => Interlocked.Read(ref _tokensDone);

    /// <summary>Most requests that were at work at once.</summary>
    public int MostActive { get; private set; }

    public static async Task<ChatServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new ChatServer(app);
        app.MapPost("/v1/chat/completions", server.AnswerAsync);
        await app.StartAsync();
        return server;
    }

    /// <summary>Counts from the beginning.</summary>
    public void Forget() => _asked.Clear();

    private async Task AnswerAsync(HttpContext context)
    {
        var active = Interlocked.Increment(ref _active);
        MostActive = Math.Max(MostActive, active);
        try
        {
            Authorizations.AddOrUpdate(context.Request.Headers.Authorization.ToString(), 1, (_, n) => n + 1);
            using var json = await JsonDocument.ParseAsync(context.Request.Body);
            var messages = json.RootElement.GetProperty("messages").EnumerateArray().Select(m => m.GetProperty("content").GetString()!).ToArray();
            var prompt = messages[^1];
            var asked = _asked.GetOrAdd(prompt, p => new Asked(p));
            // What the harness spoils does not count: the test knows nothing of it.
            if (FaultInjection.Of(prompt) is var injected and not Fault.None && Interlocked.Exchange(ref asked.Spoilt, 1) == 0)
            {
                await AnswerAsync(context, injected, asked, messages, Reply(prompt), null);
                return;
            }

            var before = Interlocked.Increment(ref asked.Requests) - 1;
            if (Status is { } status)
            {
                await ErrorAsync(context, status, $"Incorrect API key provided: {context.Request.Headers.Authorization}");
                return;
            }

            if (json.RootElement.TryGetProperty("response_format", out var format))
            {
                var schema = format.GetProperty("json_schema");
                (format.GetProperty("type").GetString(), schema.GetProperty("strict").GetBoolean(), schema.GetProperty("schema").GetProperty("additionalProperties").GetBoolean()).ShouldBe(("json_schema", true, false));
                Schemas.AddOrUpdate(schema.GetProperty("name").GetString()!, 1, (_, n) => n + 1);
                if (IsPlain)
                {
                    await ErrorAsync(context, 400, "Unknown parameter: response_format");
                    return;
                }
            }

            var most = json.RootElement.TryGetProperty("top_logprobs", out var top) ? top.GetInt32() : 0;
            if (most > MostTokens)
            {
                await ErrorAsync(context, 400, $"Invalid value for 'top_logprobs': must be at most {MostTokens}.");
                return;
            }

            if (!Admit())
            {
                context.Response.Headers.RetryAfter = "1";
                await ErrorAsync(context, 429, "Slow down");
                return;
            }

            var reply = Reply(prompt);
            var values = json.RootElement.TryGetProperty("logprobs", out var wanted) && wanted.GetBoolean() ? LogProbabilities?.Invoke(reply) : null;
            object? content = most > 0 && FirstTokens is not null ? First(FirstTokens(prompt), most) : values?.Select(v => new { token = "t", logprob = v });
            await AnswerAsync(context, Faults(prompt, before), asked, messages, reply, content);
        }
        finally
        {
            Interlocked.Decrement(ref _active);
        }
    }

    private async Task AnswerAsync(HttpContext context, Fault fault, Asked asked, string[] messages, string reply, object? content)
    {
        switch (fault)
        {
            case Fault.Early:
                context.Response.Headers.RetryAfter = "0.2";
                await ErrorAsync(context, 429, "Slow down");
                return;
            case Fault.Error:
                await ErrorAsync(context, 500, "Oops");
                return;
            case Fault.Hang:
                await Task.Delay(TimeSpan.FromMinutes(5), context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                context.Abort();
                return;
            case Fault.Delay:
                await Task.Delay(300);
                break;
        }

        await Task.Delay(Work);
        var (read, written) = (messages.Sum(m => (long)m.Length), reply.Length);
        var body = JsonSerializer.SerializeToUtf8Bytes(new
        {
            id = "x",
            @object = "chat.completion",
            created = 1,
            model = "m",
            choices = new[]
            {
                new { index = 0, finish_reason = "stop", logprobs = content is null ? null : new { content }, message = new { role = "assistant", content = fault == Fault.Refuse ? null : reply, refusal = fault == Fault.Refuse ? "No." : null } },
            },
            usage = new { prompt_tokens = read, completion_tokens = written, total_tokens = read + written },
        });
        Interlocked.Add(ref _tokensDone, read + written);
        asked.Tokens = (read, written);
        if (fault == Fault.Lose)
        {
            Interlocked.Increment(ref asked.Lost);
            context.Abort();
            return;
        }

        context.Response.ContentType = "application/json";
        if (fault == Fault.Cut)
        {
            Interlocked.Increment(ref asked.Lost);
            await context.Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2));
            return;
        }

        Interlocked.Increment(ref asked.Delivered);
        Interlocked.Add(ref _tokensIn, read);
        Interlocked.Add(ref _tokensOut, written);
        await context.Response.Body.WriteAsync(body);
    }

    private static object First((string Token, double Probability)[] tokens, int most)
    {
        var told = tokens.OrderByDescending(t => t.Probability).Take(most).Select(t => new { token = t.Token, logprob = Math.Log(t.Probability), bytes = Encoding.UTF8.GetBytes(t.Token).Select(b => (int)b) }).ToList();
        return new[] { new { told[0].token, told[0].logprob, told[0].bytes, top_logprobs = told } };
    }

    private bool Admit()
    {
        lock (Admitted)
        {
            var now = DateTime.UtcNow;
            if (Rate is { } rate && Admitted.Count(a => a > now.AddSeconds(-1)) >= rate) return false;
            Admitted.Enqueue(now);
            return true;
        }
    }

    private static Task ErrorAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new { error = new { message, type = "test", code = (string?)null } });
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
