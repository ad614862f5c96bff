using XInstruct.Domain.Statistics;
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
    public void Score_HeadShared_GivesWhatPromptsAloneGive()
    {
        using var model = TestModels.Tiny(vocabulary: Tokenizer.Size);
        var scorer = new LabelScorer(Tokenizer, ["bad", "good"]);
        int[] head = [.. Enumerable.Range(1, 20)];
        LabelRequest[] requests = [.. Enumerable.Range(1, 9).Select(i => new LabelRequest([.. head, .. Enumerable.Range(40, 1 + (i % 4))]))];
        var alone = scorer.Score(model, requests);
        var shared = scorer.Score(model, requests, batchTokens: 60, sharesHead: true);
        for (var i = 0; i < requests.Length; i++)
        {
            shared[i].Label.ShouldBe(alone[i].Label);
            for (var label = 0; label < 2; label++) shared[i].Scores[label].ShouldBe(alone[i].Scores[label], 1e-6);
        }
    }

    // The rule as it is written, over the vocabulary's entries rather than the label's prefixes.
    [Theory]
    [InlineData("byte-level")]
    [InlineData("unigram")]
    [InlineData("bpe")]
    public void IdSetsAndDecide_RandomVocabulariesAndLabels_AreThoseOfTheRule(string kind)
    {
        for (var seed = 0UL; seed < 60; seed++)
        {
            var random = new DeterministicRandom(seed);
            var tokenizer = RandomTokenizer(kind, random);
            var labels = Enumerable.Range(0, 2 + random.Next(3)).Select(_ => Word(random)).ToArray();
            var scorer = new LabelScorer(tokenizer, labels);
            var probabilities = Enumerable.Range(0, tokenizer.Size).Select(_ => random.Next(4) == 0 ? 0 : random.Next(8) / 8f).ToArray();
            var sets = labels.Select(label => Rule(tokenizer, kind == "byte-level", label)).ToArray();
            for (var i = 0; i < labels.Length; i++) scorer.IdSets[i].ShouldBe([.. sets[i].Order()], $"{kind} {seed} {labels[i]}");
            scorer.SharedIds.ShouldBe(sets.SelectMany((set, i) => set.Where(id => sets.Where((_, j) => j != i).Any(other => other.Contains(id)))).Distinct().Order());
            var expected = sets.Select(set => set.Sum(id => (double)probabilities[id])).ToArray();
            var score = scorer.Decide(probabilities, seed);
            for (var i = 0; i < labels.Length; i++) score.Scores[i].ShouldBe(expected[i], 1e-9);
            expected[score.Label].ShouldBe(expected.Max(), 1e-9);
            score.IsTie.ShouldBe(expected.Count(value => Math.Abs(value - expected.Max()) < 1e-9) > 1);
        }

        static HashSet<int> Rule(TextTokenizer tokenizer, bool isByteLevel, string label)
        {
            var runes = label.EnumerateRunes().ToArray();
            var prefixes = Enumerable.Range(1, runes.Length).Select(n => string.Concat(runes.Take(n))).ToHashSet(StringComparer.Ordinal);
            var set = new HashSet<int>();
            foreach (var (piece, id) in tokenizer.Vocabulary)
            {
                if (prefixes.Contains(piece) || (piece.Length > 1 && piece[0] is '\u2581' or '\u0120' && prefixes.Contains(piece[1..]))) set.Add(id);
                if (runes[0].Value > 127 && piece == $"<0x{System.Text.Encoding.UTF8.GetBytes(label)[0]:X2}>") set.Add(id);
            }

            if (isByteLevel) set.UnionWith(prefixes.Select(prefix => tokenizer.Encode(prefix)[0]));
            return set;
        }
    }

    private static string Word(DeterministicRandom random)
    {
        string[] letters = ["a", "b", "ab", "é", "가", "नी", "t", "😀"];
        return string.Concat(Enumerable.Range(0, 1 + random.Next(4)).Select(_ => letters[random.Next(letters.Length)]));
    }

    private static TextTokenizer RandomTokenizer(string kind, DeterministicRandom random)
    {
        var words = Enumerable.Range(0, 12).Select(_ => Word(random)).Distinct().ToArray();
        if (kind == "byte-level") return ByteLevelBpeTrainer.Train([string.Join(' ', words), string.Join(' ', words)], 256 + random.Next(40), []);
        string[] pieces = [.. words.SelectMany(word => random.Next(2) == 0 ? (string[])[word] : [word, "▁" + word]), "▁", "<0xC3>", "<0xEA>"];
        var vocabulary = pieces.Distinct().Skip(random.Next(4)).ToArray();
        var model = kind == "unigram"
            ? $$"""{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],{{string.Join(',', vocabulary.Select((piece, i) => $"[{Json(piece)},-{i + 1}]"))}}]}"""
            : $$"""{"type":"BPE","unk_token":"<unk>","merges":[],"vocab":{"<unk>":0,{{string.Join(',', vocabulary.Select((piece, i) => $"{Json(piece)}:{i + 1}"))}} } }""";
        return TextTokenizer.Parse(System.Text.Encoding.UTF8.GetBytes(
            $$$"""{"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},"post_processor":null,"decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},"model":{{{model}}} }"""));

        static string Json(string text) => System.Text.Json.JsonSerializer.Serialize(text);
    }

    [Fact]
    public void New_OneLabel_Throws()
        => Should.Throw<ArgumentException>(() => new LabelScorer(Tokenizer, ["bad"]));
}
