using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;
using XInstruct.Activities.Models;
using XInstruct.Activities.Serving;
using XInstruct.Training.Generation;
using Xunit.Abstractions;

namespace XInstruct.Activities.Tests.Serving;

/// <summary>A model with its engine behind the API, asked by the OpenAI package's own client and by many at once.</summary>
public sealed class ServedModelTests : IAsyncLifetime, IDisposable
{
    private const string Name = "noise";
    private const double Margin = 1e-4;

    private readonly ITestOutputHelper _output;
    private readonly TinyModelFolder _folder = new();
    private readonly ModelHost _host;
    private ModelServer _server = null!;

    public ServedModelTests(ITestOutputHelper output)
    {
        _output = output;
        _host = ModelHost.Load(new ModelHostOptions(new ModelFolder(_folder.Path, Device: "cpu")) { Name = Name, Engine = new EngineOptions { MaxRows = 8, TokenBudget = 64 } });
    }

    public async Task InitializeAsync() => _server = await ModelServer.StartAsync(_host.Model, new ServingOptions { Port = 0 }, NullLoggerFactory.Instance, default);

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose()
    {
        _host.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task OpenAiClient_Completion_HasTextUsageAndLogProbabilities()
    {
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 12, Temperature = 0, IncludeLogProbabilities = true, TopLogProbabilityCount = 2 };
        ChatCompletion reply = await Client().CompleteChatAsync([new SystemChatMessage("Habari"), new UserChatMessage("leo")], options);
        var prompt = _host.Model.Chat.Encode([new("system", "Habari"), new("user", "leo")]);
        using var model = _folder.Load();
        var expected = TextGenerator.Generate(model, [new GenerationRequest(prompt)], new GenerationOptions { MaxNewTokens = 12, StopIds = [_folder.Tokenizer.SpecialId("<|end|>")] }).Single();
        reply.Content.Single().Text.ShouldBe(_folder.Tokenizer.Decode(expected.Ids, skipSpecialTokens: true));
        (reply.Usage.InputTokenCount, reply.Usage.OutputTokenCount).ShouldBe((prompt.Length, expected.LogProbabilities.Length));
        reply.FinishReason.ShouldBe(expected.Stopped ? ChatFinishReason.Stop : ChatFinishReason.Length);
        reply.ContentTokenLogProbabilities.Count.ShouldBe(expected.Ids.Length);
        for (var i = 0; i < expected.Ids.Length; i++)
        {
            ((double)reply.ContentTokenLogProbabilities[i].LogProbability).ShouldBe(expected.LogProbabilities[i], 1e-4);
            reply.ContentTokenLogProbabilities[i].TopLogProbabilities.Count.ShouldBe(2);
            // Greedy: the first of the most probable ones is the one that was taken.
            reply.ContentTokenLogProbabilities[i].TopLogProbabilities[0].Token.ShouldBe(reply.ContentTokenLogProbabilities[i].Token);
        }
    }

    [Fact]
    public async Task OpenAiClient_Stream_IsTheWholeReplyAndItsUsage()
    {
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 20, Temperature = 0 };
        ChatMessage[] messages = [new UserChatMessage("Habari ya asubuhi")];
        ChatCompletion whole = await Client().CompleteChatAsync(messages, options);
        var text = new StringBuilder();
        ChatTokenUsage? usage = null;
        ChatFinishReason? finish = null;
        var updates = 0;
        await foreach (var update in Client().CompleteChatStreamingAsync(messages, options))
        {
            foreach (var part in update.ContentUpdate) text.Append(part.Text);
            usage = update.Usage ?? usage;
            finish = update.FinishReason ?? finish;
            updates++;
        }

