using System.Numerics;
using System.Runtime.Intrinsics;

namespace XInstruct.Domain.Deduplication;

/// <summary>Counts equal bytes of two arrays of one length.</summary>
internal static class ByteLanes
{
    public static int Equal(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        var equal = 0;
        var i = 0;
        for (; i + Vector256<byte>.Count <= a.Length; i += Vector256<byte>.Count)
        {
            equal += BitOperations.PopCount(Vector256.Equals(Vector256.Create(a[i..]), Vector256.Create(b[i..])).ExtractMostSignificantBits());
        }

        for (; i < a.Length; i++)
        {
            if (a[i] == b[i]) equal++;
        }

        return equal;
    }
}
