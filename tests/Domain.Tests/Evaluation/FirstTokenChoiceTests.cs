using System.Text;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Tests.Evaluation;

public sealed class FirstTokenChoiceTests
{
    [Fact]
    public void Of_TokensThatBeginLabels_CountWithAndWithoutABlank()
    {
        var choice = FirstTokenChoice.Of(["positive", "negative"], [Told("pos", 0.3), Told(" positive", 0.2), Told("Positive", 0.1), Told(" ", 0.1), Told("negatives", 0.1), Told("\u2581neg", 0.05)], 1);
        choice.Scores.ShouldBe([0.5, 0.05], 1e-9);
        choice.Untold.ShouldBe(0.15, 1e-9);
        (choice.Chosen, choice.IsTie, choice.IsUncertain, choice.Shared).ShouldBe((0, false, false, 0));
    }

    [Fact]
    public void Of_PartOfACharacter_BeginsTheLabelWhoseBytesItBegins()
    {
        var bytes = Encoding.UTF8.GetBytes("긍정");
        var choice = FirstTokenChoice.Of(["긍정", "부정"], [new LikelyToken(bytes[..2], Math.Log(0.4)), new LikelyToken(null, Math.Log(0.2)), Told("부", 0.3)], 1);
        choice.Scores.ShouldBe([0.4, 0.3], 1e-9);
        // A token without bytes may be anything.
        choice.Untold.ShouldBe(0.3, 1e-9);
        choice.IsUncertain.ShouldBeTrue();
    }

    [Fact]
    public void Of_NoneTold_ChoosesNone()
    {
        var choice = FirstTokenChoice.Of(["A", "B"], [Told("Well", 0.6), Told("a", 0.1)], 1);
        (choice.Chosen, choice.IsUncertain).ShouldBe((null, true));
        choice.Untold.ShouldBe(0.3, 1e-9);
    }

    [Fact]
    public void Of_SharedToken_CountsForBothAndIsTold()
    {
        var choice = FirstTokenChoice.Of(["same", "sad"], [Told("sa", 0.6), Told("sad", 0.2)], 1);
        choice.Scores.ShouldBe([0.6, 0.8], 1e-9);
        (choice.Chosen, choice.Shared).ShouldBe((1, 1));
    }

    [Fact]
    public void Of_Ties_AreDrawnBySeed()
    {
        var chosen = Enumerable.Range(0, 64).Select(seed => FirstTokenChoice.Of(["A", "B", "C"], [Told("A", 0.4), Told("B", 0.4)], (ulong)seed)).ToList();
        chosen.ShouldAllBe(c => c.IsTie && c.Chosen < 2);
        chosen.Select(c => c.Chosen).Distinct().Count().ShouldBe(2);
        FirstTokenChoice.Of(["A", "B", "C"], [Told("A", 0.4), Told("B", 0.4)], 7).ShouldBeEquivalentTo(FirstTokenChoice.Of(["A", "B", "C"], [Told("A", 0.4), Told("B", 0.4)], 7));
    }

    /// <summary>Over random vocabularies: what is told bounds what all tokens say, and a certain choice is theirs.</summary>
    [Fact]
    public void Of_AnyDistribution_BoundsWhatAllTokensSay()
    {
        var random = new DeterministicRandom(11);
        var certain = 0;
        for (var n = 0; n < 500; n++)
        {
            string Word() => new([.. Enumerable.Range(0, 1 + random.Next(3)).Select(_ => "abß한"[random.Next(4)])]);
            var labels = Enumerable.Range(0, 3).Select(_ => Word()).Distinct(StringComparer.Ordinal).ToList();
            if (labels.Count < 2) continue;
            var vocabulary = Enumerable.Range(0, 40).Select(_ => (random.Next(3) == 0 ? " " : "") + Word()).Distinct(StringComparer.Ordinal).ToList();
            var weights = vocabulary.ConvertAll(_ => Math.Pow(random.NextDouble(), 6) + 1e-6);
            var all = vocabulary.Zip(weights, (token, weight) => Told(token, weight / weights.Sum())).OrderByDescending(t => t.LogProbability).ToList();
            var exact = labels.ConvertAll(label => vocabulary.Zip(weights).Where(t => label.StartsWith(t.First.TrimStart(' '), StringComparison.Ordinal)).Sum(t => t.Second) / weights.Sum());
            var choice = FirstTokenChoice.Of(labels, [.. all.Take(8)], 1);
            for (var i = 0; i < labels.Count; i++)
            {
                choice.Scores[i].ShouldBeLessThanOrEqualTo(exact[i] + 1e-9);
                (choice.Scores[i] + choice.Untold).ShouldBeGreaterThanOrEqualTo(exact[i] - 1e-9);
            }

            FirstTokenChoice.Of(labels, all, 1).Scores.ShouldBe(exact, 1e-9);
            if (choice.IsUncertain) continue;
            certain++;
            exact.IndexOf(exact.Max()).ShouldBe(choice.Chosen!.Value);
        }

        certain.ShouldBeGreaterThan(50);
    }

    private static LikelyToken Told(string text, double probability) => new(Encoding.UTF8.GetBytes(text), Math.Log(probability));
}
