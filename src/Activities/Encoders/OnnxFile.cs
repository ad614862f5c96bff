using System.Text;

namespace XInstruct.Activities.Encoders;

/// <summary>
/// Reads of a <c>.onnx</c> file which other files hold its weights, without loading any. The file is one protobuf message, ModelProto
/// (github.com/onnx/onnx, onnx/onnx.proto); numbers below are its fields.
/// </summary>
internal sealed class OnnxFile
{
    private const int MaxDepth = 100;
    private const int MaxNameBytes = 4096;

    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    // Of each kind of message, the fields that are messages on the way to a tensor's external data.
    private static readonly Dictionary<string, (int Field, string Kind)[]> Ways = new(StringComparer.Ordinal)
    {
        ["model"] = [(7, "graph"), (25, "function")],
        ["graph"] = [(1, "node"), (5, "tensor"), (15, "sparse")],
        ["function"] = [(7, "node"), (11, "attribute")],
        ["node"] = [(5, "attribute")],
        ["attribute"] = [(5, "tensor"), (6, "graph"), (10, "tensor"), (11, "graph"), (22, "sparse"), (23, "sparse")],
        ["sparse"] = [(1, "tensor"), (2, "tensor")],
        ["tensor"] = [(13, "entry")],
        ["entry"] = [],
    };

    private readonly string _path;
    private readonly BufferedStream _stream;
    private readonly SortedSet<string> _external = new(StringComparer.Ordinal);

    private OnnxFile(string path, Stream stream) => (_path, _stream) = (path, new BufferedStream(stream, 1 << 16));

    /// <summary>Names of the files beside <paramref name="path"/> that hold weights.</summary>
    /// <exception cref="EncoderException">It is no such file, is cut off, or names a file in another folder.</exception>
    public static IReadOnlyCollection<string> ExternalFiles(string path)
    {
        using var stream = File.OpenRead(path);
        var file = new OnnxFile(path, stream);
        if (stream.Length == 0) throw file.Error(0, "is empty");
        file.Message("model", stream.Length, 0);
        return file._external;
    }

    private void Message(string kind, long end, int depth)
    {
        if (depth > MaxDepth) throw Error(_stream.Position, "nests too deeply");
        string key = "", value = "";
        while (_stream.Position < end)
        {
            var at = _stream.Position;
            var tag = Varint(end);
            var (field, type) = ((int)(tag >> 3 & 0x1FFF_FFFF), (int)(tag & 7));
            var length = type switch
            {
                0 => Skipped(end),
                1 => 8,
                2 => (long)Math.Min(Varint(end), long.MaxValue),
                5 => 4,
                _ => throw Error(at, $"has a field of the kind {type}, which protobuf has not"),
            };
            if (field == 0 || length > end - _stream.Position) throw Error(at, $"is cut off or damaged: a field of {length} bytes, with {end - _stream.Position} left");
            var next = _stream.Position + length;
            if (type == 2 && kind == "entry" && field == 1) key = Text(length);
            else if (type == 2 && kind == "entry" && field == 2) value = Text(length);
            else if (type == 2 && Array.Find(Ways[kind], w => w.Field == field).Kind is { } inner) Message(inner, next, depth + 1);
            _stream.Position = next;
        }

        if (kind == "entry" && key == "location") _external.Add(Plain(value));
    }

    /// <summary>A name that stays in the folder.</summary>
    private string Plain(string name)
    {
        if (name.Length == 0 || name is "." or ".." || name.AsSpan().ContainsAny('/', '\\', '\0') || name == Path.GetFileName(_path))
            throw new EncoderException($"{_path}: the external data '{name}' is no name of a file beside it.");
        return name;
    }

    private string Text(long length)
    {
        if (length > MaxNameBytes) throw Error(_stream.Position, $"has a name of {length} bytes");
        var bytes = new byte[length];
        _stream.ReadExactly(bytes);
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Error(_stream.Position, "has a name that is not UTF-8");
        }
    }

    private long Skipped(long end)
    {
        Varint(end);
        return 0;
    }

    private ulong Varint(long end)
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (_stream.Position >= end || _stream.ReadByte() is not (>= 0 and var part)) throw Error(_stream.Position, "is cut off");
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80) return value;
        }

        throw Error(_stream.Position, "has a number of more than 64 bits");
    }

    private EncoderException Error(long at, string problem) => new($"{_path}: {problem} (at byte {at}); it is no ONNX model.");
}
