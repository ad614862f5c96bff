namespace XInstruct.Activities.Tables;

/// <summary>Which braces and brackets are open, innermost last. Deeper than 64, only how many: no row may be nested that deep.</summary>
internal sealed class BracketStack
{
    private const int Known = 64;

    private ulong _objects;
    private int _depth;

    public bool IsEmpty => _depth == 0;

    /// <summary>The innermost is an object.</summary>
    public bool IsInObject => _depth is > 0 and <= Known && IsObject(_depth);

    public void Clear() => _depth = 0;

    public void Open(bool isObject)
    {
        _depth++;
        if (_depth > Known) return;
        var bit = 1UL << (_depth - 1);
        _objects = isObject ? _objects | bit : _objects & ~bit;
    }

    /// <summary>Closes the innermost one of a kind and whatever was left open inside it; false when none of that kind is open.</summary>
    public bool Close(bool isObject)
    {
        if (_depth > Known)
        {
            _depth--;
            return true;
        }

        var depth = _depth;
        while (depth > 0 && IsObject(depth) != isObject) depth--;
        if (depth == 0) return false;
        _depth = depth - 1;
        return true;
    }

    private bool IsObject(int depth) => (_objects & (1UL << (depth - 1))) != 0;
}
