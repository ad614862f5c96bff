namespace XInstruct.Activities.Audit;

/// <summary>A stretch of a file, to read.</summary>
internal sealed class FilePart : Stream
{
    private readonly FileStream _file;
    private readonly long _start;
    private readonly long _length;

    public FilePart(string path, long start, long length)
    {
        _file = File.OpenRead(path);
        _start = Math.Min(start, _file.Length);
        _length = Math.Clamp(length, 0, _file.Length - _start);
        _file.Position = _start;
    }

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => _length;

    public override long Position
    {
        get => _file.Position - _start;
        set => _file.Position = _start + value;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer) => _file.Read(buffer[..(int)Math.Min(buffer.Length, _length - Position)]);

    public override long Seek(long offset, SeekOrigin origin) => Position = offset + (origin == SeekOrigin.Begin ? 0 : origin == SeekOrigin.Current ? Position : _length);

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _file.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Takes what a file should hold and remembers where it first holds something else.</summary>
internal sealed class ComparingStream(string path) : Stream
{
    private readonly FileStream _file = File.OpenRead(path);
    private long _written;
    private long? _difference;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _written;

    public override long Position
    {
        get => _written;
        set => throw new NotSupportedException();
    }

    /// <summary>Offset of the first byte that differs, or of the end when one is longer; null when all is the same.</summary>
    public long? Difference() => _difference ?? (_file.Length == _written ? null : Math.Min(_file.Length, _written));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_difference is null)
        {
            var there = new byte[buffer.Length];
            var read = _file.ReadAtLeast(there, there.Length, throwOnEndOfStream: false);
            var same = buffer.CommonPrefixLength(there.AsSpan(0, read));
            if (same < buffer.Length) _difference = _written + same;
        }

        _written += buffer.Length;
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _file.Dispose();
        base.Dispose(disposing);
    }
}
