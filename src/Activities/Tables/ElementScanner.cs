namespace XInstruct.Activities.Tables;

/// <summary>
/// A row is an element of a JSON array. Recovers where it can: a line break inside a string, which JSON forbids, closes the string; a missing
/// comma is overlooked; two commas enclose an empty row.
/// </summary>
internal sealed class ElementScanner : IRowScanner
{
    private int _braces;
    private int _brackets;
    private bool _inElement;
    private bool _inString;
    private bool _escaped;
    private bool _wantsComma;

    public string? Unfinished => "truncated";

    /// <summary>The closing bracket of the array was seen.</summary>
    public bool IsStopped { get; private set; }

    public Cut Feed(ReadOnlySpan<byte> bytes)
    {
        var from = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            var b = bytes[i];
            if (!_inElement)
            {
                from = i + 1;
                if (b is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n') continue;
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

            if (_inString)
            {
                InString(b);
                if (!_inString && IsFlat && b == '"') return End(from, i + 1, i + 1);
                continue;
            }

            switch (b)
            {
                case (byte)'"': _inString = true; break;
                case (byte)'{': _braces++; break;
                case (byte)'[': _brackets++; break;
                // A bracket that the element never opened is the array's own.
                case (byte)']' when _brackets == 0: return End(from, i, i);
                case (byte)']':
                    _brackets--;
                    if (IsFlat) return End(from, i + 1, i + 1);
                    break;
                case (byte)'}':
                    _braces = Math.Max(0, _braces - 1);
                    if (IsFlat) return End(from, i + 1, i + 1);
                    break;
                case (byte)',' when IsFlat: return End(from, i, i);
                default: break;
            }
        }

        return new Cut(bytes.Length, Math.Min(from, bytes.Length), bytes.Length, false);
    }

    private bool IsFlat => _braces == 0 && _brackets == 0;

    private void Begin() => (_inElement, _inString, _escaped, _braces, _brackets) = (true, false, false, 0, 0);

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
        else if (b == '"') _inString = false;
    }
}
