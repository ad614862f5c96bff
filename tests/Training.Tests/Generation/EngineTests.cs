using TorchSharp;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Adapters;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Generation;
using XInstruct.Training.Models;
using XInstruct.Training.Quantization;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Training.Tests.Generation;

public sealed class EngineTests
{
    private const double Margin = 1e-4;

    public static TheoryData<string> Families => ["llama_gqa", "llama_rope_llama3", "mistral_swa", "qwen2", "gemma", "gpt_neox", "gpt_neox_seq"];

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Submit_AnyCompanyAndOrder_GivesTheTokensOfEachPromptAlone(string name)
    {
        using var model = TestModels.Golden(name);
        var random = new DeterministicRandom(name);
        var prompts = Enumerable.Range(0, 24).Select(i => Prompt(random, 1 + random.Next(i % 3 == 0 ? 60 : 12), model.Config.VocabularySize)).ToArray();
        var alone = prompts.Select(prompt => TextGenerator.Generate(model, [new GenerationRequest(prompt)], new GenerationOptions { MaxNewTokens = 20 })[0]).ToArray();
        var smallest = double.PositiveInfinity;
        foreach (var options in new[] { new EngineOptions { MaxRows = 5, TokenBudget = 16, MaxContext = 256 }, new EngineOptions { MaxRows = 24, TokenBudget = 300, MaxContext = 256 } })
        {
            using var engine = new GenerationEngine(model, null, options);
            var running = new List<(int Prompt, Task<List<GeneratedToken>> Tokens)>();
            foreach (var i in Enumerable.Range(0, prompts.Length).OrderBy(_ => random.NextUInt64()).ToArray())
            {
                running.Add((i, ReadAsync(engine.Submit(new EngineRequest(prompts[i]) { MaxNewTokens = 20, TopLogProbabilities = 2 }))));
                // Some come while others are worked on.
                if (random.Next(3) == 0) await Task.WhenAny(running[^1].Tokens, Task.Delay(5));
            }

            foreach (var (i, task) in running) smallest = Math.Min(smallest, ShouldAgree(await task, alone[i]));
        }

        Console.WriteLine(FormattableString.Invariant($"{name}: smallest margin of the two best tokens {smallest:E2}"));
        double.IsFinite(smallest).ShouldBeTrue();
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Submit_SharedHeads_GiveTheTokensOfNoReuse(string name)
    {
        using var model = TestModels.Golden(name);
        var random = new DeterministicRandom(name);
        // Three heads of which one is no whole number of blocks; the same prompt comes more than once.
        var heads = new[] { 32, 48, 41 }.Select(length => Prompt(random, length, model.Config.VocabularySize)).ToArray();
        var prompts = Enumerable.Range(0, 30).Select(i => (int[])[.. heads[i % 3], .. Prompt(random, i % 7 == 0 ? 1 : random.Next(20), model.Config.VocabularySize)]).ToList();
        prompts.AddRange(prompts.Take(5).ToList());
        var smallest = double.PositiveInfinity;
        // Room for all, room for two heads, and in pieces shorter than a head.
        foreach (var (kept, budget) in new[] { (4096, 512), (96, 512), (4096, 24) })
        {
            using var engine = new GenerationEngine(model, null, new EngineOptions { MaxRows = 6, TokenBudget = budget, MaxContext = 128, PrefixCacheTokens = kept });
            var running = prompts.Select(prompt => engine.Submit(new EngineRequest(prompt) { MaxNewTokens = 12, TopLogProbabilities = 2 })).ToList();
            for (var i = 0; i < prompts.Count; i++)
            {
                var alone = TextGenerator.Generate(model, [new GenerationRequest(prompts[i])], new GenerationOptions { MaxNewTokens = 12 })[0];
                smallest = Math.Min(smallest, ShouldAgree(await ReadAsync(running[i]), alone));
            }

            await IdleAsync(engine);
            var status = engine.Status;
            status.ReusedTokens.ShouldBe(running.Sum(one => (long)one.ReusedTokens));
            (status.ReusedTokens + status.PromptTokens).ShouldBe(prompts.Sum(prompt => (long)prompt.Length));
            // All but the first of each head, where there is room for all.
            if (kept == 4096) status.ReusedTokens.ShouldBeGreaterThan(30 * 32);
            else status.ReusedTokens.ShouldBeGreaterThan(0);
        }

        Console.WriteLine(FormattableString.Invariant($"{name}: smallest margin of the two best tokens with shared heads {smallest:E2}"));
        double.IsFinite(smallest).ShouldBeTrue();
    }

    [Fact]
    public async Task Submit_ConversationThatGoesOn_TakesOverWhatItHad()
    {
        using var model = TestModels.Tiny();
        using var engine = new GenerationEngine(model);
        var first = engine.Submit(new EngineRequest([.. Enumerable.Range(4, 20)]) { MaxNewTokens = 30 });
        int[] history = [.. Enumerable.Range(4, 20), .. (await ReadAsync(first)).Select(token => token.Id)];
        var second = engine.Submit(new EngineRequest([.. history, 5, 6]) { MaxNewTokens = 3 });
        await second.Completion;
        (first.ReusedTokens, second.ReusedTokens).ShouldBe((0, 48));
    }

    [Fact]
    public async Task Submit_DynamicRopeScaling_StretchesEachRowByItsOwnLength()
    {
        var config = DecoderConfig.Llama(64, hidden: 16, layers: 2, heads: 2, intermediate: 32, initStd: 0.3, endId: 3, padId: 0) with { RopeScaling = new RopeScaling("dynamic", 4, 0, 0, 24) };
        using var model = Decoder.Random(config, 1);
        var random = new DeterministicRandom(9);
        int[] head = Prompt(random, 20, 64);
        // Below the original length, across it while being continued, and above it from the start.
        var prompts = Enumerable.Range(0, 12).Select(i => (int[])[.. head[..(i % 4 * 5)], .. Prompt(random, 2 + (i * 3), 64)]).ToArray();
        using var engine = new GenerationEngine(model, null, new EngineOptions { MaxRows = 5, TokenBudget = 14, MaxContext = 90 });
        var running = prompts.Select(prompt => engine.Submit(new EngineRequest(prompt) { MaxNewTokens = 14, TopLogProbabilities = 2 })).ToList();
        for (var i = 0; i < prompts.Length; i++)
            ShouldAgree(await ReadAsync(running[i]), TextGenerator.Generate(model, [new GenerationRequest(prompts[i])], new GenerationOptions { MaxNewTokens = 14 })[0]);
    }

    [Fact]
    public async Task Submit_QuantisedModelWithAnAdapterIn16Bits_GivesTheTokensOfEachPromptAlone()
    {
        var folder = Path.GetDirectoryName(TestModels.GoldenPath("llama_gqa", "config.json"))!;
        using var model = Checkpoint.Load(folder, torch.CPU, type: torch.ScalarType.BFloat16, quantization: new QuantizationOptions());
        var adapter = Adapter.Attach(model, new AdapterOptions { Rank = 4, Targets = ["q_proj", "v_proj"] }, seed: 3);
        adapter.IsOn.ShouldBeTrue();
        var prompts = Enumerable.Range(1, 9).Select(i => Enumerable.Range(5 * i, 3 * i).ToArray()).ToArray();
        using var engine = new GenerationEngine(model, null, new EngineOptions { MaxRows = 4, TokenBudget = 32 });
        var running = prompts.Select(prompt => engine.Submit(new EngineRequest(prompt) { MaxNewTokens = 8, TopLogProbabilities = 2 })).ToList();
        for (var i = 0; i < prompts.Length; i++)
        {
            // 8 bits of mantissa: only a clear best token is certain.
            var alone = TextGenerator.Generate(model, [new GenerationRequest(prompts[i])], new GenerationOptions { MaxNewTokens = 8 })[0];
            var tokens = await ReadAsync(running[i]);
            for (var t = 0; t < tokens.Count && tokens[t].Alternatives[0].LogProbability - tokens[t].Alternatives[1].LogProbability > 0.1; t++) tokens[t].Id.ShouldBe(alone.Ids[t]);
            tokens.Count.ShouldBe(8);
        }
    }

    [Fact]
    public async Task Submit_MoreThanMayWait_IsRefused_AndTheOthersComeInTheirOrder()
    {
        using var model = TestModels.Tiny();
        using var engine = new GenerationEngine(model, null, new EngineOptions { MaxRows = 1, TokenBudget = 16, MaxContext = 2000, MaxWaiting = 3 });
        var first = engine.Submit(new EngineRequest([4]) { MaxNewTokens = 1900 });
        await foreach (var token in first)
        {
            token.Text.ShouldBeEmpty();
            // It is being worked on: all others wait.
            RunningGeneration[] waiting = [.. Enumerable.Range(0, 3).Select(i => engine.Submit(new EngineRequest([5 + i]) { MaxNewTokens = 1900 }))];
            Should.Throw<EngineBusyException>(() => engine.Submit(new EngineRequest([9]))).Waiting.ShouldBe(3);
            first.Cancel();
            for (var i = 0; i < waiting.Length; i++)
            {
                await foreach (var _ in waiting[i])
                {
                    waiting.Skip(i + 1).ShouldAllBe(later => later.NewTokens == 0);
                    break;
                }

                await waiting[i].Completion;
            }

            break;
        }
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.9)]
    public async Task Submit_SameSeed_GivesTheSameWhateverTheCompany(double temperature)
    {
        using var model = TestModels.Tiny();
        var request = new EngineRequest([4, 5, 6]) { MaxNewTokens = 30, Seed = 7, Sampling = new SamplingOptions { Temperature = temperature, TopP = 0.95, NoRepeatNgram = 3, RepetitionPenalty = 1.1 } };
        using var engine = new GenerationEngine(model, null, new EngineOptions { MaxRows = 8, TokenBudget = 64 });
        var alone = await ReadAsync(engine.Submit(request));
        var others = Enumerable.Range(0, 20).Select(i => ReadAsync(engine.Submit(new EngineRequest([.. Enumerable.Range(1, 1 + i)]) { Seed = (ulong)i, Sampling = request.Sampling }))).ToArray();
        var crowded = await ReadAsync(engine.Submit(request));
        await Task.WhenAll(others);
        crowded.Select(token => token.Id).ShouldBe(alone.Select(token => token.Id));
        var plain = TextGenerator.Generate(model, [new GenerationRequest([4, 5, 6], 7)], new GenerationOptions { MaxNewTokens = 30, Sampling = request.Sampling })[0];
        alone.Select(token => token.Id).ShouldBe(plain.Ids);
        for (var i = 0; i < alone.Count; i++) alone[i].LogProbability.ShouldBe(plain.LogProbabilities[i], 1e-4f);
    }

