using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Recipes;

/// <summary>A known good pair.</summary>
/// <param name="Index">0-based row in its file.</param>
/// <param name="Instruction">English instruction.</param>
/// <param name="Output">Response in the target language.</param>
public sealed record Seed(int Index, string Instruction, string Output);

/// <summary>Splits a language's seeds before iteration 0. Depends on indices and the seed alone, so index-parallel languages hold out the same rows.</summary>
public static class SeedSplit
{
    /// <summary>Training and held-out seeds, each by index. At least one is held out when the share is above 0 and there are two.</summary>
    public static (IReadOnlyList<Seed> Training, IReadOnlyList<Seed> HeldOut) Of(IReadOnlyList<Seed> seeds, double share, int seed)
    {
        var count = share <= 0 || seeds.Count < 2 ? 0 : Math.Max(1, (int)Math.Round(share * seeds.Count));
        // Each index has a key of its own: a row that one language lacks moves no other row.
        var heldOut = seeds.Select(s => s.Index).OrderBy(i => DeterministicRandom.SeedOf($"held-out/{seed}/{i}")).ThenBy(i => i).Take(count).ToHashSet();
        return ([.. seeds.Where(s => !heldOut.Contains(s.Index)).OrderBy(s => s.Index)], [.. seeds.Where(s => heldOut.Contains(s.Index)).OrderBy(s => s.Index)]);
    }

    /// <summary>Rows drawn as seeds: the same for every file of the same length.</summary>
    public static IReadOnlyList<int> Draw(int rows, int take, int seed)
    {
        var order = Enumerable.Range(0, rows).ToArray();
        new DeterministicRandom($"seeds/{seed}").Shuffle<int>(order);
        return [.. order.Take(take).Order()];
    }
}
