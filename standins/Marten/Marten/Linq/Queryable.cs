using System.Collections;
using System.Linq.Expressions;
using Marten.Sessions;
using Npgsql;

namespace Marten.Linq;

/// <summary>A query over documents or events.</summary>
public interface IMartenQueryable<T> : IQueryable<T>;

internal sealed class MartenLinqQueryable<T>(MartenQueryProvider provider, Expression? expression = null) : IMartenQueryable<T>, IOrderedQueryable<T>
{
    public Type ElementType => typeof(T);

    public Expression Expression => expression ?? Expression.Constant(this);

    public IQueryProvider Provider => provider;

    public MartenQueryProvider Query => provider;

    public IEnumerator<T> GetEnumerator() => throw MartenQueryProvider.NoSynchronous();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>What a query asks for in the end.</summary>
internal enum Fetch
{
    Rows,
    Count,
    Any,
}

internal sealed class MartenQueryProvider(QuerySession session, QuerySource source) : IQueryProvider
{
    public QuerySession Session => session;

    public QuerySource Source => source;

    public static NotSupportedException NoSynchronous() => new("There are no synchronous queries; use the asynchronous operators.");

    public IQueryable CreateQuery(Expression expression) => throw new NotSupportedException();

    public IQueryable<TElement> CreateQuery<TElement>(Expression expression) => new MartenLinqQueryable<TElement>(this, expression);

    public object? Execute(Expression expression) => throw NoSynchronous();

    public TResult Execute<TResult>(Expression expression) => throw NoSynchronous();

    /// <summary>The SQL of a query.</summary>
    /// <param name="most">At most so many rows beside what the query says.</param>
    public NpgsqlBatchCommand Command(Expression expression, Fetch fetch, int? most = null)
    {
        var command = new NpgsqlBatchCommand();
        var parameters = new List<NpgsqlParameter>();
        var where = new WhereClause(source, session.Options.Json, parameters);
        var predicates = new List<string>();
        var orders = new List<string>();
        int? skip = null, take = null;
        var calls = new Stack<MethodCallExpression>();
        for (; expression is MethodCallExpression call; expression = call.Arguments[0]) calls.Push(call);
        foreach (var call in calls)
        {
            if ((skip ?? take) is not null && call.Method.Name is not ("Skip" or "Take")) throw new NotSupportedException($"{call.Method.Name} after Take or Skip is not built here.");
            switch (call.Method.Name)
            {
                case "Where":
                    predicates.Add(where.Translate(call.Arguments[1]));
                    break;
                case "OrderBy" or "OrderByDescending":
                    orders.Clear();
                    orders.Add(Order(call));
                    break;
                case "ThenBy" or "ThenByDescending":
                    orders.Add(Order(call));
                    break;
                case "Take":
                    take = (int)WhereClause.ValueOf(call.Arguments[1])!;
                    break;
                case "Skip" when take is null:
                    skip = (int)WhereClause.ValueOf(call.Arguments[1])!;
                    break;
                default:
                    throw new NotSupportedException($"'{call.Method.Name}' is not built here.");
            }
        }

        if (source.Unarchived is { } unarchived && !predicates.Exists(p => p.Contains(EventSource.Archived, StringComparison.Ordinal))) predicates.Add(unarchived);
        if (source.Filter is { } filter) predicates.Add(filter);
        if (most is not null) take = take is null ? most : Math.Min(take.Value, most.Value);
        var sql = $"select {(fetch == Fetch.Rows ? source.Columns : "1")} from {source.From}"
            + (predicates.Count == 0 ? "" : " where " + string.Join(" and ", predicates))
            + (orders.Count == 0 || fetch != Fetch.Rows ? "" : " order by " + string.Join(", ", orders))
            + (take is null ? "" : $" limit {where.Parameter(take.Value)}")
            + (skip is null ? "" : $" offset {where.Parameter(skip.Value)}");
        command.CommandText = fetch switch
        {
            Fetch.Count => $"select count(*) from ({sql}) as rows",
            Fetch.Any => $"select exists ({sql})",
            _ => sql,
        };
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        return command;
    }

    public async Task<IReadOnlyList<T>> RowsAsync<T>(Expression expression, int? most, CancellationToken ct)
    {
        await source.EnsureAsync(ct);
        return await session.ExecuteAsync(Command(expression, Fetch.Rows, most), (reader, token) => ReadRowsAsync<T>(source, reader, token), ct);
    }

    public async Task<TResult> ScalarAsync<TResult>(Expression expression, Fetch fetch, CancellationToken ct)
    {
        await source.EnsureAsync(ct);
        return await session.ExecuteAsync(
            Command(expression, fetch),
            async (reader, token) =>
            {
                await reader.ReadAsync(token);
                return reader.GetFieldValue<TResult>(0);
            },
            ct);
    }

    public static async Task<IReadOnlyList<T>> ReadRowsAsync<T>(QuerySource source, NpgsqlDataReader reader, CancellationToken ct)
    {
        var rows = new List<T>();
        while (await reader.ReadAsync(ct)) rows.Add((T)source.Read(reader));
        return rows;
    }

    private string Order(MethodCallExpression call)
    {
        var key = (LambdaExpression)((UnaryExpression)call.Arguments[1]).Operand;
        var path = Locators.PathOf(key.Body) ?? throw new NotSupportedException($"Ordering by '{key.Body}' is not built here.");
        return source.Locate(path).Typed + (call.Method.Name.EndsWith("Descending", StringComparison.Ordinal) ? " desc" : "");
    }
}
