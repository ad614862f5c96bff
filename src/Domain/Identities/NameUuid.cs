using System.Security.Cryptography;
using System.Text;

namespace XInstruct.Domain.Identities;

/// <summary>Name-based UUIDs, version 5 (RFC 9562, section 5.5): the same name in the same name space gives the same id for ever.</summary>
public static class NameUuid
{
    /// <summary>Root of every XInstruct name space. Permanent.</summary>
    public static readonly Guid Root = new("5e8f1b2c-6a0d-5c3e-9d47-1b7a2f90c6e4");

    /// <summary>UUIDv5 of <paramref name="name"/>'s UTF-8 bytes in <paramref name="space"/>.</summary>
    public static Guid Of(Guid space, string name) => Of(space, Encoding.UTF8.GetBytes(name));

    /// <summary>UUIDv5 of <paramref name="name"/> in <paramref name="space"/>.</summary>
    public static Guid Of(Guid space, ReadOnlySpan<byte> name)
    {
        Span<byte> input = name.Length <= 512 ? stackalloc byte[16 + name.Length] : new byte[16 + name.Length];
        space.TryWriteBytes(input, bigEndian: true, out _);
        name.CopyTo(input[16..]);
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
#pragma warning disable CA5350 // RFC 9562 defines version 5 over SHA-1; the strength comes from the SHA-256 inside the name.
        SHA1.HashData(input, hash);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
