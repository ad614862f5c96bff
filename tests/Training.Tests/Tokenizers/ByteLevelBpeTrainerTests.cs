using XInstruct.Training.Tokenizers;

namespace XInstruct.Training.Tests.Tokenizers;

public sealed class ByteLevelBpeTrainerTests
{
    [Fact]
    public void Train_KnownCounts_MergesTheMostFrequentPairFirst()
    {
        // "ab" occurs 5 times, "bc" 3 times: ab first, then "ab"+"c".
        var tokenizer = ByteLevelBpeTrainer.Train(["ab ab", "abc abc abc"], 258 + 2, ["<s>"]);
        tokenizer.FindId("ab").ShouldBe(257);
        tokenizer.Vocabulary.Count.ShouldBe(260);
        tokenizer.Encode("ab").ShouldBe([257]);
    }

    [Fact]
    public void Train_TextsInAnotherOrder_GivesTheSamePieces()
    {
        string[] texts = ["banana band", "bandana", "ananas nab", "cab ban"];
        var one = ByteLevelBpeTrainer.Train(texts, 280, []);
        var two = ByteLevelBpeTrainer.Train(texts.Reverse(), 280, []);
        two.Vocabulary.OrderBy(piece => piece.Value).ShouldBe(one.Vocabulary.OrderBy(piece => piece.Value));
    }

    [Fact]
    public void Train_FewTexts_StopsWhenNoPairOccursTwice()
        => ByteLevelBpeTrainer.Train(["xyz"], 1000, []).Vocabulary.Count.ShouldBe(256);

    [Fact]
    public void Train_SpecialTokens_HaveTheFirstIdsAndTeachNothing()
    {
        var tokenizer = ByteLevelBpeTrainer.Train(Enumerable.Repeat("<|end|>", 50), 300, ["<|text|>", "<|end|>"]);
        tokenizer.SpecialId("<|text|>").ShouldBe(0);
        tokenizer.SpecialId("<|end|>").ShouldBe(1);
        tokenizer.Vocabulary.Count.ShouldBe(258);
    }

    [Theory]
    [InlineData(257)]
    [InlineData(0)]
    public void Train_SizeTooSmall_Throws(int size)
        => Should.Throw<ArgumentException>(() => ByteLevelBpeTrainer.Train(["a"], size, ["<a>", "<b>"])).ParamName.ShouldBe("vocabularySize");

    [Fact]
    public void Train_RepeatedSpecialToken_Throws()
        => Should.Throw<ArgumentException>(() => ByteLevelBpeTrainer.Train(["a"], 300, ["<a>", "<a>"])).ParamName.ShouldBe("specialTokens");
}
