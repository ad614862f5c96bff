using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using XInstruct.Activities.Serving;

namespace XInstruct.Activities.Tests.Serving;

/// <summary>Who may ask, and what becomes of requests that end otherwise than well.</summary>
public sealed class AccessTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Question = """{"model":"tiny","messages":[{"role":"user","content":"a"}]}""";
    private const string Streamed = """{"model":"tiny","messages":[{"role":"user","content":"a"}],"stream":true}""";

    [Theory]
    [InlineData("evil.example", 403)]
    [InlineData("evil.example:80", 403)]
    [InlineData("localhost:8000", 200)]
    [InlineData("127.0.0.1", 200)]
    [InlineData("[::1]:5", 200)]
    [InlineData("models.example", 200)]
    public async Task Host_NotThisMachine_IsTurnedAway(string host, int status)
    {
        await using var server = await ServingFixture.StartAsync(new ServingOptions { AllowedHosts = ["models.example"] });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Host = host;
        using var response = await server.Client.SendAsync(request);
        ((int)response.StatusCode).ShouldBe(status);
        if (status == 403) (await response.Content.ReadAsStringAsync()).ShouldContain("\"code\":\"unknown_host\"");
    }

    [Theory]
    [InlineData(null, 401)]
    [InlineData("Bearer wrong", 401)]
    [InlineData("Basic secret", 401)]
    [InlineData("Bearer secret", 200)]
    public async Task Token_Set_IsNeededButForHealth(string? header, int status)
    {
        await using var server = await ServingFixture.StartAsync(new ServingOptions { Token = "secret" });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        if (header is not null) request.Headers.Authorization = AuthenticationHeaderValue.Parse(header);
        using var response = await server.Client.SendAsync(request);
        ((int)response.StatusCode).ShouldBe(status);
        if (status == 401) (await response.Content.ReadAsStringAsync()).ShouldContain("\"code\":\"invalid_api_key\"");
        (await server.Client.GetAsync("/health")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Address_OfOtherMachines_NeedsAToken()
    {
        var error = await Should.ThrowAsync<ArgumentException>(ServingFixture.StartAsync(new ServingOptions { Address = IPAddress.Any }));
        error.Message.ShouldContain("key");
        await using var server = await ServingFixture.StartAsync(new ServingOptions { Address = IPAddress.Any, Token = "secret" });
    }

    [Fact]
    public async Task Port_Taken_IsSaid()
    {
        await using var server = await ServingFixture.StartAsync();
        var model = new ServedModel("other", ServingFixture.Tokenizer, ChatPrompts.Of(Path.GetTempPath(), ServingFixture.Tokenizer, "a"), 10, 10, new ScriptedWriter(), default);
        var error = await Should.ThrowAsync<AddressException>(ModelServer.StartAsync(model, new ServingOptions { Port = server.Address.Port }, NullLoggerFactory.Instance, default));
        error.Message.ShouldContain($"Port {server.Address.Port}");
    }

    [Fact]
    public async Task Request_NoSuchPlaceMethodTypeOrLength_IsAnErrorOfTheApi()
    {
        await using var server = await ServingFixture.StartAsync(new ServingOptions { MaxBodyBytes = 1000 });
        await ShouldBeAsync(await server.Client.GetAsync("/v1/embeddings"), 404, "unknown_url");
        await ShouldBeAsync(await server.Client.GetAsync(Chat), 405, "method_not_allowed");
        await ShouldBeAsync(await server.Client.PostAsync(Chat, new StringContent(Question, Encoding.UTF8, "text/plain")), 415, "unsupported_media_type");
        await ShouldBeAsync(await server.Client.PostAsync(Chat, ServingFixture.Json(Question + new string(' ', 1000))), 413, "string_above_max_length");

        static async Task ShouldBeAsync(HttpResponseMessage response, int status, string code)
        {
            ((int)response.StatusCode).ShouldBe(status);
            JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error").GetProperty("code").GetString().ShouldBe(code);
        }
    }

    [Theory]
    [InlineData(Question)]
    [InlineData(Streamed)]
    public async Task Caller_GoesAway_StopsTheWriting(string body)
    {
        await using var server = await ServingFixture.StartAsync();
        var begun = new TaskCompletionSource();
        server.Writer.Pause = ct =>
        {
            begun.TrySetResult();
            return Task.Delay(Timeout.Infinite, ct);
        };
        using var stop = new CancellationTokenSource();
        var asking = server.Client.PostAsync(Chat, ServingFixture.Json(body), stop.Token);
        await begun.Task;
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(asking);
        await server.Writer.FirstStop.WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Writing_Fails_IsAnErrorThatTellsNothing()
    {
        await using var server = await ServingFixture.StartAsync();
        server.Writer.Failure = (3, new InvalidOperationException("secret of the house"));
        var error = (await server.AskAsync(Chat, Question, 500)).GetProperty("error");
        error.GetProperty("type").GetString().ShouldBe("server_error");
        error.GetRawText().ShouldNotContain("secret");
        // A stream has begun: it ends with the error and not with [DONE].
        using var response = await server.Client.PostAsync(Chat, ServingFixture.Json(Streamed));
        var events = (await response.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        events[^1].ShouldStartWith("data: {\"error\":");
        events.ShouldNotContain("data: [DONE]");
        server.Writer.Failure = (0, new XInstruct.Training.Generation.EngineBusyException(7));
        using var busy = await server.Client.PostAsync(Chat, ServingFixture.Json(Streamed));
        busy.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        busy.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Stop_WhileRepliesAreUnderWay_LetsThemEnd()
    {
        await using var server = await ServingFixture.StartAsync();
        var (begun, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        server.Writer.Pause = ct =>
        {
            begun.TrySetResult();
            return go.Task;
        };
        var asking = server.StreamAsync(Chat, Streamed);
        await begun.Task;
        var stopping = server.StopAsync();
        stopping.IsCompleted.ShouldBeFalse();
        go.SetResult();
        (await asking).Count.ShouldBeGreaterThan(6);
        await stopping;
        await Should.ThrowAsync<HttpRequestException>(server.Client.GetAsync("/health"));
    }

    [Fact]
    public async Task Request_Any_IsALineInTheLogWithoutItsText()
    {
        var lines = new Lines();
        using var loggers = LoggerFactory.Create(b => b.SetMinimumLevel(LogLevel.Debug).AddProvider(lines));
        await using var server = await ServingFixture.StartAsync(new ServingOptions { Token = "secret" }, loggers: loggers);
        server.Client.DefaultRequestHeaders.Authorization = new("Bearer", "secret");
        await server.AskAsync(Chat, Question);
        await server.AskAsync(Chat, "{", 400);
        var own = lines.Written.Where(l => l.Contains(Chat, StringComparison.Ordinal)).ToList();
        own.Count.ShouldBe(2);
        own[0].ShouldMatch("POST /v1/chat/completions 200 [0-9]+ ms, 8 tokens read, 7 written");
        own[1].ShouldContain(" 400 ");
        lines.Written.ShouldAllBe(l => !l.Contains("secret", StringComparison.Ordinal) && !l.Contains("Habari", StringComparison.Ordinal));
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public System.Collections.Concurrent.ConcurrentQueue<string> Written { get; } = [];

        // Those of the product; the framework's are not written at their level.
        public ILogger CreateLogger(string categoryName) => categoryName.StartsWith("XInstruct.", StringComparison.Ordinal) ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Written.Enqueue(formatter(state, exception));

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}
