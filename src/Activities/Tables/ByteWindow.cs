namespace XInstruct.Activities.Tables;

/// <summary>A small window over a stream of bytes. What cannot be unpacked ends the stream and is remembered in <see cref="IsBroken"/>.</summary>
internal sealed class ByteWindow(Stream input)
{
    /// <summary>Bytes that the window holds at most.</summary>
    public const int Capacity = 1 << 16;

    private byte[] _buffer = new byte[Capacity];
    private int _at;
    private int _end;
    private bool _isAtEnd;

    /// <summary>A compressed stream was cut or damaged; what came before it was given.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Bytes in the window that are not consumed.</summary>
    public ReadOnlySpan<byte> Ahead => _buffer.AsSpan(_at.._end);

    /// <summary>Consumes bytes of <see cref="Ahead"/>.</summary>
    public void Advance(int count) => _at += count;

    /// <summary>Puts the last consumed bytes back.</summary>
    public void PushBack(byte[] bytes)
    {
        if (_at >= bytes.Length)
        {
            // They are still here: a table of nothing but damage must not be copied for each of its rows.
            _at -= bytes.Length;
            return;
        }

        var rest = Ahead;
        var joined = new byte[bytes.Length + rest.Length];
        bytes.CopyTo(joined, 0);
        rest.CopyTo(joined.AsSpan(bytes.Length));
        (_buffer, _at, _end) = (joined, 0, joined.Length);
    }

    /// <summary>Makes at least <paramref name="count"/> bytes available if the stream has them; false when none are.</summary>
    public async ValueTask<bool> FillAsync(int count, CancellationToken ct)
    {
        while (_end - _at < count && !_isAtEnd)
        {
            if (_at > 0)
            {
                Ahead.CopyTo(_buffer);
                (_at, _end) = (0, _end - _at);
            }

            _end += await ReadAsync(ct);
        }

        return _end > _at;
    }

    private async ValueTask<int> ReadAsync(CancellationToken ct)
    {
        try
        {
            var read = await input.ReadAsync(_buffer.AsMemory(_end), ct);
            _isAtEnd = read == 0;
            return read;
        }
        catch (InvalidDataException)
        {
            // A damaged or cut gzip stream: the rows before it stand, then this is said once.
            (_isAtEnd, IsBroken) = (true, true);
            return 0;
        }
    }
}
