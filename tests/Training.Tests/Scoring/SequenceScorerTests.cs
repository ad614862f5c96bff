using XInstruct.Training.Scoring;

namespace XInstruct.Training.Tests.Scoring;

public sealed class SequenceScorerTests
{
    [Theory]
    [InlineData("llama_gqa")]
    [InlineData("llama_rope_llama3")]
    public void Score_GoldenContinuations_AreTheSame(string name)
    {
        using var model = TestModels.Golden(name);
        var cases = Golden.Json(TestModels.GoldenPath(name, "expected.json")).GetProperty("loglikelihood").EnumerateArray().ToArray();
        var scores = SequenceScorer.Score(model, [.. cases.Select(item => new ScoreRequest(item.GetProperty("context").Ints(), item.GetProperty("continuation").Ints()))]);
        for (var i = 0; i < cases.Length; i++)
        {
            scores[i].LogLikelihood.ShouldBe(cases[i].GetProperty("logprob_sum").GetDouble(), 2e-4);
            scores[i].IsGreedy.ShouldBe(cases[i].GetProperty("is_greedy").GetBoolean());
            scores[i].Tokens.ShouldBe(cases[i].GetProperty("continuation").GetArrayLength());
        }
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

    [Fact]
    public void Score_EmptyCompletion_Throws()
    {
        using var model = TestModels.Tiny();
        Should.Throw<ArgumentException>(() => SequenceScorer.Score(model, [new ScoreRequest([1], [])]));
    }
}
