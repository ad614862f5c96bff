using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using XInstruct.Activities.Releases;

namespace XInstruct.Activities.Exports;

/// <summary>
/// Apache Parquet (github.com/apache/parquet-format) of flat columns without nulls: plain values, one data page for each column of a row group,
/// no compression, so that a file's bytes follow from its rows alone, on every machine.
/// </summary>
internal sealed class ParquetWriter : RowWriter
{
    /// <summary>Rows of a group, all of which are in memory at a time.</summary>
    internal const int GroupRows = 5000;

    // Numbers of the format: Type, ConvertedType, Encoding, FieldRepetitionType, PageType and CompressionCodec.
    private const int Plain = 0;
    private const int RunLength = 3;
    private const int Required = 0;
    private const int DataPage = 0;
    private const int Uncompressed = 0;
    private const int Utf8 = 0;

    private readonly ArrayBufferWriter<byte>[] _values = [.. ReleaseColumn.All.Select(_ => new ArrayBufferWriter<byte>())];
    private readonly List<Group> _groups = [];
    private long _position;
    private int _rows;

    public ParquetWriter(Stream output)
        : base(output) => Put("PAR1"u8);

    private sealed record Chunk(ReleaseColumn Column, long Offset, long Bytes);

    private sealed record Group(IReadOnlyList<Chunk> Chunks, int Rows);

    public override void Write(ReleaseRow row)
    {
        foreach (var (column, values) in ReleaseColumn.All.Zip(_values)) Append(values, column.Value(row));
        if (++_rows == GroupRows) EndGroup();
    }

    public override void End()
    {
        if (_rows > 0) EndGroup();
        var footer = Thrift(file => file
            .Int(1, 1)
            .Structs(2, [null, .. ReleaseColumn.All], Schema)
            .Long(3, _groups.Sum(g => (long)g.Rows))
            .Structs(4, _groups, (t, group) => t
                .Structs(1, group.Chunks, (c, chunk) => c.Long(2, 0).Nested(3, m => Metadata(m, chunk, group.Rows)))
                .Long(2, group.Chunks.Sum(c => c.Bytes))
                .Long(3, group.Rows))
            .Text(6, "xinstruct"));
        Put(footer);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, footer.Length);
        Put(length);
        Put("PAR1"u8);
    }

    private static void Schema(CompactThrift schema, ReleaseColumn? column)
    {
        if (column is null) schema.Text(4, "schema").Int(5, ReleaseColumn.All.Count);
        else if (column.Kind != ColumnType.Text) schema.Int(1, PhysicalType(column)).Int(3, Required).Text(4, column.Name);
        else schema.Int(1, PhysicalType(column)).Int(3, Required).Text(4, column.Name).Int(6, Utf8).Nested(10, logical => logical.Nested(1, _ => { }));
    }

    private static void Metadata(CompactThrift metadata, Chunk chunk, int rows) => metadata
        .Int(1, PhysicalType(chunk.Column)).Ints(2, Plain, RunLength).Texts(3, chunk.Column.Name).Int(4, Uncompressed)
        .Long(5, rows).Long(6, chunk.Bytes).Long(7, chunk.Bytes).Long(9, chunk.Offset);

    private static int PhysicalType(ReleaseColumn column) => column.Kind switch
    {
        ColumnType.Integer => 2,
        ColumnType.Number => 5,
        _ => 6,
    };

    private static void Append(ArrayBufferWriter<byte> values, object value)
    {
        var text = value as string;
        var length = text is null ? 8 : 4 + Encoding.UTF8.GetByteCount(text);
        var target = values.GetSpan(length);
        if (value is long integer) BinaryPrimitives.WriteInt64LittleEndian(target, integer);
        else if (value is double number) BinaryPrimitives.WriteDoubleLittleEndian(target, number);
        else
        {
            BinaryPrimitives.WriteInt32LittleEndian(target, length - 4);
            Encoding.UTF8.GetBytes(text, target[4..]);
        }

        values.Advance(length);
    }

    private void EndGroup()
    {
        var chunks = new List<Chunk>(_values.Length);
        foreach (var (column, values) in ReleaseColumn.All.Zip(_values))
        {
            var offset = _position;
            var (size, rows) = (values.WrittenCount, _rows);
            Put(Thrift(page => page.Int(1, DataPage).Int(2, size).Int(3, size)
                .Nested(5, data => data.Int(1, rows).Int(2, Plain).Int(3, RunLength).Int(4, RunLength))));
            Put(values.WrittenSpan);
            values.ResetWrittenCount();
            chunks.Add(new Chunk(column, offset, _position - offset));
        }

        _groups.Add(new Group(chunks, _rows));
        _rows = 0;
    }

    private static byte[] Thrift(Action<CompactThrift> write)
    {
        var bytes = new ArrayBufferWriter<byte>();
        new CompactThrift(bytes).Fields(write);
        return bytes.WrittenSpan.ToArray();
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        Output.Write(bytes);
        _position += bytes.Length;
    }
}