    [Fact]
    public async Task Submit_StopId_IsTheLastToken()
    {
        using var model = TestModels.Tiny();
        using var engine = new GenerationEngine(model);
        var free = await ReadAsync(engine.Submit(new EngineRequest([4, 5]) { MaxNewTokens = 12 }));
        var stop = free[5].Id;
        var first = free.FindIndex(token => token.Id == stop);
        var running = engine.Submit(new EngineRequest([4, 5]) { MaxNewTokens = 12, StopIds = [9999, stop] });
        (await ReadAsync(running)).Select(token => token.Id).ShouldBe(free.Take(first + 1).Select(token => token.Id));
        running.FinishReason.ShouldBe(FinishReason.Stop);
        running.NewTokens.ShouldBe(first + 1);
    }

    [Fact]
    public async Task Submit_StopTextAcrossTokens_EndsBeforeIt()
    {
        var (model, tokenizer) = Named();
        using var engine = new GenerationEngine(model, tokenizer);
        var free = await ReadAsync(engine.Submit(new EngineRequest([70]) { MaxNewTokens = 40 }));
        var all = string.Concat(free.Select(token => token.Text));
        all.ShouldBe(tokenizer.Decode([.. free.Select(token => token.Id)], skipSpecialTokens: true));
        for (var at = 1; at + 5 < all.Length; at += 3)
        {
            var stop = all.Substring(at, 5);
            if (!IsWhole(stop)) continue;
            var running = engine.Submit(new EngineRequest([70]) { MaxNewTokens = 40, StopTexts = ["never there", stop] });
            var stopped = await ReadAsync(running);
            string.Concat(stopped.Select(token => token.Text)).ShouldBe(all[..all.IndexOf(stop, StringComparison.Ordinal)]);
            running.FinishReason.ShouldBe(FinishReason.Stop);
            stopped.Count.ShouldBeLessThan(free.Count + 1);
            stopped.ShouldAllBe(token => IsWhole(token.Text));
        }

        model.Dispose();
    }

