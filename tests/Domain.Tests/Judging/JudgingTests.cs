using System.Text.Json;
using XInstruct.Domain.Judging;
using XInstruct.Tests;

namespace XInstruct.Domain.Tests.Judging;

public sealed class JudgingTests
{
    [Theory]
    [InlineData("Score: 4", 4)]
    [InlineData(" Score:3\n", 3)]
    [InlineData("5", 5)]
    [InlineData("Score: 4.", null)]
    [InlineData("The score is 4", null)]
    [InlineData("10", null)]
    [InlineData("٣", null)]
    [InlineData("", null)]
    public void Single_Replies_AreReadWhole(string reply, int? score) => JudgeReplies.Single(reply).ShouldBe(score);

    [Theory]
    [InlineData("Both fine.\n<score1>8</score1> <score2> 10 </score2>", 8, 10)]
    [InlineData("As in <score1>1</score1>, so <score2>2</score2>. No: <score1>7</score1>", 7, 2)]
    [InlineData("<score1>11</score1><score2>1</score2>", null, null)]
    [InlineData("<score1>5</score1>", null, null)]
    public void Pair_Replies_AreReadFromTheirTags(string reply, int? first, int? second) =>
        JudgeReplies.Pair(reply).ShouldBe(first is { } f ? new PairScores(f, second!.Value) : null);

    [SharedFact("data/komt/eval_results")]
    public void CompatPercent_KomtsFiles_GiveItsTable()
    {
        // As published, but for what its README has wrong.
        (string Model, int Sum, double Mean, decimal Percent)[] table =
        [
            ("gpt-3.5-turbo", 147, 3.97, 79.45m), ("komt-mistral-7b-v1-dpo", 142, 3.83, 76.75m), ("cue", 140, 3.78, 75.67m), ("komt-mistral-7b-v1", 131, 3.54, 70.81m),
            ("komt-llama2-13b-v1", 129, 3.48, 69.72m), ("komt-llama2-7b-v1", 117, 3.16, 63.24m), ("beomi-KoAlpaca-Polyglot-12.8B", 100, 2.70, 54.05m),
            ("WizardLM-13B-V1.2", 96, 2.59, 51.89m), ("nlpai-lab-kullm-polyglot-12.8b-v2", 70, 1.89, 37.83m), ("Llama-2-7b-chat-hf", 67, 1.81, 36.21m),
        ];
        foreach (var (model, sum, mean, percent) in table)
        {
            var rows = File.ReadLines(Path.Combine(SharedData.Folder, $"data/komt/eval_results/score_result_{model}.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToList();
            var replies = rows.Select(row => JudgeReplies.Single(row.GetProperty("chatgpt").GetString()!)).ToList();
            replies.Select(reply => reply ?? 0).ShouldBe(rows.Select(row => row.GetProperty("score").GetInt32()), model);
            var scores = SingleScores.Of(replies);
            (scores.Sum, scores.CompatPercent).ShouldBe((sum, percent), model);
            (Math.Truncate(scores.CompatMean * 100) / 100).ShouldBe(mean, 1e-9, model);
        }
    }

    [Fact]
    public void Of_SomeUnread_CountNowhereButAsUnread()
    {
        var scores = SingleScores.Of([5, null, 4, 3]);
        (scores.Unread, scores.Mean, scores.CompatMean, scores.CompatPercent).ShouldBe((1, 4.0, 3.0, 60m));
    }

    [Fact]
    public void Of_BothOrders_AreSummedBeforeTheyAreCompared()
    {
        JudgedPair[] pairs =
        [
            // A first: 8 to 6; B first: B 7, A 8. A wins 16 to 13.
            new("q1", "sw", new PairScores(8, 6), new PairScores(7, 8), 100, 50),
            // Whoever comes first wins: a tie, and a flip.
            new("q2", "sw", new PairScores(9, 5), new PairScores(9, 5), 10, 20),
            new("q3", "th", new PairScores(1, 9), new PairScores(9, 2), 5, 40),
            new("q4", "th", new PairScores(7, 7), null, 5, 40),
        ];
        var scores = PairwiseScores.Of(pairs, seed: 1);
        (scores.Count, scores.Unread, scores.Wins, scores.Ties, scores.Losses).ShouldBe((3, 1, 1, 1, 1));
        scores.WinRate.ShouldBe(0.5);
        scores.MeanA.ShouldBe((16 + 14 + 3) / 6.0, 1e-12);
        scores.MeanB.ShouldBe((13 + 14 + 18) / 6.0, 1e-12);
        scores.FlipRate.ShouldBe(1 / 3.0, 1e-12);
        // The longer answer wins both decided pairs.
        scores.LongerWins.ShouldBe(1);
        scores.ShouldBe(PairwiseScores.Of([.. pairs.Reverse()], seed: 1));
        Should.Throw<ArgumentException>(() => PairwiseScores.Of([pairs[0], pairs[0]], seed: 1)).Message.ShouldContain("q1 of sw");
        PairwiseScores.Of([pairs[3]], seed: 1).Interval.ShouldBeNull();
    }

    [Fact]
    public void Alpha_KrippendorffsExample_IsHis()
    {
        // Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", part C: four observers, twelve units, missing data.
        double?[][] observers =
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, null, null, null],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, null, 3],
            [null, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, null],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, null],
        ];
        var items = Enumerable.Range(0, 12).Select(i => (IReadOnlyList<double>)[.. observers.Select(o => o[i]).OfType<double>()]).ToList();
        Agreement.Alpha(items, ScaleKind.Nominal).ShouldBe(0.743, 5e-4);
        Agreement.Alpha(items, ScaleKind.Ordinal).ShouldBe(0.815, 5e-4);
        Agreement.Alpha(items, ScaleKind.Interval).ShouldBe(0.849, 5e-4);
        Agreement.Alpha([[1], [2]], ScaleKind.Nominal).ShouldBe(double.NaN);
    }
}
