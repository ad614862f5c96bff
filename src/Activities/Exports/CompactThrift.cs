using System.Buffers;
using System.Text;

namespace XInstruct.Activities.Exports;

/// <summary>Thrift's compact protocol, as far as Parquet's headers and footer need it (github.com/apache/thrift, doc/specs/thrift-compact-protocol.md).</summary>
internal sealed class CompactThrift(ArrayBufferWriter<byte> output)
{
    private const byte Int32 = 5;
    private const byte Int64 = 6;
    private const byte Binary = 8;
    private const byte List = 9;
    private const byte Struct = 12;
    private int _field;

    public CompactThrift Int(int field, int value) => Number(field, Int32, value);

    public CompactThrift Long(int field, long value) => Number(field, Int64, value);

    public CompactThrift Text(int field, string value)
    {
        Header(field, Binary);
        Text(value);
        return this;
    }

    /// <summary>A struct whose fields <paramref name="write"/> writes in the order of their numbers.</summary>
    public CompactThrift Nested(int field, Action<CompactThrift> write)
    {
        Header(field, Struct);
        Fields(write);
        return this;
    }

    public CompactThrift Ints(int field, params ReadOnlySpan<int> values)
    {
        ListHeader(field, Int32, values.Length);
        foreach (var value in values) Varint(ZigZag(value));
        return this;
    }

    public CompactThrift Texts(int field, string value)
    {
        ListHeader(field, Binary, 1);
        Text(value);
        return this;
    }

    public CompactThrift Structs<T>(int field, IReadOnlyCollection<T> items, Action<CompactThrift, T> write)
    {
        ListHeader(field, Struct, items.Count);
        foreach (var item in items) Fields(t => write(t, item));
        return this;
    }

    /// <summary>A struct by itself: its fields and their end.</summary>
    public void Fields(Action<CompactThrift> write)
    {
        var outer = _field;
        _field = 0;
        write(this);
        Byte(0);
        _field = outer;
    }

    private CompactThrift Number(int field, byte type, long value)
    {
        Header(field, type);
        Varint(ZigZag(value));
        return this;
    }

    // Field numbers are written as their distance to the one before; Parquet's are never further apart than 15.
    private void Header(int field, byte type)
    {
        Byte((byte)(((field - _field) << 4) | type));
        _field = field;
    }

    private void ListHeader(int field, byte type, int count)
    {
        Header(field, List);
        Byte((byte)((Math.Min(count, 15) << 4) | type));
        if (count >= 15) Varint((ulong)count);
    }

    private void Text(string value)
    {
        Varint((ulong)Encoding.UTF8.GetByteCount(value));
        Encoding.UTF8.GetBytes(value, output);
    }

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) Byte((byte)(value | 0x80));
        Byte((byte)value);
    }

    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private void Byte(byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }
}