    [Fact]
    public void DropCancelled_RowWithNumbersThatAreNone_SpoilsNoneAfterIt()
    {
        using var model = TestModels.Golden("llama_gqa");
        using var noGrad = torch.no_grad();
        using (var embedding = model.named_parameters().First(p => p.name.EndsWith("embed_tokens.weight", StringComparison.Ordinal)).parameter[60]) embedding.fill_(float.NaN);
        model.eval();
        var options = new EngineOptions { MaxRows = 2, TokenBudget = 12, MaxContext = 200, PrefixCacheTokens = 0 };
        using var steps = new EngineSteps(model, options);
        var first = Added([.. Enumerable.Repeat(5, 60)], 100);
        for (var i = 0; i < 8; i++) steps.Step();
        // Read in pieces: nobody sees its numbers before its end.
        var spoilt = Added([.. Enumerable.Repeat(60, 40)], 10);
        for (var i = 0; i < 3; i++) steps.Step();
        spoilt.Generation.Cancel();
        steps.DropCancelled();
        var next = Added([7, 8], 10);
        for (var i = 0; i < 12; i++) steps.Step();
        next.Generation.FinishReason.ShouldBe(FinishReason.Length);
        first.Generation.Completion.IsFaulted.ShouldBeFalse();

        EngineRow Added(int[] prompt, int count)
        {
            var row = EngineRow.Of(new EngineRequest(prompt) { MaxNewTokens = count }, model.Config, options, null, () => { });
            steps.Add(row);
            return row;
        }
    }

