using XInstruct.Domain.Metrics;

namespace XInstruct.Domain.Tests.Metrics;

/// <summary>Cases worked out by hand.</summary>
public sealed class TextMetricsTests
{
    [Theory]
    [InlineData("Hatua 3: chemsha maji.", "hatua|3|chemsha|maji")]
    [InlineData("हिन्दी में लिखो", "हिन्दी|में|लिखो")]
    [InlineData("東京は晴れ、25度", "東|京|は|晴|れ|25|度")]
    [InlineData("น้ำใส", "น้|ำ|ใ|ส")]
    [InlineData("한국어 AI", "한|국|어|ai")]
    [InlineData("İstanbul’da don't", "İstanbul|da|don|t")]
    public void AnyScript_TextsOfManyScripts_LoseNoLetter(string text, string words) => RougeWords.AnyScript(text).ShouldBe(words.Split('|'));

    [Fact]
    public void Latin_OtherScripts_HaveNoWords()
    {
        RougeWords.Latin("東京 हिन्दी 2024").ShouldBe(["2024"]);
        RougeWords.Latin("The Runners' races", stems: true).ShouldBe(["the", "runner", "race"]);
    }

    [Fact]
    public void OfSummary_WordsInSeveralSentences_AreOneUnion()
    {
        string[][] reference = [["a", "b", "c", "d"]];
        // Both sentences of the output find something: the union is a, b and d.
        var overlap = Rouge.OfSummary([["a", "b"], ["d", "x"]], reference);
        overlap.Recall.ShouldBe(0.75);
        overlap.Precision.ShouldBe(0.75);
        Rouge.OfSubsequence(["a", "b", "d", "a"], reference[0]).FMeasure.ShouldBe(0.75);
        Rouge.OfNgrams(["a", "b", "d", "a"], reference[0], 2).FMeasure.ShouldBe(1 / 3.0, 1e-12);
        Rouge.OfSummary([], reference).ShouldBe(default);
    }

    [Fact]
    public void EditRate_RunMovedAsAWhole_IsOneEdit()
    {
        EditRate.OfSentence("d e f a b c", ["a b c d e f"]).ShouldBe(100 / 6.0, 1e-9);
        EditRate.OfSentence("A b", ["a B c"]).ShouldBe(100 / 3.0, 1e-9);
        EditRate.OfSentence("", ["a b"]).ShouldBe(100);
        EditRate.OfSentence("x", [""]).ShouldBe(100);
        EditRate.OfSentence("", [""]).ShouldBe(0);
        // Edits to the closest reference, over the mean length.
        EditRate.OfSentence("a b c", ["a b c", "x"]).ShouldBe(0);
        EditRate.OfSentence("a b x", ["a b c", "y"]).ShouldBe(50);
    }

    [Fact]
    public void Bleu_OneWordOff_IsTheFormula()
    {
        // Precisions 4/5, 2/4, 1/3, and none of 2, smoothed to a half match.
        var score = Bleu.OfSentence("a b c x d", ["a b c y d"], new BleuOptions());
        score.Score.ShouldBe(100 * Math.Pow(0.8 * 0.5 * (1 / 3.0) * 0.25, 0.25), 1e-9);
        Bleu.OfSentence("a b", ["a b"], new BleuOptions()).Score.ShouldBe(0);
        Bleu.OfSentence("a b", ["a b"], new BleuOptions { EffectiveOrder = true }).Score.ShouldBe(100, 1e-9);
    }

    [Fact]
    public void Best_LongChoice_WinsByItsCharacters()
    {
        ScoredChoice[] choices = [new("no", -4, 1, true), new("ndiyo kabisa", -6, 4, false), new("अब", -5.5, 3, false)];
        ChoiceScores.Best(choices, ChoiceNormalization.Sum).ShouldBe(0);
        ChoiceScores.Best(choices, ChoiceNormalization.Character).ShouldBe(1);
        ChoiceScores.Best(choices, ChoiceNormalization.Token).ShouldBe(1);
        // Six bytes in two letters.
        ChoiceScores.Best([choices[0], choices[2]], ChoiceNormalization.Byte).ShouldBe(1);
    }

    /// <summary>By hand: disagreements weigh 1 + 1 + 4 = 6, and by chance 4 · 4/6 + 2 · 4 · 4/6 = 8.</summary>
    [Fact]
    public void QuadraticKappa_ThreeLevels_WeighsADisagreementByItsSquare()
    {
        new Classification([0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 0], 3).QuadraticKappa.ShouldBe(0.25, 1e-12);
        new Classification([0, 1, 2], [0, 1, 2], 3).QuadraticKappa.ShouldBe(1, 1e-12);
        new Classification([0, 1, 2], [2, 1, 0], 3).QuadraticKappa.ShouldBe(-1, 1e-12);
        double.IsFinite(new Classification([1, 1], [1, 1], 3).QuadraticKappa).ShouldBeFalse();
    }
}
