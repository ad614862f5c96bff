using XInstruct.Training.Models;
using XInstruct.Training.Tuning;
using static TorchSharp.torch;

namespace XInstruct.Training.Scoring;

/// <summary>What all prompts of a list begin with, such as the examples before a question: its keys and values, worked out once, in the first slot of a cache.</summary>
internal sealed class PromptHead : IDisposable
{
    // A shorter one costs less than its copies.
    private const int Shortest = 8;

    private PromptHead(SlotCache cache, int length) => (Cache, Length) = (cache, length);

    /// <summary>The cache.</summary>
    public SlotCache Cache { get; }

    /// <summary>Tokens of the head.</summary>
    public int Length { get; }

    /// <summary>The head of some prompts; null when there is none worth it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="left">Tokens that every prompt keeps behind it.</param>
    public static PromptHead? Of(Decoder model, IReadOnlyList<int[]> prompts, int left)
    {
        // With dynamic scaling the keys of a head depend on what follows it.
        if (prompts.Count < 2 || model.Config.RopeScaling is { Kind: "dynamic" }) return null;
        var length = prompts.Min(prompt => Math.Min(prompt.Length - left, prompt.AsSpan().CommonPrefixLength(prompts[0])));
        if (length < Shortest) return null;
        using var scope = NewDisposeScope();
        var cache = new SlotCache(model.Config, model.Device(), model.parameters().First().dtype);
        model.Hidden(new SlotPass(cache, [new SlotRow(0, 0, prompts[0].AsMemory(0, length), length)]));
        return new PromptHead(cache, length);
    }

    /// <summary>Puts the head into the slot of a batch's row and names the slot; the first row of a batch makes room for nothing but itself.</summary>
    /// <param name="row">Number of the row in its batch.</param>
    /// <param name="tokens">Tokens that the slot is to hold.</param>
    public int Begin(int row, int tokens)
    {
        Cache.Reserve(row + 2, tokens);
        Cache.Copy(0, row + 1, Length);
        return row + 1;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => Cache.Dispose();
}
