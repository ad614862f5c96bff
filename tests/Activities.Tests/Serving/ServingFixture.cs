using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using XInstruct.Activities.Serving;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Tests.Serving;

/// <summary>A server on loopback over a writer, and somebody who asks it.</summary>
internal sealed class ServingFixture : IAsyncDisposable
{
    public const string Model = "tiny";

    /// <summary>Ids are the bytes of ASCII; the special tokens come after them.</summary>
    public static TextTokenizer Tokenizer { get; } = TextTokenizer.Parse(Encoding.UTF8.GetBytes(
        $$$$"""
        {"added_tokens":[{"id":128,"content":"<s>","special":true},{"id":129,"content":"<|end|>","special":true}],
        "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"special_tokens":{"<s>":{"id":"<s>","ids":[128],"tokens":["<s>"]}}},
        "decoder":{"type":"Fuse"},
        "model":{"type":"BPE","merges":[],"vocab":{{{{JsonSerializer.Serialize(Enumerable.Range(0, 128).ToDictionary(i => ((char)i).ToString(), i => i))}}}}}}
        """));

    private readonly ModelServer _server;
    private readonly string _folder;

    private ServingFixture(ModelServer server, ScriptedWriter writer, string folder) => (_server, Writer, _folder, Client) = (server, writer, folder, Direct(server.Address));

    public ScriptedWriter Writer { get; }

    public HttpClient Client { get; }

    public Uri Address => _server.Address;

    public static async Task<ServingFixture> StartAsync(ServingOptions? options = null, string template = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}>", ILoggerFactory? loggers = null)
    {
        var folder = Directory.CreateTempSubdirectory("xi-serving-").FullName;
        var writer = new ScriptedWriter();
        var model = new ServedModel(Model, Tokenizer, ChatPrompts.Of(folder, Tokenizer, template), Context: 200, Vocabulary: 130, writer, DateTimeOffset.UnixEpoch);
        var server = await ModelServer.StartAsync(model, (options ?? new ServingOptions()) with { Port = 0 }, loggers ?? NullLoggerFactory.Instance, default);
        return new ServingFixture(server, writer, folder);
    }

    /// <summary>Somebody who asks, past any proxy.</summary>
    public static HttpClient Direct(Uri address) => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address };

    public static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    /// <summary>Asks; the reply must have the status.</summary>
    public async Task<JsonElement> AskAsync(string path, string body, int status = 200)
    {
        using var content = Json(body);
        using var response = await Client.PostAsync(path, content);
        var text = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).ShouldBe(status, text);
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>The events of a stream up to [DONE], which must come last.</summary>
    public async Task<List<JsonElement>> StreamAsync(string path, string body)
    {
        using var content = Json(body);
        using var response = await Client.PostAsync(path, content);
        var text = await response.Content.ReadAsStringAsync();
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream", text);
        var events = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(e => e[6..]).ToList();
        events[^1].ShouldBe("[DONE]");
        return [.. events.SkipLast(1).Select(e => JsonDocument.Parse(e).RootElement)];
    }

    public Task StopAsync() => _server.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
