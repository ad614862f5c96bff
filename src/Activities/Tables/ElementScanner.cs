namespace XInstruct.Activities.Tables;

/// <summary>
/// A row is an element of a JSON array. Damage stays in its element where the bytes show where the next one begins: a line break inside a string,
/// which JSON forbids, closes the string; a missing comma is overlooked; two commas enclose an empty row; an object where a key must stand begins the
/// next element; a closing bracket closes what was left open inside its own; a string that runs into the next element's first key ends before it.
/// </summary>
internal sealed class ElementScanner : IRowScanner
{
    private readonly BracketStack _open = new();
    private readonly SeamFinder _seam = new();
    private bool _inElement;
    private bool _inString;
    private bool _escaped;
    private bool _wantsComma;
    private bool _mayBeStopped;
    private byte _last;

    /// <summary>The closing bracket of the array was seen.</summary>
    public bool IsStopped { get; private set; }

    public string? Finish()
    {
        IsStopped = _mayBeStopped;
        return _mayBeStopped ? null : "truncated";
    }

    public Cut Feed(ReadOnlySpan<byte> bytes)
    {
        var from = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            var b = bytes[i];
            var isSpace = b is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n';
            if (!_inElement)
            {
                from = i + 1;
                if (isSpace) continue;
                if (b == ']')
                {
                    IsStopped = true;
                    return new Cut(i + 1, i, i, false);
                }

                if (b == ',')
                {
                    if (!_wantsComma) return new Cut(i + 1, i, i, true);
                    _wantsComma = false;
                    continue;
                }

                Begin();
                from = i;
            }

            _seam.Next(b, isSpace, _inString);
            if (_inString)
            {
                InString(b);
                if (!_inString && _open.IsEmpty && b == '"') return End(from, i + 1, i + 1);
                continue;
            }

            if (isSpace) continue;
            _mayBeStopped = false;
            // After a string comes a colon, a comma or a bracket. Anything else: its quotes were not a pair.
            if (_last == '"' && b is not ((byte)':' or (byte)',' or (byte)'}' or (byte)']') && _seam.Behind is > 0 and var back)
            {
                return End(from, i + 1, i + 1) with { Back = back };
            }

            switch (b)
            {
                case (byte)'"': _inString = true; break;
                case (byte)'{' when _open.IsInObject && _last is (byte)',' or (byte)'}' or (byte)']':
                    // A key must stand here: the element lacks its closing brace.
                    return End(from, i, i);
                case (byte)'{': _open.Open(isObject: true); break;
                case (byte)'[': _open.Open(isObject: false); break;
                case (byte)'}' or (byte)']':
                    var isOwn = _open.Close(isObject: b == '}');
                    // A bracket that the element never opened is the array's own, unless the array goes on.
                    if (!isOwn && b == ']' && _open.IsEmpty) return End(from, i, i);
                    if (_open.IsEmpty) return End(from, i + 1, i + 1);
                    _mayBeStopped = !isOwn && b == ']';
                    break;
                case (byte)',' when _open.IsEmpty: return End(from, i, i);
                default: break;
            }

            _last = b;
        }

        return new Cut(bytes.Length, Math.Min(from, bytes.Length), bytes.Length, false);
    }

    private void Begin()
    {
        _mayBeStopped = false;
        (_inElement, _inString, _escaped, _last) = (true, false, false, 0);
        _open.Clear();
        _seam.Clear();
    }

    private Cut End(int from, int to, int consumed)
    {
        (_inElement, _wantsComma) = (false, true);
        return new Cut(consumed, from, to, true);
    }

    private void InString(byte b)
    {
        if (b == '\n') (_inString, _escaped) = (false, false);
        else if (_escaped) _escaped = false;
        else if (b == '\\') _escaped = true;
        else if (b == '"') (_inString, _last) = (false, b);
    }
}
