using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Exceptions;

namespace Temporalio.StandIn;

/// <summary>Lists of runs, by filter.</summary>
internal sealed partial class Calls
{
    public async Task<WorkflowListPage> ListAsync(string query, byte[]? token, int pageSize)
    {
        var skip = token == null ? 0 : int.Parse(Encoding.ASCII.GetString(token), CultureInfo.InvariantCulture);
        var filter = await new ListFilter(query, name => engine.TypeOfAsync(Namespace, name, CancellationToken.None)).ParseAsync().ConfigureAwait(false);
        var rows = await engine.ReadAsync(
            ExecutionRow.Read,
            $"SELECT {ExecutionRow.Columns} FROM executions WHERE namespace = $1 AND ({filter.Sql}) ORDER BY start_time DESC, run_id LIMIT {pageSize + 1} OFFSET {skip}",
            [Namespace, .. filter.Values]).ConfigureAwait(false);
        var executions = rows.Take(pageSize).Select(r => new WorkflowExecution(r, client.Options.DataConverter)).ToArray();
        return new(executions, rows.Count <= pageSize ? null : Encoding.ASCII.GetBytes((skip + pageSize).ToString(CultureInfo.InvariantCulture)));
    }

    public async Task<long> CountAsync(string query)
    {
        var filter = await new ListFilter(query, name => engine.TypeOfAsync(Namespace, name, CancellationToken.None)).ParseAsync().ConfigureAwait(false);
        var rows = await engine.ReadAsync(
            r => r.GetInt64(0), $"SELECT count(*) FROM executions WHERE namespace = $1 AND ({filter.Sql})", [Namespace, .. filter.Values]).ConfigureAwait(false);
        return rows[0];
    }
}

/// <summary>
/// Reads a list filter, the service's part of SQL: comparisons, IN, BETWEEN, IS NULL and STARTS_WITH, joined by AND, OR, NOT and parentheses. What a run lacks
/// is NULL, of which no comparison is true.
/// </summary>
/// <param name="typeOf">The type of a search attribute; null when there is none of that name.</param>
internal sealed partial class ListFilter(string query, Func<string, Task<IndexedValueType?>> typeOf)
{
    private readonly List<Match> tokens = [.. Token().Matches(query).Where(m => m.Length > 0)];
    private readonly List<object> values = [];
    private int next;

    /// <exception cref="RpcException">The filter cannot be read, or asks for what is not there.</exception>
    public async Task<(string Sql, object[] Values)> ParseAsync()
    {
        if (tokens.Count == 0)
        {
            return ("true", []);
        }
        var sql = await OrAsync().ConfigureAwait(false);
        return next == tokens.Count ? (sql, [.. values]) : throw Invalid($"malformed SQL query: cannot read '{query[tokens[next].Index..]}'");
    }

    private async Task<string> OrAsync()
    {
        var sql = await AndAsync().ConfigureAwait(false);
        while (Take("OR"))
        {
            sql = $"{sql} OR {await AndAsync().ConfigureAwait(false)}";
        }
        return sql;
    }

    private async Task<string> AndAsync()
    {
        var sql = await TermAsync().ConfigureAwait(false);
        while (Take("AND"))
        {
            sql = $"{sql} AND {await TermAsync().ConfigureAwait(false)}";
        }
        return sql;
    }

    private async Task<string> TermAsync()
    {
        if (Take("NOT"))
        {
            return $"NOT ({await TermAsync().ConfigureAwait(false)})";
        }
        if (!Take("("))
        {
            return await ComparisonAsync().ConfigureAwait(false);
        }
        var inner = await OrAsync().ConfigureAwait(false);
        Expect(")");
        return $"({inner})";
    }

