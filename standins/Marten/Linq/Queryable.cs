using System.Collections;
using System.Linq.Expressions;
using Npgsql;

namespace Marten.Linq
{
    /// <summary>A query over documents.</summary>
    public interface IMartenQueryable<T> : IQueryable<T>;

    internal sealed class MartenLinqQueryable<T>(MartenQueryProvider provider, Expression? expression = null) : IMartenQueryable<T>, IOrderedQueryable<T>
    {
        public Type ElementType => typeof(T);

        public Expression Expression => expression ?? Expression.Constant(this);

        public IQueryProvider Provider => provider;

        public Task<IReadOnlyList<T>> ToListAsync(CancellationToken ct) => provider.RunAsync<T>(Expression, ct);

        public IEnumerator<T> GetEnumerator() => throw new NotSupportedException("Synchronous queries are gone; use ToListAsync.");

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    internal sealed class MartenQueryProvider(StoreOptions options, Func<Storage.DocumentMapping, CancellationToken, Task> ensure, NpgsqlDataSource database) : IQueryProvider
    {
        public IQueryable CreateQuery(Expression expression) => throw new NotSupportedException();

        public IQueryable<TElement> CreateQuery<TElement>(Expression expression) => new MartenLinqQueryable<TElement>(this, expression);

        public object? Execute(Expression expression) => throw new NotSupportedException("Synchronous queries are gone; use the asynchronous operators.");

        public TResult Execute<TResult>(Expression expression) => throw new NotSupportedException("Synchronous queries are gone; use the asynchronous operators.");

        public async Task<IReadOnlyList<T>> RunAsync<T>(Expression expression, CancellationToken ct)
        {
            var mapping = options.Schema.MappingOf(typeof(T));
            await ensure(mapping, ct);
            var where = new WhereClause(options.Json);
            var predicates = new List<string>();
            while (expression is MethodCallExpression call)
            {
                if (call.Method.Name != nameof(System.Linq.Queryable.Where)) throw new NotSupportedException($"{call.Method.Name} is not built here.");
                predicates.Add(where.Translate(call.Arguments[1]));
                expression = call.Arguments[0];
            }

            await using var command = database.CreateCommand(
                $"select data::text from {options.DatabaseSchemaName}.{mapping.Table}{(predicates.Count == 0 ? "" : " where " + string.Join(" and ", predicates))}");
            foreach (var parameter in where.Parameters) command.Parameters.Add(new NpgsqlParameter { Value = parameter });
            var rows = new List<T>();
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct)) rows.Add(System.Text.Json.JsonSerializer.Deserialize<T>(reader.GetString(0), options.Json)!);
            return rows;
        }
    }
}

namespace Marten
{
    /// <summary>Asynchronous ends of queries.</summary>
    public static class QueryableExtensions
    {
        public static Task<IReadOnlyList<T>> ToListAsync<T>(this IQueryable<T> queryable, CancellationToken token = default) =>
            ((Linq.MartenLinqQueryable<T>)queryable).ToListAsync(token);

        public static async Task<int> CountAsync<T>(this IQueryable<T> queryable, CancellationToken token = default) => (await queryable.ToListAsync(token)).Count;

        public static async Task<bool> AnyAsync<T>(this IQueryable<T> queryable, CancellationToken token = default) => (await queryable.ToListAsync(token)).Count > 0;

        public static async Task<T?> FirstOrDefaultAsync<T>(this IQueryable<T> queryable, CancellationToken token = default) => (await queryable.ToListAsync(token)).FirstOrDefault();
    }
}
