using System.Text;

namespace Temporalio.Common.EnvConfig;

/// <summary>Bytes, or the file that holds them.</summary>
public sealed class DataSource
{
    private DataSource()
    {
    }

    public string? Path { get; private init; }

    public byte[]? Data { get; private init; }

    public static DataSource FromPath(string path) =>
        string.IsNullOrEmpty(path) ? throw new ArgumentException("Path cannot be null or empty", nameof(path)) : new() { Path = path };

    public static DataSource FromUTF8String(string content) =>
        new() { Data = Encoding.UTF8.GetBytes(content ?? throw new ArgumentException("Content cannot be null", nameof(content))) };

    public static DataSource FromBytes(byte[] data) =>
        data is null or { Length: 0 } ? throw new ArgumentException("Data cannot be null or empty", nameof(data)) : new() { Data = data };

    public byte[]? GetBytes() => Data ?? (Path is null ? null : File.ReadAllBytes(Path));
}
