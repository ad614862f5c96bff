namespace XInstruct.Activities.Tables;

/// <summary>Kinds of tables.</summary>
internal enum TableKind
{
    JsonLines,
    JsonArray,
    Csv,
}

/// <summary>Tells a table's kind from its first bytes, so that a bad first row does not turn JSONL into CSV.</summary>
internal static class TableFormat
{
    /// <summary>Kind of the table that begins with <paramref name="head"/>, which may be cut anywhere.</summary>
    public static TableKind Of(ReadOnlySpan<byte> head)
    {
        var start = head.TrimStart(" \t\r\n"u8);
        if (start.IsEmpty) return TableKind.JsonLines;
        if (start[0] == '[' && !IsLineOfItsOwn(start)) return TableKind.JsonArray;
        if (start[0] is (byte)'{' or (byte)'[') return TableKind.JsonLines;
        // Neither: JSONL with bad rows at its beginning, or CSV. Lines of JSONL begin with a brace.
        var (objects, others) = (0, 0);
        while (!start.IsEmpty)
        {
            var end = start.IndexOf((byte)'\n');
            var line = (end < 0 ? start : start[..end]).Trim(" \t\r"u8);
            start = end < 0 ? default : start[(end + 1)..];
            if (line.IsEmpty) continue;
            if (line[0] == '{') objects++;
            else others++;
        }

        return objects >= others && objects > 0 ? TableKind.JsonLines : TableKind.Csv;
    }

    /// <summary>A bad JSONL row such as [1,2] or a lone bracket that objects follow, rather than the beginning of an array.</summary>
    private static bool IsLineOfItsOwn(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf((byte)'\n');
        if (end < 0) return false;
        var rest = text[end..].TrimStart(" \t\r\n"u8);
        if (text[..end].TrimEnd(" \t\r"u8).EndsWith("]"u8) && rest.StartsWith("{"u8)) return true;
        // An array with an object a line has a comma after each but the last.
        var (whole, joined) = (0, 0);
        foreach (var range in rest.Split((byte)'\n'))
        {
            var line = rest[range].Trim(" \t\r"u8);
            if (!line.StartsWith("{"u8)) continue;
            if (line.EndsWith("}"u8)) whole++;
            else if (line.EndsWith("},"u8)) joined++;
        }

        return whole > joined + 1;
    }
}
