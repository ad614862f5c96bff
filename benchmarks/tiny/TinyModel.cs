using XInstruct.Training.Models;

namespace XInstruct.Benchmarks.Tiny;

/// <summary>The small decoder that starts from random weights.</summary>
internal static class TinyModel
{
    public static Decoder Create(int vocabulary, double dropout, ulong seed)
        => Decoder.Random(DecoderConfig.Llama(vocabulary, hidden: 96, layers: 2, heads: 4, intermediate: 256, initStd: 0.06, endId: 2, padId: 0), seed, dropout);
}
