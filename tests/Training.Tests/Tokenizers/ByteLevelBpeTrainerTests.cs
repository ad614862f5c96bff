using FsCheck;
using FsCheck.Fluent;
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
    public void Train_AnyWords_MergesAsCountingFromScratchDoes()
        => Prop.ForAll(Gen.Elements("a", "b", "c").ListOf(12).Select(string.Concat).ListOf(6).ToArbitrary(), words =>
        {
            var tokenizer = ByteLevelBpeTrainer.Train(words, 256 + 12, []);
            var learnt = tokenizer.Vocabulary.Where(piece => piece.Value >= 256).OrderBy(piece => piece.Value).Select(piece => piece.Key);
            return learnt.SequenceEqual(Naive(words, 12));
        }).QuickCheckThrowOnFailure();

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

    // The textbook algorithm: count every pair again after each merge. Ids of "a", "b", "c" and of later pieces order as their creation.
    private static List<string> Naive(IEnumerable<string> words, int merges)
    {
        var pieces = words.Select(word => word.Select(letter => letter.ToString()).ToList()).ToList();
        List<string> order = ["a", "b", "c"];
        while (order.Count - 3 < merges)
        {
            var best = pieces.SelectMany(word => word.Zip(word.Skip(1))).CountBy(pair => pair).Where(entry => entry.Value >= 2)
                .OrderByDescending(entry => entry.Value).ThenBy(entry => order.IndexOf(entry.Key.First)).ThenBy(entry => order.IndexOf(entry.Key.Second)).FirstOrDefault();
            if (best.Value == 0)
                break;
            var (left, right) = best.Key;
            if (!order.Contains(left + right))
                order.Add(left + right);
            foreach (var word in pieces)
            {
                for (var i = 0; i + 1 < word.Count; i++)
                {
                    if (word[i] == left && word[i + 1] == right)
                    {
                        word[i] = left + right;
                        word.RemoveAt(i + 1);
                    }
                }
            }
        }
        return [.. order.Skip(3)];
    }
}
