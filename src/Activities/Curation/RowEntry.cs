using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace XInstruct.Activities.Curation;

/// <summary>What is held in memory of a row: 48 bytes, so that millions of them fit.</summary>
/// <param name="Offset">Where its line begins in the file of its table.</param>
/// <param name="Perplexity">Perplexity of its instruction; NaN when there is none.</param>
/// <param name="Instruction">The first 64 bits of the instruction's SHA-256: equal for equal instructions, and for others by chance once in 10⁵ data sets of ten million rows.</param>
/// <param name="Pair">The same of instruction and output.</param>
/// <param name="Bytes">Length of its line without the line feed.</param>
/// <param name="Length">Code points of the instruction.</param>
/// <param name="OutputLength">Code points of the output.</param>
/// <param name="Source">Number of its source in the recipe.</param>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct RowEntry(long Offset, double Perplexity, ulong Instruction, ulong Pair, int Bytes, int Length, int OutputLength, int Source)
{
    /// <summary>The entry of a merged row.</summary>
    public static RowEntry Of(MergedRow row, int source, long offset, int bytes) => new(
        offset, row.Ppl ?? double.NaN, Hash(row.Instruction), Hash($"{row.Instruction}\0{row.Output}"), bytes, row.Len, row.Output.EnumerateRunes().Count(), source);

    private static ulong Hash(string text) => System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