    private async Task<string> ComparisonAsync()
    {
        var name = next < tokens.Count && tokens[next].Groups["name"] is { Success: true, Value: var found }
            ? found.Trim('`')
            : throw Invalid("invalid expression: must be a column name");
        next++;
        if (!Engine.OwnAttributes.TryGetValue(name, out var column))
        {
            var type = await typeOf(name).ConfigureAwait(false) ?? throw Invalid($"invalid expression: column name '{name}' is not a valid search attribute");
            var value = $"attributes -> {Parameter(name)} -> 'value'";
            column = (type switch
            {
                IndexedValueType.KeywordList => $"({value})",
                IndexedValueType.Int or IndexedValueType.Double => $"({value} #>> '{{}}')::numeric",
                IndexedValueType.Bool => $"({value} #>> '{{}}')::boolean",
                IndexedValueType.Datetime => $"({value} #>> '{{}}')::timestamptz",
                _ => $"({value} #>> '{{}}')",
            }, type);
        }
        if (Take("IS"))
        {
            var not = Take("NOT") ? " NOT" : string.Empty;
            Expect("NULL");
            return $"{column.Sql} IS{not} NULL";
        }
        var negated = Take("NOT") ? "NOT " : string.Empty;
        var sign = next < tokens.Count ? tokens[next++].Value.Trim().ToUpperInvariant().Replace("<>", "!=", StringComparison.Ordinal) : string.Empty;
        var allowed = column.Type switch
        {
            _ when negated.Length > 0 && sign is not ("IN" or "STARTS_WITH" or "BETWEEN") => false,
            IndexedValueType.Text => sign is "=" or "!=",
            IndexedValueType.KeywordList => sign is "=" or "!=" or "IN",
            IndexedValueType.Keyword => sign is "=" or "!=" or "<" or ">" or "<=" or ">=" or "IN" or "STARTS_WITH" or "BETWEEN",
            IndexedValueType.Bool => sign is "=" or "!=" or "IN",
            _ => sign is "=" or "!=" or "<" or ">" or "<=" or ">=" or "IN" or "BETWEEN",
        };
        if (!allowed)
        {
            throw Invalid($"operation is not supported: operator '{negated}{sign}' not supported for {column.Type} type search attribute '{name}'");
        }
        if (sign == "BETWEEN")
        {
            var from = Value(name, column.Type);
            Expect("AND");
            return $"{negated}({column.Sql} BETWEEN {Parameter(from)} AND {Parameter(Value(name, column.Type))})";
        }
        var among = new List<string>();
        if (sign == "IN")
        {
            Expect("(");
            do
            {
                among.Add(Compare("=", Value(name, column.Type)));
            }
            while (Take(","));
            Expect(")");
            return $"{negated}({string.Join(" OR ", among)})";
        }
        return negated + Compare(sign, Value(name, column.Type));

        string Compare(string sign, object value) => (column.Type, sign) switch
        {
            (IndexedValueType.KeywordList, "=") => $"jsonb_exists({column.Sql}, {Parameter(value)})",
            (IndexedValueType.KeywordList, _) => $"NOT jsonb_exists({column.Sql}, {Parameter(value)})",
            (IndexedValueType.Text, "=") => Words(value),
            (IndexedValueType.Text, _) => $"NOT {Words(value)}",
            (_, "STARTS_WITH") => $"starts_with({column.Sql}, {Parameter(value)})",
            _ => $"{column.Sql} {sign} {Parameter(value)}",
        };

        // A text is found by any of the words.
        string Words(object value) =>
            $"(to_tsvector('simple', {column.Sql}) @@ replace(plainto_tsquery('simple', {Parameter(value)})::text, '&', '|')::tsquery)";
    }

    private object Value(string name, IndexedValueType type)
    {
        var groups = next < tokens.Count ? tokens[next++].Groups : throw Invalid("malformed SQL query: unexpected end");
        if (groups["name"].Success && type != IndexedValueType.Bool)
        {
            throw Invalid($"operation is not supported: column name on the right side of comparison expression (did you forget to quote '{groups["name"].Value}'?)");
        }
        var quoted = groups["text"].Success;
        var text = quoted ? Escape().Replace(groups["text"].Value[1..^1], m => m.Value[1..]) : groups[0].Value.Trim();
        object? value = (name, type) switch
        {
            ("ExecutionStatus", _) => Enum.TryParse<WorkflowExecutionStatus>(text, out var status) && Enum.IsDefined(status) ? (short)status : null,
            (_, IndexedValueType.Bool) => !quoted && bool.TryParse(text, out var flag) ? flag : null,
            (_, IndexedValueType.Int or IndexedValueType.Double) =>
                !quoted && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null,
            (_, IndexedValueType.Datetime) => quoted && DateTime.TryParse(
                text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal, out var time) ? time : null,
            _ => quoted ? text : null,
        };
        return value ?? throw Invalid($"invalid expression: invalid value for search attribute {name} of type {type}: {text}");
    }

    private string Parameter(object value)
    {
        values.Add(value);
        return $"${values.Count + 1}";
    }

    private bool Take(string word)
    {
        var there = next < tokens.Count && string.Equals(tokens[next].Value.Trim(), word, StringComparison.OrdinalIgnoreCase);
        next += there ? 1 : 0;
        return there;
    }

    private void Expect(string word)
    {
        if (!Take(word))
        {
            throw Invalid($"malformed SQL query: expected {word}");
        }
    }

    private static RpcException Invalid(string message) => new(RpcException.StatusCode.InvalidArgument, $"invalid query: {message}", null);

    [GeneratedRegex("""\s*(?:(?<text>'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*")|(?<name>`[^`]+`|[A-Za-z_][A-Za-z0-9_]*)|[-+]?[0-9.][0-9.eE+-]*|!=|<>|>=|<=|\S)""")]
    private static partial Regex Token();

    [GeneratedRegex("""''|""|\\.""")]
    private static partial Regex Escape();
}
