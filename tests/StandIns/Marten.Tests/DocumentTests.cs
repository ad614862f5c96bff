using JasperFx;
using Marten.Exceptions;
using Npgsql;

namespace Marten.Tests;

public sealed class DocumentTests : StoreTest
{
    [Fact]
    public async Task Store_NewAndKnown_UpsertsAndAssignsIds()
    {
        var store = Open();
        await using var session = store.LightweightSession();
        var book = new Book { Title = "one" };
        session.Store(book);
        book.Id.ShouldNotBe(Guid.Empty);
        await session.SaveChangesAsync();
        session.Store(book with { Title = "two" });
        await session.SaveChangesAsync();
        (await session.LoadAsync<Book>(book.Id))!.Title.ShouldBe("two");
        (await ScalarAsync<long>($"select count(*) from {Schema}.mt_doc_book")).ShouldBe(1);
    }

    [Fact]
    public async Task Store_EveryMember_RoundTrips()
    {
        var store = Open();
        var book = new Book
        {
            Id = Guid.NewGuid(),
            Title = "Ünïcode \"q\"",
            Pages = 7,
            Edition = 2,
            Price = 1.25,
            Lent = true,
            Shelf = Shelf.Locked,
            Owner = Guid.NewGuid(),
            Printed = new DateTimeOffset(2020, 1, 2, 3, 4, 5, TimeSpan.Zero),
            Author = new Author("A", 1900),
        };
        await using var session = store.LightweightSession();
        session.Insert(book);
        await session.SaveChangesAsync();
        (await session.LoadAsync<Book>(book.Id)).ShouldBe(book);
        (await session.CheckExistsAsync<Book>(book.Id)).ShouldBeTrue();
        (await session.CheckExistsAsync<Book>(Guid.NewGuid())).ShouldBeFalse();
    }

    [Fact]
    public async Task Insert_TakenId_ThrowsAndRollsBack()
    {
        var store = Open();
        await using var session = store.LightweightSession();
        session.Store(new Note("n", "first"));
        await session.SaveChangesAsync();
        session.Insert(new Note("n", "second"));
        session.Store(new Note("m", "other"));
        (await Should.ThrowAsync<DocumentAlreadyExistsException>(session.SaveChangesAsync())).Id.ShouldBe("n");
        await using var reader = store.QuerySession();
        (await reader.LoadAsync<Note>("n"))!.Text.ShouldBe("first");
        (await reader.LoadAsync<Note>("m")).ShouldBeNull();
    }

    [Fact]
    public async Task Update_MissingDocument_Throws()
    {
        var store = Open();
        await using var session = store.LightweightSession();
        session.Update(new Note("n", "text"));
        await Should.ThrowAsync<NonExistentDocumentException>(session.SaveChangesAsync());
    }

    [Fact]
    public async Task Delete_ByIdEntityAndPredicate_Deletes()
    {
        var store = Open();
        await using var session = store.LightweightSession();
        session.Store(new Note("a", "1"), new Note("b", "2"), new Note("c", "3"), new Note("d", "3"));
        await session.SaveChangesAsync();
        session.Delete<Note>("a");
        session.Delete(new Note("b", "2"));
        session.DeleteWhere<Note>(n => n.Text == "3" && n.Id != "d");
        await session.SaveChangesAsync();
        (await session.Query<Note>().ToListAsync()).Select(n => n.Id).ShouldBe(["d"]);
    }

    [Fact]
    public async Task SaveChangesAsync_SeveralChangesOfOneDocument_TheLastCounts()
    {
        var store = Open();
        await using var session = store.LightweightSession();
        session.Store(new Note("a", "1"));
        session.Store(new Note("a", "2"));
        session.Store(new Note("b", "1"));
        session.Delete<Note>("b");
        await session.SaveChangesAsync();
        (await session.Query<Note>().ToListAsync()).ShouldBe([new Note("a", "2")]);
    }

    [Fact]
    public async Task LoadManyAsync_SomeMissing_ReturnsTheOthers()
    {
        var store = Open();
        await using var session = store.LightweightSession();
        var books = Enumerable.Range(0, 5).Select(i => new Book { Id = Guid.NewGuid(), Pages = i }).ToArray();
        session.Store(books);
        await session.SaveChangesAsync();
        var loaded = await session.LoadManyAsync<Book>([.. books.Take(3).Select(b => b.Id), Guid.NewGuid()]);
        loaded.Select(b => b.Pages).Order().ShouldBe([0, 1, 2]);
        (await session.LoadManyAsync<Book>(CancellationToken.None, books.Select(b => b.Id))).Count.ShouldBe(5);
    }

