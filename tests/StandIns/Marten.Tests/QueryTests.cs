using System.Linq.Expressions;
using JasperFx.Events;

namespace Marten.Tests;

public sealed class QueryTests : StoreTest
{
    private static readonly Guid Owner = Guid.NewGuid();

    private static readonly Book[] Books =
    [
        new() { Title = "alpha", Pages = 10, Price = 1.5, Owner = Owner, Printed = Day(1), Author = new Author("Ann", 1900) },
        new() { Title = "beta", Pages = 20, Edition = 1, Price = 2.5, Lent = true, Shelf = Shelf.Locked, Printed = Day(2), Author = new Author("Bob", 1950) },
        new() { Title = "gamma_1", Pages = 30, Edition = 2, Price = 3.5, Owner = Owner, Printed = Day(3) },
        new() { Title = "gamma%1", Pages = 40, Edition = 3, Price = 4.5, Lent = true, Printed = Day(4), Author = new Author("Ann", 1910) },
    ];

    public static TheoryData<string, Expression<Func<Book, bool>>> Predicates()
    {
        var wanted = new[] { "alpha", "beta" };
        var pages = new List<int> { 10, 40 };
        int? edition = 2;
        return new TheoryData<string, Expression<Func<Book, bool>>>
        {
            { "equal text", b => b.Title == "beta" },
            { "unequal text", b => b.Title != "beta" },
            { "greater", b => b.Pages > 20 },
            { "at most, turned", b => 20 >= b.Pages },
            { "fraction", b => b.Price < 3 },
            { "truth", b => b.Lent },
            { "not", b => !b.Lent },
            { "truth compared", b => b.Lent == false },
            { "and or", b => (b.Pages > 15 && b.Lent) || b.Title == "alpha" },
            { "not and", b => !(b.Pages > 15 && b.Lent) },
            { "enum", b => b.Shelf == Shelf.Locked },
            { "guid", b => b.Owner == Owner },
            { "time", b => b.Printed >= Day(3) },
            { "null", b => b.Edition == null },
            { "not null", b => b.Edition != null },
            { "has value", b => b.Edition.HasValue },
            { "nullable", b => b.Edition == edition },
            { "nullable unequal", b => b.Edition != 2 },
            { "nested", b => b.Author!.Name == "Ann" },
            { "nested number", b => b.Author!.Born < 1940 },
            { "is one of", b => b.Title.IsOneOf("alpha", "gamma_1") },
            { "array contains", b => wanted.Contains(b.Title) },
            { "list contains", b => pages.Contains(b.Pages) },
            { "enum is one of", b => b.Shelf.IsOneOf(Shelf.Locked) },
            { "contains", b => b.Title.Contains("a_") },
            { "starts with", b => b.Title.StartsWith("gamma%") },
            { "ends with", b => b.Title.EndsWith("ta") },
        };
    }

    [Theory]
    [MemberData(nameof(Predicates))]
    public async Task Where_Predicate_MeetsTheSameAsInMemory(string what, Expression<Func<Book, bool>> predicate)
    {
        await using var session = await FilledAsync();
        // SQL knows no exception for a member of a missing object: such a row is just not met.
        var expected = Books.Where(b => b.Author is not null || !what.StartsWith("nested")).Where(predicate.Compile()).Select(b => b.Title).Order(StringComparer.Ordinal);
        var actual = (await session.Query<Book>().Where(predicate).ToListAsync()).Select(b => b.Title).Order(StringComparer.Ordinal);
        actual.ShouldBe(expected, what);
    }

    [Fact]
    public async Task OrderBy_ThenByTakeSkip_Pages()
    {
        await using var session = await FilledAsync();
        (await session.Query<Book>().OrderBy(b => b.Lent).ThenByDescending(b => b.Pages).ToListAsync()).Select(b => b.Pages).ShouldBe([30, 10, 40, 20]);
        (await session.Query<Book>().OrderByDescending(b => b.Pages).Skip(1).Take(2).ToListAsync()).Select(b => b.Pages).ShouldBe([30, 20]);
    }

