using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Metrics;
using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Tests.Evaluation;

/// <summary>Sums of items' numbers give what the corpus metrics give.</summary>
public sealed class MeasureTests
{
    private static readonly (string Output, string Reference)[] Pairs =
        [("the cat sat on the mat", "the cat is on the mat"), ("a quick brown fox", "the quick brown fox jumps"), ("", "silence"), ("hello there, world!", "hello world")];

    private static readonly (string Output, IReadOnlyList<string> References)[] Corpus = [.. Pairs.Select(pair => (pair.Output, (IReadOnlyList<string>)[pair.Reference]))];

    [Fact]
    public void Score_GeneratedTexts_AreThoseOfTheCorpus()
    {
        Of("bleu").ShouldBe(Bleu.OfCorpus(Corpus, new BleuOptions()).Score, 1e-9);
        Of("chrf").ShouldBe(Chrf.OfCorpus(Corpus, new ChrfOptions()), 1e-9);
        Of("chrfPlus").ShouldBe(Chrf.OfCorpus(Corpus, new ChrfOptions { WordOrder = 2 }), 1e-9);
        Of("ter").ShouldBe(EditRate.OfCorpus(Corpus), 1e-9);
        Of("rougeL").ShouldBe(100 * Pairs.Average(pair => Rouge.OfSubsequence(RougeWords.AnyScript(pair.Output), RougeWords.AnyScript(pair.Reference)).FMeasure), 1e-9);
        Of("exactMatch").ShouldBe(0);

        static double Of(string name) => Score(name, Pairs.Select(pair => new ItemScore { Language = "en", Output = pair.Output, Reference = pair.Reference }));
    }

    [Fact]
    public void Score_KoreanText_IsSeenByRougeAndNotByItsCompatibleForm()
    {
        ItemScore[] items = [new() { Language = "ko", Output = "고양이가 잔다", Reference = "고양이가 잔다" }];
        Score("rougeL", items).ShouldBe(100);
        Score("compatRougeL", items).ShouldBe(0);
    }

    [Fact]
    public void Score_RandomPredictions_IsThatOfClassification()
    {
        var random = new DeterministicRandom(3);
        for (var n = 0; n < 50; n++)
        {
            var classes = 2 + random.Next(4);
            var items = Enumerable.Range(0, 1 + random.Next(30)).Select(_ => new ItemScore { Choices = [.. Enumerable.Range(0, classes).Select(c => $"{c}")], Predicted = random.Next(classes), Answer = random.Next(classes) }).ToList();
            var expected = new Classification([.. items.Select(item => item.Answer!.Value)], [.. items.Select(item => item.Predicted!.Value)], classes);
            Score("macroF1", items).ShouldBe(100 * expected.Macro.F1, 1e-9);
            Score("accuracy", items).ShouldBe(100 * expected.Accuracy, 1e-9);
        }
    }

    [Fact]
    public void Score_ChoicesOfDifferentLength_DependsOnTheNormalization()
    {
        // Sums −4 and −6; per token −4 and −2; per character −1.33 and −1.5; per byte −1.33 and −0.5.
        ItemScore[] items = [new() { Choices = ["abc", "नदीं"], Scores = [-4, -6], Tokens = [1, 3], Predicted = 0, Answer = 1 }];
        (Score("accuracy", items), Score("accuracyPerToken", items), Score("accuracyPerCharacter", items), Score("accuracyPerByte", items)).ShouldBe((0, 100, 0, 100));
    }

    [Fact]
    public void Score_Texts_ArePerplexities()
    {
        ItemScore[] items = [new() { Scores = [-6], Tokens = [2], Bytes = 8 }, new() { Scores = [-4], Tokens = [3], Bytes = 2 }];
        Score("perplexity", items).ShouldBe(Math.Exp(2), 1e-9);
        Score("bytePerplexity", items).ShouldBe(Math.E, 1e-9);
        Score("bitsPerByte", items).ShouldBe(1 / Math.Log(2), 1e-9);
    }

    private static double Score(string name, IEnumerable<ItemScore> items)
    {
        var measure = Measure.All[name];
        var counts = items.Select(item => measure.Counts(item)!).ToList();
        return measure.Score([.. Enumerable.Range(0, counts[0].Length).Select(i => counts.Sum(count => count[i]))]);
    }
}
