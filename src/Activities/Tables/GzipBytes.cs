using System.IO.Compression;

namespace XInstruct.Activities.Tables;

/// <summary>
/// Unpacks gzip and throws <see cref="InvalidDataException"/> at its end when it was cut, which <see cref="GZipStream"/> takes for an ordinary end.
/// To find out, a small member of our own is put behind it: only after a whole one does it unpack to what went into it.
/// </summary>
internal sealed class GzipBytes : ReadOnlyStream
{
    private static readonly byte[] ProbeText = "whole"u8.ToArray();
    private static readonly byte[] Probe = Pack(ProbeText);

    private readonly Packed _packed;
    private readonly GZipStream _gzip;

    public GzipBytes(ByteWindow window)
    {
        _packed = new Packed(window);
        _gzip = new GZipStream(_packed, CompressionMode.Decompress);
    }

    /// <summary>Reads unpacked bytes.</summary>
    /// <exception cref="InvalidDataException">The data is damaged or cut.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await _gzip.ReadAsync(buffer, cancellationToken);
        if (read > 0 || buffer.IsEmpty || _packed.IsProbed) return read;
        _packed.IsProbed = true;
        var text = new byte[ProbeText.Length + 1];
        var count = await _gzip.ReadAtLeastAsync(text, text.Length, throwOnEndOfStream: false, cancellationToken);
        return text.AsSpan(0, count).SequenceEqual(ProbeText) ? 0 : throw new InvalidDataException("The gzip data was cut.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _gzip.Dispose();
        base.Dispose(disposing);
    }

    private static byte[] Pack(byte[] text)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest)) gzip.Write(text);
        return output.ToArray();
    }

    private sealed class Packed(ByteWindow window) : ReadOnlyStream
    {
        private int _probeAt;

        public bool IsProbed { get; set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!await window.FillAsync(1, cancellationToken)) return IsProbed ? Give(Probe.AsSpan(_probeAt), buffer.Span, ref _probeAt) : 0;
            var ignored = 0;
            var given = Give(window.Ahead, buffer.Span, ref ignored);
            window.Advance(given);
            return given;
        }

        private static int Give(ReadOnlySpan<byte> from, Span<byte> to, ref int at)
        {
            var count = Math.Min(from.Length, to.Length);
            from[..count].CopyTo(to);
            at += count;
            return count;
        }
    }
}