    [Fact]
    public async Task Cancel_FreesTheRow_AndOthersGoOn()
    {
        using var model = TestModels.Tiny();
        using var engine = new GenerationEngine(model, null, new EngineOptions { MaxRows = 1, TokenBudget = 32, MaxContext = 2000 });
        using var source = new CancellationTokenSource();
        var first = engine.Submit(new EngineRequest([4]) { MaxNewTokens = 1900 }, source.Token);
        var second = engine.Submit(new EngineRequest([5]) { MaxNewTokens = 1900 });
        var third = engine.Submit(new EngineRequest([6]) { MaxNewTokens = 3 });
        await foreach (var _ in first) break;
        (await first.Completion).ShouldBe(FinishReason.Cancelled);
        second.Cancel();
        (await second.Completion).ShouldBe(FinishReason.Cancelled);
        (await ReadAsync(third)).Count.ShouldBe(3);
        first.NewTokens.ShouldBeLessThan(1900);
        await IdleAsync(engine);
    }

    [Fact]
    public async Task Dispose_EndsAll()
    {
        using var model = TestModels.Tiny();
        var engine = new GenerationEngine(model, null, new EngineOptions { MaxRows = 2, TokenBudget = 32, MaxContext = 5000 });
        var running = Enumerable.Range(0, 5).Select(i => engine.Submit(new EngineRequest([4 + i]) { MaxNewTokens = 4000 })).ToArray();
        engine.Dispose();
        foreach (var one in running) (await one.Completion).ShouldBe(FinishReason.Cancelled);
        Should.Throw<ObjectDisposedException>(() => engine.Submit(new EngineRequest([1])));
    }