        text.ToString().ShouldBe(whole.Content.Single().Text);
        usage.ShouldNotBeNull().TotalTokenCount.ShouldBe(whole.Usage.TotalTokenCount);
        finish.ShouldBe(whole.FinishReason);
        updates.ShouldBeGreaterThan(5);
    }

    [Fact]
    public async Task OpenAiClient_Cancel_FreesTheRow()
    {
        using var stop = new CancellationTokenSource();
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 2000, Temperature = 1 };
        var error = await Should.ThrowAsync<Exception>(async () =>
        {
            var seen = 0;
            await foreach (var update in Client().CompleteChatStreamingAsync([new UserChatMessage("Habari")], options, stop.Token))
            {
                if (++seen == 3) await stop.CancelAsync();
            }
        });
        error.ShouldBeAssignableTo<OperationCanceledException>();
        while (_host.Status.Running > 0) await Task.Delay(5);
        _host.Status.NewTokens.ShouldBeLessThan(2000);
    }

    [Fact]
    public async Task OpenAiClient_WrongModel_IsItsException()
    {
        var error = await Should.ThrowAsync<ClientResultException>(Client("other").CompleteChatAsync([new UserChatMessage("a")]));
        error.Status.ShouldBe(404);
        error.Message.ShouldContain("'noise' is");
        OpenAIModelCollection models = await new OpenAIClient(new ApiKeyCredential("none"), Options()).GetOpenAIModelClient().GetModelsAsync();
        models.Single().Id.ShouldBe(Name);
    }

    [Fact]
    public async Task Requests_32AtOnce_WriteWhatEachWritesAlone()
    {
        using var client = ServingFixture.Direct(_server.Address);
        var alone = new List<Reply>();
        for (var i = 0; i < 32; i++) alone.Add(await AskAsync(client, i));
        var together = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => AskAsync(client, i)));
        var margins = alone.Select(a => a.Margin).ToList();
        _output.WriteLine($"smallest margin {margins.Min()}");
        margins.Count(m => m > Margin).ShouldBeGreaterThan(24);
        for (var i = 0; i < 32; i++)
        {
            if (alone[i].Margin > Margin) together[i].Text.ShouldBe(alone[i].Text);
        }

        alone.Select(a => a.Text).Distinct().Count().ShouldBeGreaterThan(8);
    }

    [Fact]
    public async Task Seed_Same_DrawsTheSameAndChoicesDiffer()
    {
        using var client = ServingFixture.Direct(_server.Address);
        const string body = """{"model":"noise","prompt":"Habari","max_tokens":12,"temperature":1,"seed":5,"n":3}""";
        var (first, second) = (await TextsAsync(body), await TextsAsync(body));
        first.ShouldBe(second);
        first.Distinct().Count().ShouldBe(3);
        (await TextsAsync(body.Replace(":5", ":6", StringComparison.Ordinal))).ShouldNotBe(first);

        async Task<List<string>> TextsAsync(string request)
        {
            using var response = await client.PostAsync("/v1/completions", ServingFixture.Json(request));
            return [.. JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("choices").EnumerateArray().Select(c => c.GetProperty("text").GetString()!)];
        }
    }

    [Fact]
    public async Task Stop_Text_EndsTheReplyBeforeIt()
    {
        using var client = ServingFixture.Direct(_server.Address);
        var whole = (await AskAsync(client, 1)).Text;
        var stop = whole.Substring(whole.Length / 2, 2);
        using var response = await client.PostAsync("/v1/completions", ServingFixture.Json(JsonSerializer.Serialize(new { model = Name, prompt = $"<|instruction|>{Prompt(1)}<|text|>", max_tokens = 16, temperature = 0, stop })));
        var choice = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("choices")[0];
        choice.GetProperty("text").GetString().ShouldBe(whole[..whole.IndexOf(stop, StringComparison.Ordinal)]);
        choice.GetProperty("finish_reason").GetString().ShouldBe("stop");
    }

    private sealed record Reply(string Text, double Margin);

    private static string Prompt(int i) => $"Habari {i} ya {new string('a', i % 7)}";

    private static async Task<Reply> AskAsync(HttpClient client, int i)
    {
        var body = new { model = Name, messages = new[] { new { role = "user", content = Prompt(i) } }, max_tokens = 16, temperature = 0, logprobs = true, top_logprobs = 2 };
        using var response = await client.PostAsync("/v1/chat/completions", ServingFixture.Json(JsonSerializer.Serialize(body)));
        var text = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).ShouldBe(200, text);
        var choice = JsonDocument.Parse(text).RootElement.GetProperty("choices")[0];
        var margins = choice.GetProperty("logprobs").GetProperty("content").EnumerateArray().Select(t =>
        {
            var top = t.GetProperty("top_logprobs");
            return top[0].GetProperty("logprob").GetDouble() - top[1].GetProperty("logprob").GetDouble();
        });
        return new Reply(choice.GetProperty("message").GetProperty("content").GetString()!, margins.DefaultIfEmpty(0).Min());
    }

    private ChatClient Client(string model = Name) => new(model, new ApiKeyCredential("none"), Options());

    private OpenAIClientOptions Options() => new()
    {
        Endpoint = new Uri(_server.Address, "v1"),
        RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
        Transport = new HttpClientPipelineTransport(new HttpClient(new SocketsHttpHandler { UseProxy = false })),
    };
}
