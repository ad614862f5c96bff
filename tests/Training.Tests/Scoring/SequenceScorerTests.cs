using XInstruct.Domain.Statistics;
using XInstruct.Training.Scoring;
using static TorchSharp.torch;

namespace XInstruct.Training.Tests.Scoring;

public sealed class SequenceScorerTests
{
    [Theory]
    [InlineData("llama_gqa")]
    [InlineData("llama_rope_llama3")]
    [InlineData("mistral_swa")]
    [InlineData("qwen2")]
    [InlineData("gemma")]
    [InlineData("gpt_neox")]
    [InlineData("gpt_neox_seq")]
    public void Score_GoldenContinuations_AreTheSame(string name)
    {
        using var model = TestModels.Golden(name);
        var cases = Golden.Json(TestModels.GoldenPath(name, "expected.json")).GetProperty("loglikelihood").EnumerateArray().ToArray();
        ScoreRequest[] requests = [.. cases.Select(item => new ScoreRequest(item.GetProperty("context").Ints(), item.GetProperty("continuation").Ints()))];
        // Each twice and with a third completion: all contexts are shared, but for short ones.
        var scores = SequenceScorer.Score(model, requests);
        var shared = SharedContextScorer.Score(model, [.. requests, .. requests, .. requests.Select(request => new ScoreRequest(request.Prompt, [5, 6, 7]))], batchTokens: 100);
        for (var i = 0; i < cases.Length; i++)
        {
            foreach (var score in (SequenceScore[])[scores[i], shared[i], shared[cases.Length + i]])
            {
                score.LogLikelihood.ShouldBe(cases[i].GetProperty("logprob_sum").GetDouble(), 2e-4);
                score.IsGreedy.ShouldBe(cases[i].GetProperty("is_greedy").GetBoolean());
                score.Tokens.ShouldBe(cases[i].GetProperty("continuation").GetArrayLength());
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(13)]
    public void SharedContextScorer_Score_GivesWhatSequencesAloneGive(int head)
    {
        using var model = TestModels.Golden("mistral_swa");
        var random = new DeterministicRandom(3);
        int[] Ids(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(model.Config.VocabularySize))];
        var common = Ids(head);
        int[][] prompts = [.. Enumerable.Range(0, 9).Select(i => (int[])[.. common, .. Ids((head > 0 ? 2 : 1) + (i * 4))])];
        ScoreRequest[] requests = [.. Enumerable.Range(0, 40).Select(i => new ScoreRequest(prompts[random.Next(prompts.Length)], Ids(1 + random.Next(8))))];
        foreach (var batchTokens in (int[])[1, 150, 10_000])
        {
            var shared = SharedContextScorer.Score(model, requests, batchTokens, sharesHead: head > 0);
            for (var i = 0; i < requests.Length; i++)
            {
                var alone = SequenceScorer.Score(model, [requests[i]])[0];
                shared[i].LogLikelihood.ShouldBe(alone.LogLikelihood, 2e-4);
                shared[i].Tokens.ShouldBe(alone.Tokens);
            }
        }
    }

    [Fact]
    public void SharedContextScorer_Batches_KeepTheirSizeWhateverIsShared()
    {
        ScoreRequest[] requests = [.. Enumerable.Range(0, 300).Select(i => new ScoreRequest([.. Enumerable.Range(i / 250, 16)], [.. Enumerable.Repeat(7, 1 + (i % 40))]))];
        var groups = Enumerable.Range(0, 300).GroupBy(i => i / 250).Select(group => group.ToArray()).ToList();
        var batches = SharedContextScorer.Batches(groups, requests, batchTokens: 1000).ToList();
        batches.SelectMany(batch => batch.SelectMany(group => group)).Order().ShouldBe(Enumerable.Range(0, 300));
        batches.ShouldAllBe(batch => batch.Sum(group => group.Length) * batch.Max(group => 16 + group.Max(i => requests[i].Completion.Length)) <= 1000);
    }

    [Fact]
    public void Score_SmallBatches_GiveTheSameInTheCallersOrder()
    {
        using var model = TestModels.Tiny();
        ScoreRequest[] requests = [.. Enumerable.Range(0, 15).Select(i => new ScoreRequest([.. Enumerable.Range(3, 1 + (i * 5 % 9))], [.. Enumerable.Range(20, 1 + (i % 3))]))];
        var large = SequenceScorer.Score(model, requests, batchTokens: 10_000);
        var small = SequenceScorer.Score(model, requests, batchTokens: 1);
        for (var i = 0; i < requests.Length; i++)
        {
            small[i].LogLikelihood.ShouldBe(large[i].LogLikelihood, 1e-4);
            small[i].Tokens.ShouldBe(requests[i].Completion.Length);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public void Collect_FewLogitsAtOnce_GivesTheSame(int tokensAtOnce)
    {
        using var model = TestModels.Tiny();
        using var noGrad = no_grad();
        using var hidden = randn(7, model.Config.HiddenSize, device: CPU);
        var (whole, pieces) = (new SequenceScore[3], new SequenceScore[3]);
        (int Index, int Tokens)[] completions = [(2, 4), (0, 1), (1, 2)];
        int[] targets = [3, 9, 4, 11, 5, 3, 8];
        // The last token of a completion and the first of the next one fall into one piece, and into two.
        targets[1] = (int)model.Logits(hidden).argmax(1)[1].item<long>();
        SequenceScorer.Collect(model, hidden, targets, completions, whole);
        SequenceScorer.Collect(model, hidden, targets, completions, pieces, (tokensAtOnce * model.Config.VocabularySize) + 1);
        for (var i = 0; i < 3; i++)
        {
            pieces[i].LogLikelihood.ShouldBe(whole[i].LogLikelihood, 1e-5);
            (pieces[i].Tokens, pieces[i].IsGreedy).ShouldBe((whole[i].Tokens, whole[i].IsGreedy));
        }
    }

    [Fact]
    public void Score_EmptyCompletion_Throws()
    {
        using var model = TestModels.Tiny();
        Should.Throw<ArgumentException>(() => SequenceScorer.Score(model, [new ScoreRequest([1], [])]));
    }
}
