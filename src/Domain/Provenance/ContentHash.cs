using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace XInstruct.Domain.Provenance;

/// <summary>SHA-256 as lower-case hexadecimal: how contents, files and recipes are named.</summary>
public static class ContentHash
{
    /// <summary>Hash of a text's UTF-8 bytes, as it is stored (not normalised).</summary>
    public static string Of(string text) => Of(Encoding.UTF8.GetBytes(text));

    /// <summary>Hash of bytes.</summary>
    public static string Of(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Hash of a value's canonical JSON.</summary>
    public static string OfCanonical<T>(T value) => Of(CanonicalJson.Of(value, EventJson.Options));

    /// <summary>Hash of a JSON text's canonical form.</summary>
    public static string OfCanonicalJson(string json) => Of(CanonicalJson.Of(json));

    /// <summary>Hash of a JSON value's canonical form.</summary>
    public static string OfCanonicalJson(JsonElement value) => Of(CanonicalJson.Of(value));
}
