using System.Linq.Expressions;
using Marten.Linq;

namespace Marten;

/// <summary>Asynchronous ends of queries.</summary>
public static class QueryableExtensions
{
    public static Task<IReadOnlyList<T>> ToListAsync<T>(this IQueryable<T> queryable, CancellationToken token = default) => Rows(queryable, null, token);

    public static Task<bool> AnyAsync<TSource>(this IQueryable<TSource> source, CancellationToken token = default) =>
        Of(source).ScalarAsync<bool>(source.Expression, Fetch.Any, token);

    public static Task<bool> AnyAsync<TSource>(this IQueryable<TSource> source, Expression<Func<TSource, bool>> predicate, CancellationToken token = default) =>
        source.Where(predicate).AnyAsync(token);

    public static async Task<int> CountAsync<TSource>(this IQueryable<TSource> source, CancellationToken token = default) => checked((int)await source.LongCountAsync(token));

    public static Task<int> CountAsync<TSource>(this IQueryable<TSource> source, Expression<Func<TSource, bool>> predicate, CancellationToken token = default) =>
        source.Where(predicate).CountAsync(token);

    public static Task<long> LongCountAsync<TSource>(this IQueryable<TSource> source, CancellationToken token = default) =>
        Of(source).ScalarAsync<long>(source.Expression, Fetch.Count, token);

    public static Task<long> LongCountAsync<TSource>(this IQueryable<TSource> source, Expression<Func<TSource, bool>> predicate, CancellationToken token = default) =>
        source.Where(predicate).LongCountAsync(token);

    public static async Task<TSource> FirstAsync<TSource>(this IQueryable<TSource> source, CancellationToken token = default) => (await Rows(source, 1, token)).First();

    public static Task<TSource> FirstAsync<TSource>(this IQueryable<TSource> source, Expression<Func<TSource, bool>> predicate, CancellationToken token = default) =>
        source.Where(predicate).FirstAsync(token);

    public static async Task<TSource?> FirstOrDefaultAsync<TSource>(this IQueryable<TSource> source, CancellationToken token = default) =>
        (await Rows(source, 1, token)).FirstOrDefault();

    public static Task<TSource?> FirstOrDefaultAsync<TSource>(this IQueryable<TSource> source, Expression<Func<TSource, bool>> predicate, CancellationToken token = default) =>
        source.Where(predicate).FirstOrDefaultAsync(token);

    public static async Task<TSource> SingleAsync<TSource>(this IQueryable<TSource> source, CancellationToken token = default) => (await Rows(source, 2, token)).Single();

    public static Task<TSource> SingleAsync<TSource>(this IQueryable<TSource> source, Expression<Func<TSource, bool>> predicate, CancellationToken token = default) =>
        source.Where(predicate).SingleAsync(token);

    public static async Task<TSource?> SingleOrDefaultAsync<TSource>(this IQueryable<TSource> source, CancellationToken token = default) =>
        (await Rows(source, 2, token)).SingleOrDefault();

    public static Task<TSource?> SingleOrDefaultAsync<TSource>(this IQueryable<TSource> source, Expression<Func<TSource, bool>> predicate, CancellationToken token = default) =>
        source.Where(predicate).SingleOrDefaultAsync(token);

    private static MartenQueryProvider Of<T>(IQueryable<T> queryable) =>
        queryable.Provider as MartenQueryProvider ?? throw new InvalidOperationException($"{queryable.GetType()} is not a query of a Marten session.");

    private static Task<IReadOnlyList<T>> Rows<T>(IQueryable<T> queryable, int? most, CancellationToken token) => Of(queryable).RowsAsync<T>(queryable.Expression, most, token);
}

/// <summary>Predicates of queries.</summary>
public static class LinqExtensions
{
    public static bool IsOneOf<T>(this T variable, params T[] matches) => matches.Contains(variable);

    public static bool IsOneOf<T>(this T variable, IList<T> matches) => matches.Contains(variable);

    public static bool In<T>(this T variable, params T[] matches) => matches.Contains(variable);

    public static bool In<T>(this T variable, IList<T> matches) => matches.Contains(variable);
}
