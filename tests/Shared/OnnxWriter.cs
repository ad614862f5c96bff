using System.Buffers.Binary;
using System.Text;

namespace XInstruct.Tests;

/// <summary>Writes ONNX models byte by byte: protobuf messages whose field numbers are those of onnx/onnx.proto.</summary>
public sealed class OnnxWriter
{
    /// <summary>TensorProto.DataType.</summary>
    public const int Float = 1;

    /// <summary>TensorProto.DataType.</summary>
    public const int Int32 = 6;

    /// <summary>TensorProto.DataType.</summary>
    public const int Int64 = 7;

    private readonly List<byte> _bytes = [];

    /// <summary>A model of one graph whose parts are given as fields: 1 node, 5 initializer, 11 input, 12 output.</summary>
    public static byte[] Model(params (int Field, OnnxWriter Part)[] parts)
    {
        var graph = new OnnxWriter().Text(2, "graph");
        foreach (var (field, part) in parts) graph.Message(field, part);
        return [.. new OnnxWriter().Number(1, 8).Message(8, new OnnxWriter().Number(2, 13)).Message(7, graph)._bytes];
    }

    /// <summary>A node with at most one attribute, a whole number.</summary>
    public static (int, OnnxWriter) Node(string operation, string[] inputs, string output, string? attribute = null, long value = 0)
    {
        var node = new OnnxWriter();
        foreach (var input in inputs) node.Text(1, input);
        node.Text(2, output).Text(4, operation);
        if (attribute is not null) node.Message(5, new OnnxWriter().Text(1, attribute).Number(3, value).Number(20, 2));
        return (1, node);
    }

    /// <summary>A tensor of weights; in another file when <paramref name="file"/> names one.</summary>
    public static (int, OnnxWriter) Weights(string name, long[] shape, float[] values, string? file = null)
    {
        var tensor = Shape(name, shape, Float);
        return (5, file is null
            ? tensor.Bytes(9, Raw(values))
            : tensor.Message(13, new OnnxWriter().Text(1, "location").Text(2, file)).Number(14, 1));
    }

    /// <summary>A tensor of whole numbers.</summary>
    public static (int, OnnxWriter) Numbers(string name, long[] shape, params long[] values)
    {
        var raw = new byte[values.Length * 8];
        for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(raw.AsSpan(i * 8), values[i]);
        return (5, Shape(name, shape, Int64).Bytes(9, raw));
    }

    /// <summary>An input; a text is a dimension's name.</summary>
    public static (int, OnnxWriter) Input(string name, int type, params object[] shape) => (11, Value(name, type, shape));

    /// <summary>An output.</summary>
    public static (int, OnnxWriter) Output(string name, int type, params object[] shape) => (12, Value(name, type, shape));

    /// <summary>The bytes of 32-bit floats.</summary>
    public static byte[] Raw(float[] values)
    {
        var raw = new byte[values.Length * 4];
        for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(raw.AsSpan(i * 4), values[i]);
        return raw;
    }

    private static OnnxWriter Shape(string name, long[] shape, int type)
    {
        var tensor = new OnnxWriter();
        foreach (var dimension in shape) tensor.Number(1, dimension);
        return tensor.Number(2, type).Text(8, name);
    }

    private static OnnxWriter Value(string name, int type, object[] shape)
    {
        var dimensions = new OnnxWriter();
        foreach (var d in shape) dimensions.Message(1, d is int size ? new OnnxWriter().Number(1, size) : new OnnxWriter().Text(2, (string)d));
        return new OnnxWriter().Text(1, name).Message(2, new OnnxWriter().Message(1, new OnnxWriter().Number(1, type).Message(2, dimensions)));
    }

    private OnnxWriter Message(int field, OnnxWriter message) => Bytes(field, [.. message._bytes]);

    private OnnxWriter Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

    private OnnxWriter Bytes(int field, byte[] bytes)
    {
        Varint((uint)((field << 3) | 2));
        Varint((uint)bytes.Length);
        _bytes.AddRange(bytes);
        return this;
    }

    private OnnxWriter Number(int field, long value)
    {
        Varint((uint)(field << 3));
        Varint((ulong)value);
        return this;
    }

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) _bytes.Add((byte)(value | 0x80));
        _bytes.Add((byte)value);
    }
}