    [Fact]
    public async Task Submit_FailingRequest_FailsAlone()
    {
        using var model = TestModels.Golden("llama_gqa");
        using (var noGrad = torch.no_grad())
        {
            // Whatever reads token 60 is no number.
            using var row = model.named_parameters().First(p => p.name.EndsWith("embed_tokens.weight", StringComparison.Ordinal)).parameter[60];
            row.fill_(float.NaN);
        }

        using var engine = new GenerationEngine(model, null, new EngineOptions { MaxRows = 3, TokenBudget = 64 });
        RunningGeneration Start(int id) => engine.Submit(new EngineRequest([id, 5]) { MaxNewTokens = 6, Sampling = new SamplingOptions { Temperature = 1, TopK = 5 } });
        var (before, bad, badToo, after) = (Start(4), Start(60), engine.Submit(new EngineRequest([60])), Enumerable.Range(6, 8).Select(Start).ToArray());
        foreach (var one in (RunningGeneration[])[bad, badToo])
            (await Should.ThrowAsync<GenerationFailedException>(() => ReadAsync(one))).Message.ShouldContain("no numbers");
        // Also those that come into the places where the numbers were.
        foreach (var one in (RunningGeneration[])[before, .. after]) (await one.Completion).ShouldBe(FinishReason.Length);
        await IdleAsync(engine);
    }

    [Fact]
    public async Task Submit_WrongRequests_AreRefused()
    {
        using var model = TestModels.Tiny();
        using var engine = new GenerationEngine(model, null, new EngineOptions { MaxContext = 8, MaxWaiting = 1, MaxRows = 1, TokenBudget = 8 });
        var error = Should.Throw<PromptTooLongException>(() => engine.Submit(new EngineRequest([1, 2, 3, 4, 5, 6, 7, 8])));
        (error.PromptTokens, error.Context).ShouldBe((8, 8));
        Should.Throw<ArgumentException>(() => engine.Submit(new EngineRequest([])));
        Should.Throw<ArgumentException>(() => engine.Submit(new EngineRequest([64]))).Message.ShouldContain("64");
        Should.Throw<ArgumentException>(() => engine.Submit(new EngineRequest([1]) { StopTexts = ["a"] }));
        // The context is full after the eighth token.
        var full = engine.Submit(new EngineRequest([1, 2, 3, 4, 5]) { MaxNewTokens = 100 });
        (await full.Completion).ShouldBe(FinishReason.Length);
        full.NewTokens.ShouldBe(3);
    }

    // The last token is there a moment before the place is free.
    private static async Task IdleAsync(GenerationEngine engine)
    {
        for (var i = 0; i < 1000 && engine.Status.Running > 0; i++) await Task.Delay(5);
        engine.Status.Running.ShouldBe(0);
    }

    internal static async Task<List<GeneratedToken>> ReadAsync(RunningGeneration running)
    {
        var tokens = new List<GeneratedToken>();
        await foreach (var token in running) tokens.Add(token);
        return tokens;
    }

    internal static int[] Prompt(DeterministicRandom random, int length, int vocabulary) => [.. Enumerable.Range(0, length).Select(_ => random.Next(vocabulary))];

    /// <summary>Equal up to where two tokens are as good as each other; the smallest margin above that.</summary>
    internal static double ShouldAgree(List<GeneratedToken> tokens, Continuation alone)
    {
        var smallest = double.PositiveInfinity;
        for (var i = 0; i < alone.Ids.Length; i++)
        {
            var margin = (double)tokens[i].Alternatives[0].LogProbability - tokens[i].Alternatives[1].LogProbability;
            if (margin <= Margin) return smallest;
            smallest = Math.Min(smallest, margin);
            tokens[i].Id.ShouldBe(alone.Ids[i]);
            tokens[i].LogProbability.ShouldBe(alone.LogProbabilities[i], 2e-4f);
        }

        tokens.Count.ShouldBe(alone.Ids.Length);
        return smallest;
    }

    // A random model whose tokens are the bytes and a few words.
    internal static (Decoder Model, TextTokenizer Tokenizer) Named()
    {
        var tokenizer = ByteLevelBpeTrainer.Train(["habari ya asubuhi", "tani mēnung 你好 🙂"], 300, ["<|end|>"]);
        return (TestModels.Tiny(vocabulary: tokenizer.Size), tokenizer);
    }

    private static bool IsWhole(string text)
    {
        try
        {
            new System.Text.UTF8Encoding(false, throwOnInvalidBytes: true).GetByteCount(text);
            return true;
        }
        catch (System.Text.EncoderFallbackException)
        {
            return false;
        }
    }
}
