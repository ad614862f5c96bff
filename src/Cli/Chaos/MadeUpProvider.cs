using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace XInstruct.Cli.Chaos;

/// <summary>
/// An OpenAI-compatible endpoint on loopback that makes its replies up from the prompts alone, fails now and then, and knows what each call was worth. The
/// same prompt always gets the same reply, so that two runs can be compared; no money is spent.
/// </summary>
internal sealed class MadeUpProvider : IAsyncDisposable
{
    private static readonly string[] Kinds = ["early", "error", "cut", "lost", "slow"];

    private readonly WebApplication _app;
    private readonly int _seed;
    private readonly ConcurrentDictionary<string, Asked> _asked = new(StringComparer.Ordinal);

    private MadeUpProvider(WebApplication app, int seed) => (_app, _seed) = (app, seed);

    /// <summary>Share of prompts whose first call goes wrong, 0 to 1.</summary>
    public double Faults { get; set; }

    /// <summary>How often each kind of fault came up.</summary>
    public ConcurrentDictionary<string, int> Failed { get; } = new(StringComparer.Ordinal);

    /// <summary>Prompts that were asked.</summary>
    public int Prompts => _asked.Count;

    /// <summary>How many replies of each prompt went out whole; a later iteration may ask the same once more.</summary>
    public Dictionary<string, int> Delivered => _asked.ToDictionary(a => a.Key, a => a.Value.Delivered, StringComparer.Ordinal);

    /// <summary>Prompts none of whose replies ever went out whole.</summary>
    public int Unanswered => _asked.Values.Count(a => a.Delivered == 0);

    /// <summary>Tokens of all work that was done, whatever became of the reply: what a provider would bill.</summary>
    public long Billed => _asked.Values.Sum(a => a.Billed);

    /// <summary>Address of a role's endpoint.</summary>
    public string BaseUrl(string role) => $"{_app.Urls.First()}/{role}/v1";

    /// <summary>Starts it on a free port.</summary>
    public static async Task<MadeUpProvider> StartAsync(int seed)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var provider = new MadeUpProvider(app, seed);
        app.MapPost("/{role}/v1/chat/completions", provider.AnswerAsync);
        await app.StartAsync();
        return provider;
    }

    /// <summary>Counts from the beginning.</summary>
    public void Forget()
    {
        _asked.Clear();
        Failed.Clear();
    }

    private async Task AnswerAsync(string role, HttpContext context)
    {
        using var json = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        var request = json.RootElement;
        var messages = request.GetProperty("messages").EnumerateArray().Select(m => m.GetProperty("content").GetString()!).ToList();
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', messages.Prepend(role).Prepend($"{_seed}"))));
        var asked = _asked.GetOrAdd(Convert.ToHexString(hash), _ => new Asked());
        // Another byte than those that make the reply up.
        var chance = BitConverter.ToUInt32(hash, 8) / (double)uint.MaxValue;
        var fault = Interlocked.Increment(ref asked.Requests) == 1 && chance < Faults ? Kinds[hash[12] % Kinds.Length] : null;
        if (fault is not null) Failed.AddOrUpdate(fault, 1, (_, n) => n + 1);
        if (fault is "early" or "error")
        {
            if (fault == "early") context.Response.Headers.RetryAfter = "0.2";
            context.Response.StatusCode = fault == "early" ? 429 : 500;
            await context.Response.WriteAsJsonAsync(new { error = new { message = "Made up by xinstruct chaos.", type = fault } });
            return;
        }

        if (fault == "slow") await Task.Delay(300);
        var reply = Reply(role, hash, request.TryGetProperty("response_format", out _));
        var (read, written) = (messages.Sum(m => (m.Length / 4) + 1), (reply.Length / 4) + 1);
        Interlocked.Add(ref asked.Billed, read + written);
        var body = JsonSerializer.SerializeToUtf8Bytes(new
        {
            id = "made-up",
            @object = "chat.completion",
            choices = new[]
            {
                new { index = 0, finish_reason = "stop", message = new { role = "assistant", content = reply }, logprobs = new { content = new[] { new { token = reply, logprob = -hash[3] / 100.0 } } } },
            },
            usage = new { prompt_tokens = read, completion_tokens = written, total_tokens = read + written },
        });
        switch (fault)
        {
            case "lost":
                context.Abort();
                return;
            case "cut":
                context.Response.ContentLength = body.Length;
                await context.Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2));
                context.Abort();
                return;
        }

        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
        Interlocked.Increment(ref asked.Delivered);
    }

    private static string Reply(string role, byte[] hash, bool isJson)
    {
        var (name, score) = (Convert.ToHexStringLower(hash)[..8], hash[2] % 6);
        return (role, isJson) switch
        {
            ("generator", false) => $"Write about matter {name}.",
            ("generator", true) => JsonSerializer.Serialize(new { instruction = $"Write about matter {name}." }),
            (_, false) => string.Create(CultureInfo.InvariantCulture, $"Made up: {name}.\n\nScore: {score}"),
            (_, true) => JsonSerializer.Serialize(new { reason = $"Made up: {name}.", score }),
        };
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private sealed class Asked
    {
        public int Requests;
        public int Delivered;
        public long Billed;
    }
}
