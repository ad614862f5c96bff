using System.Globalization;
using System.Text;
using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Exceptions;

namespace Temporalio.StandIn;

/// <summary>Lists: conditions joined by AND, on the built-in attributes and on search attributes.</summary>
internal sealed partial class Calls
{
    public async Task<WorkflowListPage> ListAsync(string query, byte[]? token, int pageSize)
    {
        var skip = token == null ? 0 : int.Parse(Encoding.ASCII.GetString(token), CultureInfo.InvariantCulture);
        var filter = ListFilter.Parse(query);
        var rows = await engine.ReadAsync(
            ExecutionRow.Read,
            $"SELECT {ExecutionRow.Columns} FROM executions WHERE namespace = $1{filter.Sql} ORDER BY start_time DESC, run_id LIMIT {pageSize + 1} OFFSET {skip}",
            [Namespace, .. filter.Values]).ConfigureAwait(false);
        var executions = rows.Take(pageSize).Select(r => new WorkflowExecution(r, client.Options.DataConverter)).ToArray();
        return new(executions, rows.Count <= pageSize ? null : Encoding.ASCII.GetBytes((skip + pageSize).ToString(CultureInfo.InvariantCulture)));
    }

    public async Task<long> CountAsync(string query)
    {
        var filter = ListFilter.Parse(query);
        var rows = await engine.ReadAsync(
            r => r.GetInt64(0), $"SELECT count(*) FROM executions WHERE namespace = $1{filter.Sql}", [Namespace, .. filter.Values]).ConfigureAwait(false);
        return rows[0];
    }
}

/// <summary>A list filter as SQL.</summary>
internal sealed partial record ListFilter(string Sql, object[] Values)
{
    private static readonly Dictionary<string, string> BuiltIn = new(StringComparer.Ordinal)
    {
        ["WorkflowId"] = "workflow_id",
        ["RunId"] = "run_id",
        ["WorkflowType"] = "workflow_type",
        ["TaskQueue"] = "task_queue",
        ["ExecutionStatus"] = "status",
        ["StartTime"] = "start_time",
        ["CloseTime"] = "close_time",
        ["ParentWorkflowId"] = "parent_id",
    };

    public static ListFilter Parse(string query)
    {
        var sql = new StringBuilder();
        var values = new List<object>();
        if (string.IsNullOrWhiteSpace(query))
        {
            return new(string.Empty, []);
        }
        var rest = query.Trim();
        while (true)
        {
            var match = Clause().Match(rest);
            if (!match.Success)
            {
                throw new RpcException(RpcException.StatusCode.InvalidArgument, $"invalid query: cannot read '{rest}'", null);
            }
            var name = match.Groups["name"].Value;
            var sqlOperator = match.Groups["op"].Value.ToUpperInvariant();
            var text = match.Groups["text"].Success ? match.Groups["text"].Value : match.Groups["bare"].Value;
            var parameter = $"${values.Count + 2}";
            if (!BuiltIn.TryGetValue(name, out var column))
            {
                values.Add(text);
                var attribute = $"attributes -> '{name}' -> 'value'";
                sql.Append(sqlOperator switch
                {
                    "=" => $" AND ({attribute} #>> '{{}}' = {parameter} OR {attribute} @> to_jsonb({parameter}::text))",
                    "!=" => $" AND ({attribute} #>> '{{}}' IS DISTINCT FROM {parameter})",
                    "STARTS_WITH" => $" AND starts_with({attribute} #>> '{{}}', {parameter})",
                    _ => $" AND ({attribute} #>> '{{}}')::numeric {sqlOperator} {parameter}::text::numeric",
                });
            }
            else if (sqlOperator == "STARTS_WITH")
            {
                values.Add(text);
                sql.Append($" AND starts_with({column}, {parameter})");
            }
            else
            {
                values.Add(column switch
                {
                    "status" => (short)(Enum.TryParse<WorkflowExecutionStatus>(text, out var status)
                        ? status
                        : throw new RpcException(RpcException.StatusCode.InvalidArgument, $"invalid query: unknown status '{text}'", null)),
                    "start_time" or "close_time" => DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal),
                    _ => text,
                });
                sql.Append($" AND {column} {sqlOperator} {parameter}");
            }
            rest = rest[match.Length..].TrimStart();
            if (rest.Length == 0)
            {
                return new(sql.ToString(), [.. values]);
            }
            if (!rest.StartsWith("AND ", StringComparison.OrdinalIgnoreCase))
            {
                throw new RpcException(RpcException.StatusCode.InvalidArgument, $"invalid query: expected AND at '{rest}'", null);
            }
            rest = rest[4..].TrimStart();
        }
    }

    [System.Text.RegularExpressions.GeneratedRegex(
        """^`?(?<name>[A-Za-z_][A-Za-z0-9_]*)`?\s*(?<op>!=|>=|<=|=|>|<|STARTS_WITH(?=\s))\s*(?:'(?<text>[^']*)'|"(?<text>[^"]*)"|(?<bare>[A-Za-z0-9_.+-]+))""",
        System.Text.RegularExpressions.RegexOptions.IgnoreCase)]
    private static partial System.Text.RegularExpressions.Regex Clause();
}
