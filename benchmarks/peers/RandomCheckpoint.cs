using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;

namespace XInstruct.Benchmarks;

/// <summary>A folder with a Llama of random weights. Deleted with it.</summary>
internal sealed class RandomCheckpoint : IDisposable
{
    public RandomCheckpoint(string shape)
    {
        using var model = Decoder.Random(Shape(shape), seed: 1);
        Checkpoint.Save(model, Folder, long.MaxValue);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("xi-benchmark-").FullName;

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    // tiny is all overhead; 1b and 8b have the shapes of Llama 3.2 1B and Llama 3.1 8B.
    private static DecoderConfig Shape(string name) => name switch
    {
        "tiny" => Llama(256, 16, 8, 2, 2, 32),
        "small" => Llama(16_000, 512, 8, 8, 4, 1536),
        "1b" => Llama(128_256, 2048, 16, 32, 8, 8192),
        "8b" => Llama(128_256, 4096, 32, 32, 8, 14_336) with { TiesEmbeddings = false },
        _ => throw new ArgumentException($"There is no shape '{name}': tiny, small, 1b or 8b."),
    };

    private static DecoderConfig Llama(int vocabulary, int hidden, int layers, int heads, int groups, int intermediate) => new()
    {
        VocabularySize = vocabulary,
        HiddenSize = hidden,
        IntermediateSize = intermediate,
        Layers = layers,
        Heads = heads,
        KeyValueHeads = groups,
        HeadSize = hidden / heads,
        TiesEmbeddings = true,
        InitStd = 0.05,
    };
}
