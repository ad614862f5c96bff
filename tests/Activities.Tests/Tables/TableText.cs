using System.IO.Compression;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using XInstruct.Activities.Tables;

namespace XInstruct.Activities.Tests.Tables;

/// <summary>Writes and reads tables in memory.</summary>
internal static class TableText
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static List<TableRow> Read(string text, int maxRowBytes = 1_000_000) => Read(Encoding.UTF8.GetBytes(text), maxRowBytes);

    public static List<TableRow> Read(byte[] bytes, int maxRowBytes = 1_000_000) => Read(new MemoryStream(bytes), maxRowBytes);

    public static List<TableRow> Read(Stream stream, int maxRowBytes = 1_000_000) =>
        [.. TableReader.ReadAsync(stream, new TableReadOptions(maxRowBytes), CancellationToken.None).ToBlockingEnumerable()];

    public static string JsonLines(IEnumerable<IReadOnlyDictionary<string, string>> rows) => string.Concat(rows.Select(r => JsonSerializer.Serialize(r, Plain) + "\n"));

    public static string JsonArray(IEnumerable<IReadOnlyDictionary<string, string>> rows, bool indented) => JsonSerializer.Serialize(rows, indented ? Indented : Plain);

    public static string Csv(IReadOnlyList<string> header, IEnumerable<IReadOnlyDictionary<string, string>> rows) =>
        string.Concat(rows.Select(r => header.Select(h => r[h])).Prepend(header).Select(fields => string.Join(',', fields.Select(Quote)) + "\r\n"));

    public static byte[] Gzip(byte[] bytes)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest)) gzip.Write(bytes);
        return output.ToArray();
    }

    /// <summary>Problem of each row; "" for a good one.</summary>
    public static IEnumerable<string> Problems(this IEnumerable<TableRow> rows) => rows.Select(r => r.Problem ?? "");

    private static string Quote(string field) => $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}

/// <summary>Gives bytes out in pieces of one size: what a network or a decompressor may do.</summary>
internal sealed class DrippingStream(byte[] bytes, int piece) : MemoryStream(bytes)
{
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        base.ReadAsync(buffer[..Math.Min(piece, buffer.Length)], cancellationToken);
}

/// <summary>A beginning, a long run of one byte, and an end, without holding the run in memory.</summary>
internal sealed class LongStream(string beginning, byte filler, long count, string end) : Stream
{
    private readonly byte[] _beginning = Encoding.UTF8.GetBytes(beginning);
    private readonly byte[] _end = Encoding.UTF8.GetBytes(end);
    private long _at;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => _beginning.Length + count + _end.Length;

    public override long Position { get => _at; set => throw new NotSupportedException(); }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        var read = (int)Math.Min(buffer.Length, Length - _at);
        for (var i = 0; i < read; i++, _at++)
        {
            buffer[i] = _at < _beginning.Length ? _beginning[_at] : _at < _beginning.Length + count ? filler : _end[_at - _beginning.Length - count];
        }

        return read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
