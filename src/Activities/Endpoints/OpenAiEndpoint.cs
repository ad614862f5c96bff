using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using OpenAI;
using OpenAI.Chat;

namespace XInstruct.Activities.Endpoints;

/// <summary>
/// An OpenAI-compatible endpoint through the official client. The request and the reply are read as JSON by ourselves, because compatible
/// endpoints leave out or add members that the client's own types insist on.
/// </summary>
public sealed class OpenAiEndpoint : IChatEndpoint, IDisposable
{
    private const int LongestReply = 8 << 20;

    private static readonly TimeSpan LongestConnect = TimeSpan.FromSeconds(15);

    private readonly EndpointSettings _settings;
    private readonly HttpClient _http;
    private readonly Lock _gate = new();
    private ChatClient? _client;

    /// <summary>An endpoint; nothing is connected before the first call.</summary>
    /// <param name="settings">How it is used.</param>
    /// <param name="longestConnect">How long a connection may take. Default: 15 s.</param>
    public OpenAiEndpoint(EndpointSettings settings, TimeSpan? longestConnect = null)
    {
        _settings = settings;
        // A redirect could carry a key to where it does not belong; this machine is never behind a proxy.
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = !settings.BaseUrl.IsLoopback,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectTimeout = longestConnect ?? LongestConnect,
            MaxConnectionsPerServer = settings.Concurrency,
        };
        _http = new HttpClient(handler) { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
    }

    /// <inheritdoc/>
    public async Task<ChatOutcome> AskAsync(ChatRequest request, CancellationToken ct)
    {
        if (Client() is not { } client) return new ChatStop(NoKey(_settings.Key!));
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(TimeSpan.FromSeconds(_settings.Timeout));
        try
        {
            using var content = BinaryContent.Create(BinaryData.FromBytes(Body(request)));
            var options = new RequestOptions { ErrorOptions = ClientErrorBehaviors.NoThrow, BufferResponse = false, CancellationToken = timeout.Token };
            var result = await client.CompleteChatAsync(content, options);
            using var response = result.GetRawResponse();
            var body = await ReadAsync(response, timeout.Token);
            return body is null ? new ChatFailure("cut-reply", MayBePaid: true) : ChatReading.Outcome(response, body, request, _settings);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            // The handler's own time-out is that of connecting.
            if (!timeout.IsCancellationRequested && e.InnerException is TimeoutException) return new ChatMiss("it takes no connections");
            return new ChatFailure("time-out", MayBePaid: true);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or ClientResultException)
        {
            ct.ThrowIfCancellationRequested();
            var error = (e as HttpRequestException ?? e.InnerException as HttpRequestException)?.HttpRequestError;
            return error switch
            {
                HttpRequestError.ConnectionError => new ChatMiss("it takes no connections"),
                HttpRequestError.NameResolutionError => new ChatMiss("its name is not known"),
                HttpRequestError.SecureConnectionError => new ChatMiss("no secure connection comes about"),
                HttpRequestError.ProxyTunnelError => new ChatMiss("the proxy on the way does not let calls through"),
                _ => new ChatFailure("connection-lost", MayBePaid: true),
            };
        }
    }

    /// <summary>What to say when a key is missing.</summary>
    public static string NoKey(string variable) =>
        $"The environment variable {variable} is not set where the calls are made ({Storage.WorkerIdentity.Current}). Set it to the endpoint's key and start the same command again; the run goes on.";

    private ChatClient? Client()
    {
        lock (_gate)
        {
            if (_client is not null) return _client;
            // Endpoints without keys ignore the header, which the client always sends.
            var key = _settings.Key is null ? "none" : Environment.GetEnvironmentVariable(_settings.Key)?.Trim();
            if (string.IsNullOrEmpty(key)) return null;
            return _client = new ChatClient(_settings.Model, new ApiKeyCredential(key), new OpenAIClientOptions
            {
                Endpoint = _settings.BaseUrl,
                RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
                NetworkTimeout = System.Threading.Timeout.InfiniteTimeSpan,
                Transport = new HttpClientPipelineTransport(_http),
                UserAgentApplicationId = "xinstruct",
            });
        }
    }

    private byte[] Body(ChatRequest request)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("model", _settings.Model);
            json.WriteStartArray("messages");
            Message(json, "system", request.System);
            Message(json, "user", request.User);
            json.WriteEndArray();
            json.WriteNumber(_settings.LimitName, request.MaxTokens);
            json.WriteNumber("temperature", request.Temperature);
            if (request.TopP < 1) json.WriteNumber("top_p", request.TopP);
            if (request.Temperature > 0) json.WriteNumber("seed", request.Seed);
            if (request.LogProbabilities) json.WriteBoolean("logprobs", true);
            if (request.TopLogProbabilities > 0) json.WriteNumber("top_logprobs", request.TopLogProbabilities);
            if (request.Format is { } format)
            {
                json.WriteStartObject("response_format");
                json.WriteString("type", "json_schema");
                json.WriteStartObject("json_schema");
                json.WriteString("name", format.Name);
                json.WriteBoolean("strict", true);
                json.WritePropertyName("schema");
                json.WriteRawValue(format.Schema);
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void Message(Utf8JsonWriter json, string role, string content)
    {
        if (content.Length == 0) return;
        json.WriteStartObject();
        json.WriteString("role", role);
        json.WriteString("content", content);
        json.WriteEndObject();
    }

    /// <summary>The body; null when it is longer than any reply.</summary>
    private static async Task<byte[]?> ReadAsync(PipelineResponse response, CancellationToken ct)
    {
        if (response.ContentStream is not { } stream) return [];
        using var body = new MemoryStream();
        var buffer = new byte[16 << 10];
        int read;
        while ((read = await stream.ReadAsync(buffer, ct)) > 0)
        {
            if (body.Length + read > LongestReply) return null;
            body.Write(buffer, 0, read);
        }

        return body.ToArray();
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();
}
