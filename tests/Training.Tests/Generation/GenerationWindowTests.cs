using TorchSharp;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Generation;

namespace XInstruct.Training.Tests.Generation;

public sealed class GenerationWindowTests
{
    [Fact]
    public void Run_ThousandSteps_KeepsLiveTensorsConstantAndMemoryFlat()
    {
        using var model = TestModels.Tiny();
        var random = new DeterministicRandom(11);
        EngineRequest[] requests = [.. Enumerable.Range(0, 480).Select(i => new EngineRequest([.. Enumerable.Range(1, 20), .. EngineTests.Prompt(random, 1 + random.Next(60), 64)])
        {
            MaxNewTokens = 20 + random.Next(30),
            Seed = (ulong)i,
            TopLogProbabilities = i % 3,
            StopIds = [3],
            Sampling = i % 2 == 0 ? new SamplingOptions() : new SamplingOptions { Temperature = 1, TopP = 0.9, NoRepeatNgram = 4 },
        })];
        var (steps, live, peak) = (0L, new SortedSet<long>(), 0L);
        GenerationWindow.Run(model, null, requests, new EngineOptions { MaxRows = 8, TokenBudget = 64, PrefixCacheTokens = 512 }, (_, result) => result.Error.ShouldBeNull(), status =>
        {
            steps = status.Steps;
            if (steps == 300)
            {
                // Buffers have grown to what they need.
                ProcessMemory.ReturnFree();
                ProcessMemory.ForgetPeak();
                peak = ProcessMemory.Peak();
            }

            if (steps >= 300) live.Add(torch.Tensor.TotalCount);
        });
        steps.ShouldBeGreaterThan(1300);
        live.Count.ShouldBe(1, $"from {live.Min} to {live.Max} tensors live");
        var grown = (ProcessMemory.Peak() - peak) >> 20;
        Console.WriteLine(FormattableString.Invariant($"{steps - 300} steps: {live.Min} tensors live after each, resident memory at most {grown} MiB more"));
        grown.ShouldBeLessThan(40);
    }

    [Fact]
    public void Run_Twice_GivesTheSameBits_AndErrorsInPlace()
    {
        using var model = TestModels.Tiny();
        EngineRequest[] requests = [.. Enumerable.Range(0, 30).Select(i => new EngineRequest([.. Enumerable.Range(i == 12 ? 60 : 1, 1 + i)]) { MaxNewTokens = 10, Sampling = new SamplingOptions { Temperature = 1 }, Seed = 4 })];
        requests[20] = new EngineRequest([.. Enumerable.Repeat(5, 128)]);
        List<GenerationResult> Run()
        {
            var results = new List<GenerationResult>();
            GenerationWindow.Run(model, null, requests, new EngineOptions { MaxRows = 4, TokenBudget = 40, MaxContext = 128 }, (i, result) =>
            {
                i.ShouldBe(results.Count);
                results.Add(result);
            });
            return results;
        }

        var (one, two) = (Run(), Run());
        one.Count.ShouldBe(30);
        one[12].Error.ShouldBeOfType<ArgumentException>().Message.ShouldContain("64");
        one[20].Error.ShouldBeOfType<PromptTooLongException>();
        for (var i = 0; i < one.Count; i++)
            one[i].Tokens.Select(token => (token.Id, BitConverter.SingleToInt32Bits(token.LogProbability))).ShouldBe(two[i].Tokens.Select(token => (token.Id, BitConverter.SingleToInt32Bits(token.LogProbability))));
        one[0].Reason.ShouldBe(FinishReason.Length);
    }

    [Fact]
    public void Run_Cancelled_Stops()
    {
        using var model = TestModels.Tiny();
        using var source = new CancellationTokenSource();
        var before = torch.Tensor.TotalCount;
        Should.Throw<OperationCanceledException>(() => GenerationWindow.Run(model, null, [new EngineRequest([4]) { MaxNewTokens = 500 }], new EngineOptions(), (_, _) => { }, status => source.Cancel(), source.Token));
        // What is left are the model's tables of positions.
        torch.Tensor.TotalCount.ShouldBeLessThanOrEqualTo(before + 2);
    }
}
