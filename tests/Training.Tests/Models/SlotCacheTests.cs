using TorchSharp;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Models;

namespace XInstruct.Training.Tests.Models;

public sealed class SlotCacheTests
{
    [Fact]
    public void Reserve_MoreThanBefore_DoublesUpToWhatIsEverNeeded()
    {
        using var model = TestModels.Tiny();
        using var cache = new SlotCache(model.Config, torch.CPU, torch.ScalarType.Float32) { MostSlots = 5, MostTokens = 200 };
        foreach (var (slots, tokens, expected) in new[] { (2, 10, (2L, 64L)), (3, 65, (4L, 128L)), (5, 129, (5L, 256L)) })
        {
            cache.Reserve(slots, tokens);
            (cache.Slots, cache.Capacity).ShouldBe(expected);
        }

        cache.Dispose();
        cache.Reserve(1, 1);
        (cache.Slots, cache.Capacity).ShouldBe((1L, 64L));
    }

    [Theory]
    [InlineData("llama_gqa")]
    [InlineData("llama_rope_llama3")]
    [InlineData("mistral_swa")]
    [InlineData("qwen2")]
    [InlineData("gemma")]
    [InlineData("gpt_neox")]
    [InlineData("gpt_neox_seq")]
    public void Hidden_PiecesInSlotsThatMove_GivesTheLogitsOfTheWholeText(string name)
    {
        using var model = TestModels.Golden(name);
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var random = new DeterministicRandom(name);
        var texts = Enumerable.Range(0, 5).Select(i => Enumerable.Range(0, 20 + (i * 17)).Select(_ => random.Next(model.Config.VocabularySize)).ToArray()).ToArray();
        var whole = texts.Select(ids => model.call(torch.tensor([.. ids.Select(id => (long)id)], [1, ids.Length]))[0]).ToArray(); // (T, V)
        using var cache = new SlotCache(model.Config, torch.CPU, torch.ScalarType.Float32);
        var (slots, done) = (new[] { 3, 0, 5, 1, 2 }, new int[texts.Length]);
        var spare = 6;
        var largest = 0f;
        while (Enumerable.Range(0, texts.Length).Where(i => done[i] < texts[i].Length && random.Next(3) > 0).ToArray() is var chosen && done.Zip(texts).Any(pair => pair.First < pair.Second.Length))
        {
            if (chosen.Length == 0) continue;
            // Any rows in any order, each with a piece of any length.
            var rows = chosen.OrderBy(_ => random.NextUInt64()).Select(i => (Text: i, Count: Math.Min(texts[i].Length - done[i], 1 + random.Next(9)))).ToArray();
            var hidden = model.Hidden(new SlotPass(cache, [.. rows.Select(row => new SlotRow(slots[row.Text], done[row.Text], texts[row.Text].AsMemory(done[row.Text], row.Count), texts[row.Text].Length))]));
            for (var i = 0; i < rows.Length; i++)
            {
                var (text, count) = rows[i];
                var difference = model.Logits(hidden[i].narrow(0, 0, count)).sub(whole[text].narrow(0, done[text], count)).abs().max().item<float>();
                largest = Math.Max(largest, difference);
                done[text] += count;
            }

            // A text moves to the free slot, whose old numbers are somebody else's.
            var moved = random.Next(texts.Length);
            cache.Reserve(7, 1);
            cache.Copy(slots[moved], spare, done[moved]);
            (slots[moved], spare) = (spare, slots[moved]);
        }

        largest.ShouldBeLessThan(1e-4f);
    }

    [Fact]
    public void Reserve_More_KeepsWhatIsThere()
    {
        using var cache = new SlotCache(TestModels.Tiny().Config, torch.CPU, torch.ScalarType.Float32);
        cache.Reserve(2, 10);
        (cache.Slots, cache.Capacity).ShouldBe((2, 64));
        cache.Layer(1).Keys[1].fill_(7).Dispose();
        cache.Reserve(3, 65);
        (cache.Slots, cache.Capacity).ShouldBe((4, 128));
        using var kept = cache.Layer(1).Keys[1].narrow(1, 0, 64).sum();
        kept.item<float>().ShouldBe(7 * 2 * 64 * 8);
        using var fresh = cache.Layer(1).Keys.sum();
        fresh.item<float>().ShouldBe(7 * 2 * 64 * 8);
        cache.Clear(1);
        using var cleared = cache.Layer(1).Keys.sum();
        cleared.item<float>().ShouldBe(0);
    }
}