    [Fact]
    public async Task IdentitySession_SameId_IsTheSameObject()
    {
        var store = Open();
        var book = new Book { Id = Guid.NewGuid() };
        await using (var writer = store.LightweightSession())
        {
            writer.Store(book);
            await writer.SaveChangesAsync();
        }

        await using var session = store.IdentitySession();
        (await session.LoadAsync<Book>(book.Id)).ShouldBeSameAs(await session.LoadAsync<Book>(book.Id));
        await using var light = store.LightweightSession();
        (await light.LoadAsync<Book>(book.Id)).ShouldNotBeSameAs(await light.LoadAsync<Book>(book.Id));
    }

    [Fact]
    public async Task QueueSqlCommand_WithEventsAndDocuments_CommitsTogether()
    {
        var store = Open();
        await ExecuteAsync($"create schema if not exists {Schema}; create table {Schema}.side (id int primary key, what text)");
        await using var session = store.LightweightSession();
        session.Events.StartStream(Guid.NewGuid(), new Opened("a"));
        session.Store(new Note("n", "text"));
        session.QueueSqlCommand($"insert into {Schema}.side values (?, ?)", 1, "one");
        session.QueueSqlCommand($"insert into {Schema}.side select * from unnest(?, ?);", new[] { 2, 3 }, new[] { "two", "three" });
        session.QueueSqlCommand('^', $"update {Schema}.side set what = what || '?' where id = ^", 1);
        await session.SaveChangesAsync();
        (await ScalarAsync<string>($"select string_agg(what, ',' order by id) from {Schema}.side")).ShouldBe("one?,two,three");
    }

    [Fact]
    public async Task QueueSqlCommand_Fails_RollsEverythingBack()
    {
        var store = Inline();
        await ExecuteAsync($"create schema if not exists {Schema}; create table {Schema}.side (id int primary key)");
        await using var session = store.LightweightSession();
        session.Events.StartStream<Account>(Guid.NewGuid(), new Opened("a"));
        session.Store(new Note("n", "text"));
        session.QueueSqlCommand($"insert into {Schema}.side values (?)", 1);
        session.QueueSqlCommand($"insert into {Schema}.side values (?)", 1);
        var error = await Should.ThrowAsync<MartenCommandException>(session.SaveChangesAsync());
        error.InnerException.ShouldBeOfType<PostgresException>().SqlState.ShouldBe(PostgresErrorCodes.UniqueViolation);
        foreach (var table in (string[])["mt_events", "mt_streams", "mt_doc_account", "mt_doc_note", "side"])
        {
            (await ScalarAsync<long>($"select count(*) from {Schema}.{table}")).ShouldBe(0, table);
        }
    }

    [Fact]
    public async Task QueueSqlCommand_EventsFail_IsRolledBackToo()
    {
        var store = Open();
        var id = Guid.NewGuid();
        await ExecuteAsync($"create schema if not exists {Schema}; create table {Schema}.side (id int primary key)");
        await using var session = store.LightweightSession();
        session.Events.StartStream(id, new Opened("a"));
        await session.SaveChangesAsync();
        session.Events.StartStream(id, new Opened("b"));
        session.QueueSqlCommand($"insert into {Schema}.side values (?)", 1);
        await Should.ThrowAsync<ExistingStreamIdCollisionException>(session.SaveChangesAsync());
        (await ScalarAsync<long>($"select count(*) from {Schema}.side")).ShouldBe(0);
    }

    [Fact]
    public async Task BeginTransactionAsync_Connection_SharesTheTransaction()
    {
        var store = Open();
        await ExecuteAsync($"create schema if not exists {Schema}; create table {Schema}.side (id int primary key)");
        await using (var session = store.LightweightSession())
        {
            await session.BeginTransactionAsync(CancellationToken.None);
            await using var command = new NpgsqlCommand($"insert into {Schema}.side values (1)", session.Connection);
            await command.ExecuteNonQueryAsync();
            session.Store(new Note("n", "text"));
            (await ScalarAsync<long>($"select count(*) from {Schema}.side")).ShouldBe(0);
            await session.SaveChangesAsync();
        }

        (await ScalarAsync<long>($"select count(*) from {Schema}.side")).ShouldBe(1);
        await using (var abandoned = store.LightweightSession())
        {
            await abandoned.BeginTransactionAsync(CancellationToken.None);
            await using var command = new NpgsqlCommand($"insert into {Schema}.side values (2)", abandoned.Connection);
            await command.ExecuteNonQueryAsync();
        }

        (await ScalarAsync<long>($"select count(*) from {Schema}.side")).ShouldBe(1);
    }

    [Fact]
    public async Task ResetAllData_Everything_IsGone()
    {
        var store = Inline();
        await using var session = store.LightweightSession();
        session.Events.StartStream<Account>(Guid.NewGuid(), new Opened("a"));
        session.Store(new Note("n", "text"));
        await session.SaveChangesAsync();
        await store.Advanced.ResetAllData();
        (await session.Query<Account>().CountAsync()).ShouldBe(0);
        (await session.Query<Note>().AnyAsync()).ShouldBeFalse();
        (await session.Events.QueryAllRawEvents().CountAsync()).ShouldBe(0);
    }
}