    [Fact]
    public async Task Ends_OfAQuery_Answer()
    {
        await using var session = await FilledAsync();
        var query = session.Query<Book>();
        (await query.CountAsync()).ShouldBe(4);
        (await query.CountAsync(b => b.Lent)).ShouldBe(2);
        (await query.Where(b => b.Lent).LongCountAsync()).ShouldBe(2);
        (await query.AnyAsync(b => b.Pages == 40)).ShouldBeTrue();
        (await query.AnyAsync(b => b.Pages == 41)).ShouldBeFalse();
        (await query.OrderBy(b => b.Pages).FirstAsync()).Title.ShouldBe("alpha");
        (await query.FirstOrDefaultAsync(b => b.Pages == 41)).ShouldBeNull();
        (await query.SingleAsync(b => b.Title == "beta")).Pages.ShouldBe(20);
        (await query.SingleOrDefaultAsync(b => b.Title == "none")).ShouldBeNull();
        await Should.ThrowAsync<InvalidOperationException>(query.SingleAsync());
        await Should.ThrowAsync<InvalidOperationException>(query.FirstAsync(b => b.Pages == 41));
    }

    [Fact]
    public async Task Query_ById_Finds()
    {
        await using var session = await FilledAsync();
        var book = await session.Query<Book>().FirstAsync();
        (await session.Query<Book>().SingleAsync(b => b.Id == book.Id)).ShouldBe(book);
    }

    [Fact]
    public async Task QueryAsync_Sql_ReadsDocumentsAndScalars()
    {
        await using var session = await FilledAsync();
        (await session.QueryAsync<Book>("where data ->> 'title' = ?", "beta")).Single().Pages.ShouldBe(20);
        (await session.QueryAsync<Book>($"select data from {Schema}.mt_doc_book where (data ->> 'pages')::int > ?", 20)).Count.ShouldBe(2);
        (await session.QueryAsync<int>($"select (data ->> 'pages')::int from {Schema}.mt_doc_book order by 1")).ShouldBe([10, 20, 30, 40]);
        (await session.QueryAsync<Book>('^', "where data ? 'title' and data ->> 'title' = ^", "beta")).Count.ShouldBe(1);
    }

    [Fact]
    public async Task QueryAllRawEvents_MetadataOrderAndPages_Filters()
    {
        var store = Open();
        var (one, two) = (Guid.NewGuid(), Guid.NewGuid());
        await using var session = store.LightweightSession();
        session.Events.StartStream(one, new Opened("a"), new Added(1, "x"));
        session.Events.StartStream(two, new Opened("b"), new Added(2, "x"), new Added(3, "y"));
        await session.SaveChangesAsync();

        (await session.Events.QueryAllRawEvents().Where(e => e.StreamId == two).OrderBy(e => e.Version).ToListAsync()).Select(e => e.Version).ShouldBe([1, 2, 3]);
        (await session.Events.QueryAllRawEvents().Where(e => e.EventTypeName == "opened").CountAsync()).ShouldBe(2);
        var page = await session.Events.QueryAllRawEvents().Where(e => e.Sequence > 2).OrderBy(e => e.Sequence).Take(2).ToListAsync();
        page.Select(e => e.Sequence).ShouldBe([3, 4]);
        (await session.Events.QueryRawEventDataOnly<Added>().Where(e => e.Label == "x").ToListAsync()).Select(e => e.Amount).Order().ShouldBe([1, 2]);
        var loaded = await session.Events.LoadAsync(page[0].Id);
        loaded.ShouldBeOfType<Event<Opened>>().Data.Name.ShouldBe("b");
    }

    private static DateTimeOffset Day(int day) => new(2020, 1, day, 0, 0, 0, TimeSpan.Zero);

    private async Task<IQuerySession> FilledAsync()
    {
        var store = Open();
        await using var session = store.LightweightSession();
        session.Store(Books.Select(b => b with { Id = Guid.NewGuid() }));
        await session.SaveChangesAsync();
        return store.QuerySession();
    }
}
