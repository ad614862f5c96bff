namespace XInstruct.Activities.Jobs;

/// <summary>Lines of a file that we wrote, as bytes, with where they begin.</summary>
internal static class LineFile
{
    /// <summary>The lines in order, without their line feeds; what is given is good until the next is asked for.</summary>
    public static IEnumerable<(long Offset, ReadOnlyMemory<byte> Line)> Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        var buffer = new byte[1 << 20];
        var (begin, end, offset) = (0, 0, 0L);
        while (true)
        {
            var length = buffer.AsSpan(begin, end - begin).IndexOf((byte)'\n');
            if (length >= 0)
            {
                yield return (offset, buffer.AsMemory(begin, length));
                (begin, offset) = (begin + length + 1, offset + length + 1);
                continue;
            }

            buffer.AsSpan(begin, end - begin).CopyTo(buffer);
            (begin, end) = (0, end - begin);
            if (end == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
            var read = file.Read(buffer, end, buffer.Length - end);
            if (read == 0) break;
            end += read;
        }

        if (end > begin) yield return (offset, buffer.AsMemory(begin, end - begin));
    }
}
