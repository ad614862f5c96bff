using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using XInstruct.Activities.Releases;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Exports;

/// <summary>Writes rows to a stream in one format: UTF-8 without a mark, lines that end in LF, the same bytes for the same rows.</summary>
internal abstract class RowWriter(Stream output)
{
    protected Stream Output => output;

    public abstract void Write(ReleaseRow row);

    /// <summary>Writes what stands behind the last row.</summary>
    public virtual void End()
    {
    }

    protected void Write(string text) => output.Write(Encoding.UTF8.GetBytes(text));
}

/// <summary>One JSON object a line.</summary>
internal sealed class JsonLinesWriter(Stream output) : RowWriter(output)
{
    public override void Write(ReleaseRow row) => Write(JsonSerializer.Serialize(row, EventJson.Options) + "\n");
}

/// <summary>One JSON array, an element a line.</summary>
internal sealed class JsonArrayWriter(Stream output, Func<ReleaseRow, object> element) : RowWriter(output)
{
    private bool _isFirst = true;

    public override void Write(ReleaseRow row)
    {
        Write((_isFirst ? "[\n" : ",\n") + JsonSerializer.Serialize(element(row), EventJson.Options));
        _isFirst = false;
    }

    public override void End() => Write(_isFirst ? "[]\n" : "\n]\n");
}

/// <summary>CSV (RFC 4180, but for LF): comma, a header, quotes where a field needs them.</summary>
internal sealed class CsvWriter : RowWriter
{
    private static readonly SearchValues<char> Special = SearchValues.Create(",\"\r\n");

    public CsvWriter(Stream output)
        : base(output) => WriteFields(ReleaseColumn.All.Select(c => c.Name));

    public override void Write(ReleaseRow row) =>
        WriteFields(ReleaseColumn.All.Select(c => Convert.ToString(c.Value(row), CultureInfo.InvariantCulture)!));

    /// <summary>A line of fields.</summary>
    public static string Line(IEnumerable<string> fields) => string.Join(',', fields.Select(Field)) + "\n";

    private void WriteFields(IEnumerable<string> fields) => Write(Line(fields));

    // Readers such as pandas take a bare field with white space around it, or none, for something else.
    private static string Field(string text) =>
        text.AsSpan().ContainsAny(Special) || text.Length == 0 || text.Length != text.AsSpan().Trim().Length
            ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
            : text;
}
