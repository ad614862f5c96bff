using System.Buffers;

namespace XInstruct.Activities.Tables;

/// <summary>Kinds of tables.</summary>
internal enum TableKind
{
    JsonLines,
    JsonArray,
    Csv,
}

/// <summary>Bytes of one row, or why there are none.</summary>
internal readonly record struct RawRow(byte[]? Bytes, string? Problem);

/// <summary>Cuts a stream of bytes into rows without ever holding more than the longest allowed one.</summary>
internal sealed class RowSplitter(Stream input, int maxRowBytes)
{
    private readonly byte[] _buffer = new byte[1 << 16];
    private readonly ArrayBufferWriter<byte> _row = new();
    private int _at;
    private int _end;
    private bool _isBroken;

    /// <summary>Looks at the first byte that is not white space and tells the kind; skips a byte order mark.</summary>
    public async Task<TableKind> StartAsync(bool namedCsv, CancellationToken ct)
    {
        if (await PeekAsync(ct) == 0xEF)
        {
            for (var i = 0; i < 3 && await PeekAsync(ct) is 0xEF or 0xBB or 0xBF; i++) _at++;
        }

        if (namedCsv) return TableKind.Csv;
        while (await PeekAsync(ct) is ' ' or '\t' or '\r' or '\n') _at++;
        var first = await PeekAsync(ct);
        if (first == '[')
        {
            _at++;
            return TableKind.JsonArray;
        }

        return first is '{' or -1 or < ' ' or >= 0x80 ? TableKind.JsonLines : TableKind.Csv;
    }

    /// <summary>Next line without its end; null at the end of the stream.</summary>
    public Task<RawRow?> LineAsync(CancellationToken ct) => RowAsync(new LineScanner(), ct);

    /// <summary>Next CSV record, which may hold line breaks inside quotes.</summary>
    public Task<RawRow?> RecordAsync(CancellationToken ct) => RowAsync(new RecordScanner(), ct);

    /// <summary>Next element of a JSON array.</summary>
    public Task<RawRow?> ElementAsync(CancellationToken ct) => RowAsync(new ElementScanner(), ct);

    private async Task<RawRow?> RowAsync(IScanner scanner, CancellationToken ct)
    {
        _row.ResetWrittenCount();
        var (started, tooLong) = (false, false);
        while (true)
        {
            var next = await PeekAsync(ct);
            if (_isBroken)
            {
                _isBroken = false;
                return new RawRow(null, "truncated");
            }

            if (next < 0)
            {
                if (!started || scanner.IsBlank) return null;
                return tooLong ? new RawRow(null, "row-too-long") : new RawRow(_row.WrittenSpan.ToArray(), null);
            }

            started = true;
            _at++;
            switch (scanner.Step((byte)next))
            {
                case Step.Keep when _row.WrittenCount < maxRowBytes: _row.Write([(byte)next]); break;
                case Step.Keep: tooLong = true; break;
                case Step.End: return tooLong ? new RawRow(null, "row-too-long") : new RawRow(_row.WrittenSpan.ToArray(), null);
                case Step.Stop: return scanner.IsBlank ? null : new RawRow(_row.WrittenSpan.ToArray(), null);
                default: break;
            }
        }
    }

    private async ValueTask<int> PeekAsync(CancellationToken ct)
    {
        if (_at < _end) return _buffer[_at];
        try
        {
            (_at, _end) = (0, await input.ReadAsync(_buffer, ct));
        }
        catch (InvalidDataException)
        {
            // A damaged or cut gzip stream: the rows before it stand, then this is said once.
            (_at, _end, _isBroken) = (0, 0, true);
        }

        return _end == 0 ? -1 : _buffer[0];
    }

    private enum Step
    {
        Keep,
        Skip,
        End,
        Stop,
    }

    private interface IScanner
    {
        bool IsBlank { get; }

        Step Step(byte b);
    }

    private sealed class LineScanner : IScanner
    {
        public bool IsBlank => false;

        public Step Step(byte b) => b == '\n' ? RowSplitter.Step.End : b == '\r' ? RowSplitter.Step.Skip : RowSplitter.Step.Keep;
    }

    private sealed class RecordScanner : IScanner
    {
        private bool _quoted;

        public bool IsBlank => false;

        public Step Step(byte b)
        {
            if (b == '"') _quoted = !_quoted;
            return b == '\n' && !_quoted ? RowSplitter.Step.End : RowSplitter.Step.Keep;
        }
    }

    private sealed class ElementScanner : IScanner
    {
        private int _depth;
        private bool _quoted;
        private bool _escaped;
        private bool _any;

        public bool IsBlank => !_any;

        public Step Step(byte b)
        {
            if (_quoted)
            {
                if (_escaped) _escaped = false;
                else if (b == '\\') _escaped = true;
                else if (b == '"') _quoted = false;
                return RowSplitter.Step.Keep;
            }

            switch (b)
            {
                case (byte)'"': (_quoted, _any) = (true, true); break;
                case (byte)'{' or (byte)'[': (_depth, _any) = (_depth + 1, true); break;
                case (byte)'}': _depth--; break;
                case (byte)']' when _depth <= 0: return RowSplitter.Step.Stop;
                case (byte)']': _depth--; break;
                case (byte)',' when _depth <= 0: return _any ? RowSplitter.Step.End : RowSplitter.Step.Skip;
                case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' when _depth <= 0: return RowSplitter.Step.Skip;
                default: _any = true; break;
            }

            return RowSplitter.Step.Keep;
        }
    }
}
