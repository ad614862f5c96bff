namespace XInstruct.Activities.Tables;

/// <summary>A row is a CSV record (RFC 4180): quotes open a field only at its beginning, and line breaks inside them belong to the field.</summary>
internal sealed class RecordScanner(byte delimiter) : IRowScanner
{
    private State _state = State.FieldStart;

    /// <summary>A quote was opened and never closed.</summary>
    public string? Finish() => _state == State.Quoted ? "bad-csv" : null;

    public bool IsStopped => false;

    public Cut Feed(ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            var b = bytes[i];
            if (_state == State.Quoted)
            {
                if (b == '"') _state = State.QuoteInQuoted;
            }
            else if (b == '\n')
            {
                _state = State.FieldStart;
                return new Cut(i + 1, 0, i, true);
            }
            else
            {
                _state = (b, _state) switch
                {
                    ((byte)'"', State.FieldStart or State.QuoteInQuoted) => State.Quoted,
                    _ when b == delimiter => State.FieldStart,
                    _ => State.Plain,
                };
            }
        }

        return new Cut(bytes.Length, 0, bytes.Length, false);
    }

    /// <summary>Begins a new record.</summary>
    public void Reset() => _state = State.FieldStart;

    private enum State
    {
        FieldStart,
        Plain,
        Quoted,
        QuoteInQuoted,
    }
}
