namespace XInstruct.Activities.Tables;

/// <summary>
/// Looks for a string that ends with <c>},{</c>: most likely its own closing quote is missing, and what closed it opens the first key of the next
/// element. What follows the string tells.
/// </summary>
internal sealed class SeamFinder
{
    private State _state;
    private int _count;

    /// <summary>Bytes from the next element's brace up to the byte just seen, when that is the first after such a string; else 0.</summary>
    public int Behind => _state == State.After ? _count : 0;

    public void Clear() => _state = State.None;

    public void Next(byte b, bool isSpace, bool inString)
    {
        _count++;
        if (!inString)
        {
            if (_state == State.Closed) _state = isSpace ? State.Closed : State.After;
            else _state = State.None;
        }
        else if (b == '"')
        {
            // An escaped quote follows a backslash, which is no brace.
            _state = _state == State.Brace ? State.Closed : State.None;
        }
        else if (!isSpace)
        {
            _state = (b, _state) switch
            {
                ((byte)'}', _) => State.End,
                ((byte)',', State.End) => State.Comma,
                ((byte)'{', State.Comma) => State.Brace,
                _ => State.None,
            };
            if (_state == State.Brace) _count = 1;
        }
    }

    private enum State
    {
        None,
        End,
        Comma,
        Brace,
        Closed,
        After,
    }
}
