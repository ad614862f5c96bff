using XInstruct.Training.Scoring;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Training.Tests.Scoring;

public sealed class LabelScorerTests
{
    // 256 bytes first (ids 0–255 in the order of their symbols), then what merges make of these words.
    private static readonly TextTokenizer Tokenizer = ByteLevelBpeTrainer.Train(
        [.. Enumerable.Repeat("bad good bad good बुरा बुरा", 5)], 300, []);

    [Fact]
    public void IdSets_Prefixes_WithAndWithoutTheSpaceMarker_AndTheirFirstIds()
    {
        var scorer = new LabelScorer(Tokenizer, ["bad", "good"]);
        string[] prefixes = ["b", "ba", "bad"];
        var expected = prefixes.Concat(prefixes.Select(prefix => "Ġ" + prefix)).Select(Tokenizer.FindId).Where(id => id is not null).Select(id => id!.Value)
            .Concat(prefixes.Select(prefix => Tokenizer.Encode(prefix)[0])).Distinct().Order();
        scorer.IdSets[0].ShouldBe(expected);
        scorer.IdSets[0].ShouldContain(Tokenizer.FindId("b")!.Value);
        scorer.SharedIds.ShouldBeEmpty();
    }

    [Fact]
    public void IdSets_SentencePieceVocabulary_LeavesTheBareBlankOut()
    {
        var tokenizer = TextTokenizer.Parse(Tokenizers.TinyTokenizers.All["unigram"]);
        var scorer = new LabelScorer(tokenizer, ["at", "t"]);
        scorer.IdSets[0].ShouldBe([tokenizer.FindId("a")!.Value, tokenizer.FindId("at")!.Value, tokenizer.FindId("▁at")!.Value]);
        scorer.SharedIds.ShouldBeEmpty();
    }

    [Fact]
    public void IdSets_NonAsciiLabel_HasItsFirstByte()
    {
        var scorer = new LabelScorer(Tokenizer, ["बुरा", "x"]);
        scorer.IdSets[0].ShouldContain(Tokenizer.Encode("बु")[0]);
        scorer.IdSets[0].ShouldNotBeEmpty();
    }

    [Fact]
    public void SharedIds_LabelsWithACommonStart_AreReported()
        => new LabelScorer(Tokenizer, ["bad", "bat"]).SharedIds.ShouldContain(Tokenizer.FindId("b")!.Value);

    [Fact]
    public void Decide_ClearWinner_IsTheLabelWithTheMostMass()
    {
        var scorer = new LabelScorer(Tokenizer, ["bad", "good"]);
        var probabilities = new float[Tokenizer.Size];
        probabilities[scorer.IdSets[1][0]] = 0.3f;
        probabilities[scorer.IdSets[0][0]] = 0.2f;
        var score = scorer.Decide(probabilities, 0);
        score.Label.ShouldBe(1);
        score.IsTie.ShouldBeFalse();
        score.Share(1).ShouldBe(0.6, 1e-6);
    }

    [Fact]
    public void Decide_Ties_AreDrawnUniformlyBySeed()
    {
        var scorer = new LabelScorer(Tokenizer, ["bad", "good", "x"]);
        var probabilities = new float[Tokenizer.Size];
        var counts = new int[3];
        for (var seed = 0UL; seed < 3000; seed++)
        {
            var score = scorer.Decide(probabilities, seed);
            score.IsTie.ShouldBeTrue();
            counts[score.Label]++;
        }
        counts.ShouldAllBe(count => Math.Abs(count - 1000) < 130);
        scorer.Decide(probabilities, 5).Label.ShouldBe(scorer.Decide(probabilities, 5).Label);
    }

    [Fact]
    public void Score_Batch_EqualsTheNextTokenOfEachPrompt()
    {
        using var model = TestModels.Tiny(vocabulary: Tokenizer.Size);
        var scorer = new LabelScorer(Tokenizer, ["bad", "good"]);
        LabelRequest[] requests = [.. Enumerable.Range(1, 6).Select(i => new LabelRequest([.. Enumerable.Range(1, i * 3)]))];
        var scores = scorer.Score(model, requests, batchTokens: 40);
        for (var i = 0; i < requests.Length; i++)
        {
            for (var label = 0; label < 2; label++)
            {
                var expected = scorer.IdSets[label].Sum(id => Math.Exp(SequenceScorer.Score(model, [new ScoreRequest(requests[i].Prompt, [id])])[0].LogLikelihood));
                scores[i].Scores[label].ShouldBe(expected, 1e-5);
            }
        }
    }

    [Fact]
    public void New_OneLabel_Throws()
        => Should.Throw<ArgumentException>(() => new LabelScorer(Tokenizer, ["bad"]));
}
