using System.Globalization;
using System.Text.Json;
using XInstruct.Activities.Releases;

namespace XInstruct.Activities.Exports;

/// <summary>What a column holds.</summary>
internal enum ColumnType
{
    Text,
    Integer,
    Number,
}

/// <summary>A column of a release as a table: the members of its rows, in their order and under the names that they have in JSON.</summary>
/// <param name="Name">Name.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Value">A row's value: string, long or double.</param>
internal sealed record ReleaseColumn(string Name, ColumnType Kind, Func<ReleaseRow, object> Value)
{
    /// <summary>All columns.</summary>
    public static IReadOnlyList<ReleaseColumn> All { get; } =
    [
        .. typeof(ReleaseRow).GetProperties().Select(p =>
        {
            var name = JsonNamingPolicy.CamelCase.ConvertName(p.Name);
            object Read(ReleaseRow row) => p.GetValue(row)!;
            return Type.GetTypeCode(p.PropertyType) switch
            {
                TypeCode.Int32 or TypeCode.Int64 => new ReleaseColumn(name, ColumnType.Integer, r => Convert.ToInt64(Read(r), CultureInfo.InvariantCulture)),
                TypeCode.Double => new ReleaseColumn(name, ColumnType.Number, Read),
                _ => new ReleaseColumn(name, ColumnType.Text, r => Read(r).ToString()!),
            };
        }),
    ];
}
