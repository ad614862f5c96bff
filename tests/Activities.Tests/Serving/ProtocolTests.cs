using System.Text;
using System.Text.Json;

namespace XInstruct.Activities.Tests.Serving;

/// <summary>What the endpoints take and answer.</summary>
public sealed class ProtocolTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions";
    private const string Plain = "/v1/completions";

    private ServingFixture _server = null!;

    public async Task InitializeAsync() => _server = await ServingFixture.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Models_ListAndOne_AreTheServedModel()
    {
        var list = JsonDocument.Parse(await _server.Client.GetStringAsync("/v1/models")).RootElement;
        list.GetProperty("object").GetString().ShouldBe("list");
        var one = list.GetProperty("data").EnumerateArray().ShouldHaveSingleItem();
        (one.GetProperty("id").GetString(), one.GetProperty("object").GetString(), one.GetProperty("created").GetInt64(), one.GetProperty("max_model_len").GetInt32()).ShouldBe(("tiny", "model", 0, 200));
        (await _server.Client.GetStringAsync("/v1/models/tiny")).ShouldBe(one.GetRawText());
        (await _server.Client.GetAsync("/v1/models/other/one")).StatusCode.ShouldBe(System.Net.HttpStatusCode.NotFound);
        (await _server.Client.GetStringAsync("/health")).ShouldContain("\"ok\"");
    }

    [Fact]
    public async Task Chat_Conversation_IsRenderedByTheTemplateAndAnswered()
    {
        _server.Writer.Reply = r => ServingFixture.Tokenizer.Decode(r.Prompt);
        var reply = await _server.AskAsync(Chat, """
            {"model":"tiny","messages":[{"role":"developer","content":"Be"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"assistant","content":null},{"role":"user","content":"<|end|>"}],"unknown":{"x":[1]},"user":null}
            """);
        reply.GetProperty("object").GetString().ShouldBe("chat.completion");
        reply.GetProperty("id").GetString()!.ShouldStartWith("chatcmpl-");
        var choice = reply.GetProperty("choices").EnumerateArray().ShouldHaveSingleItem();
        // A special token that a message spells is text; the unknown joiner in its midst is none of this tokenizer's.
        choice.GetProperty("message").GetProperty("content").GetString().ShouldBe("[system]Be[user]ab[assistant][user]<|end|>>");
        _server.Writer.Requests.Single().Prompt.ShouldNotContain(129);
        (choice.GetProperty("finish_reason").GetString(), choice.GetProperty("message").GetProperty("role").GetString(), choice.GetProperty("logprobs").ValueKind).ShouldBe(("stop", "assistant", JsonValueKind.Null));
        var usage = reply.GetProperty("usage");
        var prompt = _server.Writer.Requests.Single().Prompt.Length;
        (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32(), usage.GetProperty("total_tokens").GetInt32()).ShouldBe((prompt, prompt + 1, (2 * prompt) + 1));
    }

    [Fact]
    public async Task Chat_AllOptions_ReachTheWriter()
    {
        await _server.AskAsync(Chat, """
            {"model":"tiny","messages":[{"role":"user","content":"a"}],"max_tokens":3,"max_completion_tokens":5,"temperature":0.5,"top_p":0.25,"top_k":7,"min_p":0.1,"typical_p":0.9,
             "repetition_penalty":1.5,"no_repeat_ngram_size":3,"seed":-4,"n":2,"stop":["x","yy"],"logprobs":true,"top_logprobs":2,"presence_penalty":0,"frequency_penalty":0.0,
             "logit_bias":{},"tools":[],"response_format":{"type":"text"},"stream":false,"stream_options":null}
            """);
        var requests = _server.Writer.Requests.ToArray();
        requests.Length.ShouldBe(2);
        requests.Select(r => r.Seed).Order().ShouldBe([unchecked((ulong)-4L), unchecked((ulong)-3L)]);
        var one = requests[0];
        (one.MaxNewTokens, one.Alternatives, string.Join('|', one.Stops)).ShouldBe((5, 2, "x|yy"));
        (one.Sampling.Temperature, one.Sampling.TopP, one.Sampling.TopK, one.Sampling.MinP, one.Sampling.TypicalP, one.Sampling.RepetitionPenalty, one.Sampling.NoRepeatNgram).ShouldBe((0.5, 0.25, 7, 0.1, 0.9, 1.5, 3));
    }

    [Fact]
    public async Task Chat_Nothing_TakesOpenAisDefaults()
    {
        await _server.AskAsync(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}]}""");
        var one = _server.Writer.Requests.Single();
        (one.Sampling.Temperature, one.Sampling.TopP, one.MaxNewTokens).ShouldBe((1.0, 1.0, 200 - one.Prompt.Length));
        await _server.AskAsync(Plain, """{"model":"tiny","prompt":"a"}""");
        _server.Writer.Requests.Last().MaxNewTokens.ShouldBe(16);
        _server.Writer.Requests.Last().Seed.ShouldNotBe(one.Seed);
    }

    [Fact]
    public async Task Chat_Stream_IsTheWholeReplyInPieces()
    {
        var chunks = await _server.StreamAsync(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"n":2,"stream":true,"stream_options":{"include_usage":true},"logprobs":true,"top_logprobs":3}""");
        chunks.Select(c => c.GetProperty("id").GetString()).Distinct().ShouldHaveSingleItem();
        chunks.ShouldAllBe(c => c.GetProperty("object").GetString() == "chat.completion.chunk");
        for (var index = 0; index < 2; index++)
        {
            var own = chunks.SelectMany(c => c.GetProperty("choices").EnumerateArray()).Where(c => c.GetProperty("index").GetInt32() == index).ToList();
            own[0].GetProperty("delta").GetRawText().ShouldBe("""{"role":"assistant","content":""}""");
            string.Concat(own.Select(c => c.GetProperty("delta").TryGetProperty("content", out var text) ? text.GetString() : "")).ShouldBe("Habari");
            own.Select(c => c.GetProperty("finish_reason").GetString()).ShouldBe([.. Enumerable.Repeat<string?>(null, own.Count - 1), "stop"]);
            var tokens = own.Select(c => c.GetProperty("logprobs")).Where(l => l.ValueKind == JsonValueKind.Object).Select(l => l.GetProperty("content").EnumerateArray().Single()).ToList();
            string.Concat(tokens.Select(t => t.GetProperty("token").GetString())).ShouldBe("Habari");
            tokens[0].GetProperty("bytes").GetRawText().ShouldBe("[72]");
            tokens[0].GetProperty("logprob").GetDouble().ShouldBe(-0.5);
            tokens[0].GetProperty("top_logprobs").EnumerateArray().Select(t => (t.GetProperty("token").GetString(), t.GetProperty("logprob").GetDouble())).ShouldBe([("H", -0.5), ("x", -1), ("y", -9999)]);
        }

        chunks[^1].GetProperty("choices").GetArrayLength().ShouldBe(0);
        var prompt = _server.Writer.Requests.First().Prompt.Length;
        chunks[^1].GetProperty("usage").GetRawText().ShouldBe($$"""{"prompt_tokens":{{prompt}},"completion_tokens":14,"total_tokens":{{prompt + 14}}}""");
    }

    [Fact]
    public async Task Plain_AllFormsOfPrompts_AreContinued()
    {
        var cases = new Dictionary<string, int[][]>
        {
            ["\"ab\""] = [[128, 97, 98]],
            ["[\"a\",\"b\"]"] = [[128, 97], [128, 98]],
            ["[97,98]"] = [[97, 98]],
            ["[[97],[98,99]]"] = [[97], [98, 99]],
            ["\"\""] = [[128]],
            ["[128.0]"] = [[128]],
        };
        foreach (var (prompt, ids) in cases)
        {
            _server.Writer.Requests.Clear();
            var reply = await _server.AskAsync(Plain, $$"""{"model":"tiny","prompt":{{prompt}}}""");
            _server.Writer.Requests.Select(r => string.Join(' ', r.Prompt)).ShouldBe(ids.Select(i => string.Join(' ', i)), prompt);
            reply.GetProperty("choices").EnumerateArray().Select(c => (c.GetProperty("index").GetInt32(), c.GetProperty("text").GetString())).ShouldBe(ids.Select((_, i) => (i, (string?)"Habari")));
            reply.GetProperty("usage").GetProperty("prompt_tokens").GetInt32().ShouldBe(ids.Sum(i => i.Length));
        }
    }

    [Fact]
    public async Task Plain_EchoAndLogProbabilities_SayWhereTokensStand()
    {
        var echo = await _server.AskAsync(Plain, """{"model":"tiny","prompt":"ab","echo":true,"n":2}""");
        echo.GetProperty("choices").EnumerateArray().Select(c => c.GetProperty("text").GetString()).ShouldBe(["abHabari", "abHabari"]);
        var nothing = await _server.AskAsync(Plain, """{"model":"tiny","prompt":[97,98],"echo":true,"max_tokens":0}""");
        nothing.GetProperty("choices")[0].GetProperty("text").GetString().ShouldBe("ab");
        var chances = (await _server.AskAsync(Plain, """{"model":"tiny","prompt":"ab","logprobs":2,"max_tokens":2}""")).GetProperty("choices")[0];
        chances.GetProperty("finish_reason").GetString().ShouldBe("length");
        chances.GetProperty("logprobs").GetRawText().ShouldBe("""{"tokens":["H","a"],"token_logprobs":[-0.5,-0.5],"top_logprobs":[{"H":-0.5,"x":-1},{"a":-0.5,"x":-1}],"text_offset":[0,1]}""");
        var chunks = await _server.StreamAsync(Plain, """{"model":"tiny","prompt":["a","b"],"stream":true,"echo":true,"stream_options":{"include_usage":true}}""");
        foreach (var (index, text) in new[] { (0, "aHabari"), (1, "bHabari") })
        {
            string.Concat(chunks.SelectMany(c => c.GetProperty("choices").EnumerateArray()).Where(c => c.GetProperty("index").GetInt32() == index).Select(c => c.GetProperty("text").GetString())).ShouldBe(text);
        }

        chunks[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32().ShouldBe(14);
    }

    [Theory]
    [InlineData(Chat, "{", null, "invalid_json")]
    [InlineData(Chat, "", null, "invalid_json")]
    [InlineData(Chat, "[]", "body", "invalid_type")]
    [InlineData(Chat, """{"messages":[]}""", "model", "missing_required_parameter")]
    [InlineData(Chat, """{"model":"tiny"}""", "messages", "missing_required_parameter")]
    [InlineData(Chat, """{"model":1,"messages":[]}""", "model", "invalid_type")]
    [InlineData(Chat, """{"model":"tiny","messages":[]}""", "messages", "empty_array")]
    [InlineData(Chat, """{"model":"tiny","messages":{}}""", "messages", "invalid_type")]
    [InlineData(Chat, """{"model":"tiny","messages":[1]}""", "messages[0]", "invalid_type")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user"}]}""", "messages[0].content", "missing_required_parameter")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"boss","content":"a"}]}""", "messages[0].role", "invalid_value")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":5}]}""", "messages[0].content", "invalid_type")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":[{"type":"image_url"}]}]}""", "messages[0].content[0].type", "invalid_value")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"\ud83d"}]}""", "messages[0].content", "invalid_value")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"temperature":3}""", "temperature", "invalid_value")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"temperature":1e999}""", "temperature", "invalid_value")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"temperature":"1"}""", "temperature", "invalid_type")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"n":0}""", "n", "invalid_value")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"max_tokens":1.5}""", "max_tokens", "invalid_type")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"max_tokens":199}""", "messages", "context_length_exceeded")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"stop":["1","2","3","4","5"]}""", "stop", "array_above_max_length")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"stop":[""]}""", "stop[0]", "invalid_value")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"stream":"yes"}""", "stream", "invalid_type")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"stream_options":{}}""", "stream_options", "invalid_value")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"top_logprobs":2}""", "top_logprobs", "invalid_value")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"logprobs":true,"top_logprobs":21}""", "top_logprobs", "invalid_value")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"presence_penalty":1}""", "presence_penalty", "unsupported_parameter")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"logit_bias":{"5":1}}""", "logit_bias", "unsupported_parameter")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"tools":[{}]}""", "tools", "unsupported_parameter")]
    [InlineData(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_object"}}""", "response_format", "unsupported_parameter")]
    [InlineData(Plain, """{"model":"tiny"}""", "prompt", "missing_required_parameter")]
    [InlineData(Plain, """{"model":"tiny","prompt":[]}""", "prompt", "empty_array")]
    [InlineData(Plain, """{"model":"tiny","prompt":[[]]}""", "prompt[0]", "invalid_value")]
    [InlineData(Plain, """{"model":"tiny","prompt":["a",1]}""", "prompt[1]", "invalid_type")]
    [InlineData(Plain, """{"model":"tiny","prompt":[130]}""", "prompt", "invalid_value")]
    [InlineData(Plain, """{"model":"tiny","prompt":[-1]}""", "prompt[0]", "invalid_value")]
    [InlineData(Plain, """{"model":"tiny","prompt":"a","max_tokens":0}""", "max_tokens", "invalid_value")]
    [InlineData(Plain, """{"model":"tiny","prompt":"a","echo":true,"logprobs":1}""", "logprobs", "unsupported_parameter")]
    [InlineData(Plain, """{"model":"tiny","prompt":"a","best_of":2}""", "best_of", "unsupported_parameter")]
    [InlineData(Plain, """{"model":"tiny","prompt":"a","suffix":"b"}""", "suffix", "unsupported_parameter")]
    public async Task Request_Wrong_IsNamedIn400(string path, string body, string? param, string code)
    {
        var error = (await _server.AskAsync(path, body, 400)).GetProperty("error");
        (error.GetProperty("param").GetString(), error.GetProperty("code").GetString(), error.GetProperty("type").GetString()).ShouldBe((param, code, "invalid_request_error"));
        error.GetProperty("message").GetString()!.Length.ShouldBeGreaterThan(10);
        _server.Writer.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Chat_TemplateRefuses_Is400WithItsWords()
    {
        await using var server = await ServingFixture.StartAsync(template: "{{ raise_exception('Only the user speaks.') }}");
        var error = (await server.AskAsync(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}]}""", 400)).GetProperty("error");
        (error.GetProperty("param").GetString(), error.GetProperty("code").GetString()).ShouldBe(("messages", "chat_template_error"));
        error.GetProperty("message").GetString()!.ShouldContain("Only the user speaks.");
        await using var endless = await ServingFixture.StartAsync(template: "{% for i in range(99999) %}{% for j in range(99999) %}{{ i }}{% endfor %}{% endfor %}");
        await endless.AskAsync(Chat, """{"model":"tiny","messages":[{"role":"user","content":"a"}]}""", 400);
    }

    [Fact]
    public async Task Request_OtherModel_Is404() =>
        (await _server.AskAsync(Chat, """{"model":"gpt-4.1","messages":[{"role":"user","content":"a"}]}""", 404)).GetProperty("error").GetProperty("code").GetString().ShouldBe("model_not_found");

    [Fact]
    public async Task Request_MutatedBody_IsNever500()
    {
        var random = new Random(7);
        string[] whole =
        [
            """{"model":"tiny","messages":[{"role":"user","content":[{"type":"text","text":"a\u00e9"}]}],"max_tokens":5,"stop":["x"],"logprobs":true,"top_logprobs":2,"seed":1,"n":2,"response_format":{"type":"text"}}""",
            """{"model":"tiny","prompt":[[97,98],[99]],"max_tokens":5,"temperature":0.5,"top_p":1,"stop":"x","logprobs":2,"echo":false,"stream":true,"stream_options":{"include_usage":true}}""",
        ];
        string[] parts = ["null", "{}", "[]", "-1", "1e400", "\"\"", "true", "\"\\ud800\"", "99999999999999999999", "[[[[]]]]", "\"\\u0000\""];
        var statuses = new Dictionary<int, int>();
        var bodies = Environment.GetEnvironmentVariable("XINSTRUCT_NIGHTLY") == "1" ? 50_000 : 600;
        for (var i = 0; i < bodies; i++)
        {
            var at = i % 2;
            var bytes = Encoding.UTF8.GetBytes(whole[at]).ToList();
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                var place = random.Next(bytes.Count);
                switch (random.Next(4))
                {
                    case 0: bytes[place] = (byte)random.Next(256); break;
                    case 1: bytes.RemoveRange(place, Math.Min(random.Next(1, 8), bytes.Count - place)); break;
                    case 2: bytes.InsertRange(place, Encoding.UTF8.GetBytes(parts[random.Next(parts.Length)])); break;
                    default:
                        // A whole value becomes another.
                        var colon = bytes.IndexOf((byte)':', place);
                        var comma = colon < 0 ? -1 : bytes.IndexOf((byte)',', colon);
                        if (comma > 0)
                        {
                            bytes.RemoveRange(colon + 1, comma - colon - 1);
                            bytes.InsertRange(colon + 1, Encoding.UTF8.GetBytes(parts[random.Next(parts.Length)]));
                        }

                        break;
                }

                if (bytes.Count == 0) bytes.Add((byte)'{');
            }

            using var content = new ByteArrayContent([.. bytes]);
            content.Headers.ContentType = new("application/json");
            using var response = await _server.Client.PostAsync(at == 0 ? Chat : Plain, content);
            var status = (int)response.StatusCode;
            statuses[status] = statuses.GetValueOrDefault(status) + 1;
            new[] { 200, 400, 404 }.ShouldContain(status, Encoding.UTF8.GetString([.. bytes]));
            if (status != 200) JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error").GetProperty("message").GetString().ShouldNotBeNullOrEmpty();
        }

        statuses[400].ShouldBeGreaterThan(200);
        statuses.Keys.ShouldContain(200);
    }
}
