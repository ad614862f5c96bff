using XInstruct.Domain.Deduplication;

namespace XInstruct.Domain.Tests.Deduplication;

public sealed class NgramOverlapTests
{
    private const string Sentence = "The quick brown fox jumps over the lazy dog while seven wizards quietly watch from a hill";

    [Theory]
    [InlineData("Don't STOP, now!", 4)]
    [InlineData("前提: 男孩笑", 5)]
    [InlineData("สวัสดีครับ", 7)]
    [InlineData("हिन्दी में", 2)]
    [InlineData("ab漢cd 3,5", 5)]
    [InlineData("…!?", 0)]
    public void Of_Scripts_CountsWordsOrCharacters(string text, int tokens)
    {
        OverlapTokens.Of(text).Length.ShouldBe(tokens);
        OverlapTokens.Of(text.ToUpperInvariant()).ShouldBe(OverlapTokens.Of(text));
    }

    [Fact]
    public void Find_SharedRuns_AreCountedByItem()
    {
        var index = new NgramOverlap(5, 3);
        index.Add([Sentence, "one two three"]).ShouldBe(0);
        index.Add(["nothing of it is in there"]).ShouldBe(1);
        index.Add(["one two"]).ShouldBe(2);
        (index.Count, index.Unfindable).ShouldBe((3, 1));
        // 17 words: 13 runs of five; the second part is one by itself.
        index.Find([$"Repeat: {Sentence.ToUpperInvariant()}!"]).ShouldBe([new NgramOverlapHit(0, 13, 14)]);
        index.Find(["so: one, TWO, three. and four"]).ShouldBe([new NgramOverlapHit(0, 1, 14)]);
        index.Find(["the brown quick fox jumps over the lazy", "one two", "three"]).ShouldBe([new NgramOverlapHit(0, 1, 14)]);
        // No run goes over from one part to the next.
        index.Find(["jumps over the", "lazy dog"]).ShouldBeEmpty();
    }

    [Fact]
    public void Find_RandomTexts_IsWhatComparingAllRunsGives()
    {
        var random = new Random(3);
        string[] Words(int count) => [.. Enumerable.Range(0, count).Select(_ => ((char)('a' + random.Next(4))).ToString())];
        for (var round = 0; round < 50; round++)
        {
            var n = random.Next(2, 7);
            var index = new NgramOverlap(n, n);
            var items = Enumerable.Range(0, 8).Select(_ => Words(random.Next(1, 20))).ToArray();
            foreach (var item in items) index.Add([string.Join(' ', item)]);
            var text = Words(random.Next(1, 60));
            var runs = Runs(text, n);
            var expected = items.Select((item, i) => new NgramOverlapHit(i, Runs(item, n).Count(runs.Contains), Runs(item, n).Count)).Where(hit => hit.Shared > 0);
            index.Find([string.Join(' ', text)]).ShouldBe(expected);
        }
    }

    private static HashSet<string> Runs(string[] words, int n) => [.. Enumerable.Range(0, Math.Max(0, words.Length - n + 1)).Select(i => string.Join(' ', words[i..(i + n)]))];
}
