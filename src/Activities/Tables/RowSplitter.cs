using System.Buffers;

namespace XInstruct.Activities.Tables;

/// <summary>Bytes of one row, or why there are none.</summary>
/// <param name="Bytes">The row; empty for a row that is only a problem.</param>
/// <param name="Problem">Why the row cannot be read.</param>
internal readonly record struct RawRow(byte[] Bytes, string? Problem);

/// <summary>What a scanner made of the bytes it saw.</summary>
/// <param name="Consumed">Bytes it is done with.</param>
/// <param name="From">First byte that belongs to the row.</param>
/// <param name="To">End of the bytes that belong to the row.</param>
/// <param name="IsEnd">The row ends here.</param>
internal readonly record struct Cut(int Consumed, int From, int To, bool IsEnd)
{
    /// <summary>So many of the row's last bytes are the next row's first.</summary>
    public int Back { get; init; }
}

/// <summary>Finds where a row ends; fed with one stretch of bytes after the other, it keeps its state between them.</summary>
internal interface IRowScanner
{
    /// <summary>Told that the input ends inside a row: what that means, null when the row simply ends there.</summary>
    string? Finish();

    /// <summary>The table ended although its bytes go on.</summary>
    bool IsStopped { get; }

    /// <summary>Looks at the next bytes, at least one.</summary>
    Cut Feed(ReadOnlySpan<byte> bytes);
}

/// <summary>Cuts a window over bytes into rows and never holds more than the longest allowed one.</summary>
internal sealed class RowSplitter(ByteWindow window, int maxRowBytes)
{
    private readonly ArrayBufferWriter<byte> _row = new();

    /// <summary>Next row; null at the end.</summary>
    public async ValueTask<RawRow?> NextAsync(IRowScanner scanner, CancellationToken ct)
    {
        _row.ResetWrittenCount();
        var (started, tooLong) = (false, false);
        while (await window.FillAsync(1, ct))
        {
            var cut = scanner.Feed(window.Ahead);
            var length = cut.To - cut.From;
            started |= length > 0;
            tooLong |= _row.WrittenCount + length > maxRowBytes;
            if (!tooLong) _row.Write(window.Ahead[cut.From..cut.To]);
            window.Advance(cut.Consumed);
            if (cut.Back > 0 && !tooLong)
            {
                var row = _row.WrittenSpan.ToArray();
                window.PushBack(row[^cut.Back..]);
                return new RawRow(row[..^cut.Back], null);
            }

            if (cut.IsEnd) return Row(tooLong, null);
            if (scanner.IsStopped) return null;
        }

        if (!started) return null;
        return window.IsBroken ? Row(tooLong, "truncated") : Row(tooLong, scanner.Finish());
    }

    private RawRow Row(bool tooLong, string? problem) => tooLong ? new RawRow([], "row-too-long") : new RawRow(_row.WrittenSpan.ToArray(), problem);
}

/// <summary>A row is a line.</summary>
internal sealed class LineScanner : IRowScanner
{
    public string? Finish() => null;

    public bool IsStopped => false;

    public Cut Feed(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)'\n');
        return end < 0 ? new Cut(bytes.Length, 0, bytes.Length, false) : new Cut(end + 1, 0, end, true);
    }
}
