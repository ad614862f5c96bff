using System.Runtime.InteropServices;
using TorchSharp;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;

namespace XInstruct.Training.Tests;

/// <summary>Models small enough for tests.</summary>
internal static class TestModels
{
    public static string GoldenPath(string name, string file) => Path.Combine(GoldenFolder(name), file);

    public static Decoder Golden(string name) => Checkpoint.Load(GoldenFolder(name), torch.CPU);

    public static Decoder Tiny(double dropout = 0, int vocabulary = 64)
        => Decoder.Random(DecoderConfig.Llama(vocabulary, hidden: 16, layers: 2, heads: 2, intermediate: 32, initStd: 0.3, endId: 3, padId: 0), seed: 1, dropout);

    public static byte[] Bytes(Decoder model)
        => [.. model.named_parameters().SelectMany(entry => MemoryMarshal.AsBytes<float>(entry.parameter.data<float>().ToArray()).ToArray())];

    // Those of the repository, so that other tests than the golden ones do not change with XINSTRUCT_GOLDEN.
    private static string GoldenFolder(string name) => XInstruct.Tests.Golden.Copied($"models/{name}");
}
