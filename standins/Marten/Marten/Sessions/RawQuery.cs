using System.Globalization;
using Marten.Storage;
using Npgsql;

namespace Marten.Sessions;

/// <summary>SQL with placeholders.</summary>
internal static class RawSql
{
    public static NpgsqlBatchCommand Command(char placeholder, string sql, IReadOnlyList<object?> parameters)
    {
        var parts = sql.Split(placeholder);
        if (parts.Length - 1 != parameters.Count)
        {
            throw new InvalidOperationException($"The SQL '{sql}' has {parts.Length - 1} placeholders and {parameters.Count} parameters.");
        }

        var command = new NpgsqlBatchCommand(string.Concat(parts.Select((part, i) => i == 0 ? part : $"${i.ToString(CultureInfo.InvariantCulture)}{part}")));
        foreach (var parameter in parameters) command.Parameters.Add(new NpgsqlParameter { Value = parameter ?? DBNull.Value });
        return command;
    }
}

/// <summary>The caller's SQL: a whole select, or what follows "select … from the document table".</summary>
internal sealed class RawQuery<T>(QuerySession session, char placeholder, string sql, object[] parameters)
{
    private static readonly HashSet<Type> Scalars =
    [
        typeof(string), typeof(int), typeof(long), typeof(short), typeof(bool), typeof(double), typeof(float), typeof(decimal), typeof(Guid), typeof(DateTime), typeof(DateTimeOffset),
    ];

    private readonly bool _whole = sql.TrimStart().StartsWith("select", StringComparison.OrdinalIgnoreCase) || sql.TrimStart().StartsWith("with", StringComparison.OrdinalIgnoreCase);

    private DocumentMapping? Mapping => Scalars.Contains(typeof(T)) ? null : session.Options.Schema.MappingOf(typeof(T));

    public ValueTask EnsureAsync(CancellationToken ct) => !_whole && Mapping is { } mapping ? session.Schema.EnsureDocumentAsync(mapping, ct) : ValueTask.CompletedTask;

    public NpgsqlBatchCommand Command()
    {
        if (_whole) return RawSql.Command(placeholder, sql, parameters);
        var mapping = Mapping ?? throw new InvalidOperationException($"'{sql}' is no select.");
        var rest = sql.TrimStart();
        var needsWhere = !rest.StartsWith("where", StringComparison.OrdinalIgnoreCase) && !rest.StartsWith("order", StringComparison.OrdinalIgnoreCase)
            && !rest.Contains(" where ", StringComparison.OrdinalIgnoreCase);
        return RawSql.Command(placeholder, $"select d.data from {mapping.Table} as d {(needsWhere ? "where " : "")}{rest}", parameters);
    }

    public async Task<IReadOnlyList<T>> ReadAsync(NpgsqlDataReader reader, CancellationToken ct)
    {
        var rows = new List<T>();
        var scalar = Scalars.Contains(typeof(T));
        var column = 0;
        for (var i = 0; !scalar && i < reader.FieldCount; i++)
        {
            if (reader.GetName(i) == "data") column = i;
        }

        while (await reader.ReadAsync(ct)) rows.Add(scalar ? reader.GetFieldValue<T>(0) : session.Options.Json.Read<T>(reader.GetFieldValue<byte[]>(column)));
        return rows;
    }
}
