using TorchSharp;
using XInstruct.Training.Generation;
using XInstruct.Training.Scoring;

namespace XInstruct.Training.Tests.Generation;

public sealed class TextGeneratorTests
{
    [Theory]
    [InlineData("llama_gqa")]
    [InlineData("llama_rope_llama3")]
    public void Generate_GoldenPrompts_GivesTheSameTokens(string name)
    {
        using var model = TestModels.Golden(name);
        var expected = Golden.Json(TestModels.GoldenPath(name, "expected.json"));
        var golden = expected.GetProperty("greedy");
        var masks = golden.GetProperty("attention_mask").EnumerateArray().Select(row => row.Ints()).ToArray();
        GenerationRequest[] requests = [.. golden.GetProperty("input_ids").EnumerateArray()
            .Select((row, i) => new GenerationRequest([.. row.Ints().Where((_, t) => masks[i][t] == 1)]))];
        var results = TextGenerator.Generate(model, requests, new GenerationOptions { MaxNewTokens = 24 });
        for (var i = 0; i < requests.Length; i++)
            results[i].Ids.ShouldBe(golden.GetProperty("new_tokens")[i].Ints());
        var stop = expected.GetProperty("greedy_eos");
        var (end, pad) = (stop.GetProperty("eos_token_id").GetInt32(), stop.GetProperty("pad_token_id").GetInt32());
        var stopped = TextGenerator.Generate(model, requests, new GenerationOptions { MaxNewTokens = 24, StopIds = [end] });
        for (var i = 0; i < requests.Length; i++)
        {
            var row = stop.GetProperty("new_tokens")[i].Ints();
            var at = Array.IndexOf(row, end);
            stopped[i].Stopped.ShouldBe(at >= 0);
            stopped[i].Ids.ShouldBe(at >= 0 ? row[..at] : row);
            row[(at < 0 ? row.Length : at + 1)..].ShouldAllBe(id => id == pad);
        }
    }

    [Fact]
    public void Generate_Batch_EqualsEachPromptAlone_AndTheScorer()
    {
        using var model = TestModels.Tiny();
        GenerationRequest[] requests = [.. Enumerable.Range(1, 7).Select(i => new GenerationRequest([.. Enumerable.Range(5, i * 2)], (ulong)i))];
        var options = new GenerationOptions { MaxNewTokens = 9, Sampling = new SamplingOptions { Temperature = 0.8, TopK = 12, TopP = 0.9 } };
        var together = TextGenerator.Generate(model, requests, options);
        for (var i = 0; i < requests.Length; i++)
        {
            var alone = TextGenerator.Generate(model, [requests[i]], options)[0];
            alone.Ids.ShouldBe(together[i].Ids);
            var score = SequenceScorer.Score(model, [new ScoreRequest(requests[i].Prompt, alone.Ids)])[0];
            ((double)together[i].LogProbabilities.Sum()).ShouldBe(score.LogLikelihood, 1e-4);
            together[i].MeanLogProbability.ShouldBe(score.Mean, 1e-5);
        }
    }

    [Fact]
    public void Generate_SameSeeds_GiveTheSame_OtherSeedsNot()
    {
        using var model = TestModels.Tiny();
        var options = new GenerationOptions { MaxNewTokens = 20, Sampling = new SamplingOptions { Temperature = 1 } };
        int[] Run(ulong seed) => TextGenerator.Generate(model, [new GenerationRequest([4, 5], seed)], options)[0].Ids;
        Run(1).ShouldBe(Run(1));
        Run(2).ShouldNotBe(Run(1));
    }

    [Fact]
    public void Generate_NoRepeatNgram_RepeatsNone()
    {
        using var model = TestModels.Tiny();
        var ids = TextGenerator.Generate(model, [new GenerationRequest([4])], new GenerationOptions { MaxNewTokens = 40, Sampling = new SamplingOptions { NoRepeatNgram = 2 } })[0].Ids;
        int[] all = [4, .. ids];
        all.Zip(all.Skip(1)).Distinct().Count().ShouldBe(all.Length - 1);
    }

    [Fact]
    public void Generate_Twice_LeavesNoTensorBehind()
    {
        using var model = TestModels.Tiny();
        Run();
        var live = torch.Tensor.TotalCount;
        Run();
        torch.Tensor.TotalCount.ShouldBe(live);

        void Run() => TextGenerator.Generate(model, [new GenerationRequest([4, 5, 6]), new GenerationRequest([7])], new GenerationOptions { MaxNewTokens = 5 });
    }

    [Fact]
    public void Generate_EmptyPrompt_Throws()
    {
        using var model = TestModels.Tiny();
        Should.Throw<ArgumentException>(() => TextGenerator.Generate(model, [new GenerationRequest([])], new GenerationOptions()));
    }

    [Fact]
    public void Generate_Cancelled_Stops()
    {
        using var model = TestModels.Tiny();
        Should.Throw<OperationCanceledException>(() => TextGenerator.Generate(model, [new GenerationRequest([1])], new GenerationOptions(), new CancellationToken(canceled: true)));
    }
}
