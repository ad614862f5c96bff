using JasperFx.Events.Projections;

namespace Marten.Tests;

/// <summary>Tables are those of the package, so that either reads what the other wrote.</summary>
public sealed class LayoutTests : StoreTest
{
    [Fact]
    public async Task Streams_Columns_AreOfficial() => (await ColumnsAsync("mt_streams")).ShouldBe(
    [
        "created timestamp with time zone not null", "id uuid not null", "is_archived boolean", "tenant_id character varying",
        "timestamp timestamp with time zone not null", "type character varying", "version bigint",
    ]);

    [Fact]
    public async Task Events_Columns_AreOfficial() => (await ColumnsAsync("mt_events")).ShouldBe(
    [
        "bdata bytea", "causation_id character varying", "correlation_id character varying", "data jsonb not null", "headers jsonb", "id uuid not null",
        "is_archived boolean", "mt_dotnet_type character varying", "seq_id bigint not null", "stream_id uuid", "tenant_id character varying",
        "timestamp timestamp with time zone not null", "type character varying(500) not null", "version bigint not null",
    ]);

    [Fact]
    public async Task Progression_Columns_AreOfficial() => (await ColumnsAsync("mt_event_progression")).ShouldBe(
        ["last_seq_id bigint", "last_updated timestamp with time zone", "name character varying not null"]);

    [Fact]
    public async Task Document_Columns_AreOfficial()
    {
        (await ColumnsAsync("mt_doc_book")).ShouldBe(
        [
            "data jsonb not null", "id uuid not null", "mt_dotnet_type character varying", "mt_last_modified timestamp with time zone", "mt_version uuid not null",
        ]);
        (await ColumnsAsync("mt_doc_account")).ShouldContain("mt_version bigint not null");
        (await ColumnsAsync("mt_doc_note")).ShouldContain("id character varying not null");
        (await ColumnsAsync("mt_doc_word")).ShouldContain("id character varying not null");
    }

    [Fact]
    public async Task Constraints_Names_AreOfficial()
    {
        await ApplyAsync();
        var names = await ScalarAsync<string[]>($"""
            select array(select conname::text from pg_constraint where connamespace = '{Schema}'::regnamespace and contype in ('p', 'f')
                union select indexname::text from pg_indexes where schemaname = '{Schema}' and indexdef like 'CREATE UNIQUE%')
            """);
        names.ShouldContain("pkey_mt_streams_id");
        names.ShouldContain("pkey_mt_events_seq_id");
        names.ShouldContain("fkey_mt_events_stream_id");
        names.ShouldContain("pk_mt_events_stream_and_version");
        names.ShouldContain("pk_mt_event_progression");
        names.ShouldContain("pkey_mt_doc_book_id");
    }

    [Fact]
    public async Task Index_OfMember_IsNamedAfterItAndUsable()
    {
        await ApplyAsync();
        (await ScalarAsync<string>($"select indexdef from pg_indexes where schemaname = '{Schema}' and indexname = 'mt_doc_book_idx_title'"))
            .ShouldContain("data ->> 'title'");
        (await ScalarAsync<string>($"select indexdef from pg_indexes where schemaname = '{Schema}' and indexname = 'mt_doc_book_idx_pages'"))
            .ShouldContain("::integer");
    }

    [Fact]
    public async Task EventData_JsonAndNames_AreAsConfigured()
    {
        var store = Open();
        await using var session = store.LightweightSession();
        session.Events.StartStream(Guid.NewGuid(), new Added(3, "ä"));
        session.Store(new Book { Title = "b", Shelf = Shelf.Locked });
        await session.SaveChangesAsync();
        (await ScalarAsync<string>($"select data::text from {Schema}.mt_events")).ShouldBe("""{"label": "ä", "amount": 3}""");
        (await ScalarAsync<string>($"select mt_dotnet_type from {Schema}.mt_events")).ShouldStartWith("Marten.Tests.Added, ");
        (await ScalarAsync<string>($"select tenant_id from {Schema}.mt_events")).ShouldBe("*DEFAULT*");
        (await ScalarAsync<string>($"select data ->> 'shelf' from {Schema}.mt_doc_book")).ShouldBe("Locked");
        (await ScalarAsync<string>($"select mt_dotnet_type from {Schema}.mt_doc_book")).ShouldBe("Marten.Tests.Book");
    }

    [Fact]
    public async Task EventSchema_OfItsOwn_HoldsTheEventTables()
    {
        var store = Inline(options => options.Events.DatabaseSchemaName = Schema + "_e");
        await using var session = store.LightweightSession();
        session.Events.StartStream<Account>(Guid.NewGuid(), new Opened("a"));
        await session.SaveChangesAsync();
        (await ScalarAsync<long>($"select count(*) from {Schema}_e.mt_events")).ShouldBe(1);
        (await ScalarAsync<long>($"select count(*) from {Schema}.mt_doc_account")).ShouldBe(1);
        await ExecuteAsync($"drop schema {Schema}_e cascade");
    }

    [Fact]
    public async Task Index_Configured_HasItsNameAndIsUnique()
    {
        var store = Open(options => options.Schema.For<Book>().Index(b => b.Title, index =>
        {
            index.Name = "mt_doc_book_by_title";
            index.IsUnique = true;
        }));
        await store.Storage.ApplyAllConfiguredChangesToDatabaseAsync();
        (await ScalarAsync<string>($"select indexdef from pg_indexes where schemaname = '{Schema}' and indexname = 'mt_doc_book_by_title'"))
            .ShouldStartWith("CREATE UNIQUE INDEX");
    }

    private async Task ApplyAsync()
    {
        var store = Open(options =>
        {
            options.Events.MetadataConfig.EnableAll();
            options.Projections.Add(new AccountProjection(), ProjectionLifecycle.Inline);
            options.Schema.For<Book>().Index(b => b.Title).Index(b => b.Pages);
            options.Schema.For<Note>();
            options.Schema.For<Word>().Identity(w => w.Spelling);
        });
        await store.Storage.ApplyAllConfiguredChangesToDatabaseAsync();
        await store.Storage.ApplyAllConfiguredChangesToDatabaseAsync();
    }

    /// <summary>A store that asks for more than the one that made the tables: columns and indexes come, rows stay.</summary>
    [Fact]
    public async Task Schema_MoreIsWantedLater_IsAddedAndOldRowsAreRead()
    {
        var id = Guid.NewGuid();
        var before = Open(options => options.Events.MetadataConfig.HeadersEnabled = false);
        await using (var session = before.LightweightSession())
        {
            session.Events.StartStream(id, new Opened("a"));
            session.Store(new Book { Title = "alpha" });
            await session.SaveChangesAsync();
        }

        const string added = "'headers', 'correlation_id'";
        (await ScalarAsync<long>($"select count(*) from information_schema.columns where table_schema = '{Schema}' and table_name = 'mt_events' and column_name in ({added})")).ShouldBe(0);
        var after = Open(options =>
        {
            options.Events.MetadataConfig.CorrelationIdEnabled = true;
            options.Schema.For<Book>().Index(b => b.Title);
        });
        // Twice at once, as when two processes start.
        await Task.WhenAll(after.Storage.ApplyAllConfiguredChangesToDatabaseAsync(), Open(options => options.Events.MetadataConfig.CorrelationIdEnabled = true).Storage.ApplyAllConfiguredChangesToDatabaseAsync());
        await using (var session = after.LightweightSession())
        {
            session.CorrelationId = "c-1";
            session.SetHeader("who", "ana");
            session.Events.Append(id, new Added(1, "x"));
            await session.SaveChangesAsync();
            var events = await session.Events.FetchStreamAsync(id);
            events.Select(e => (e.Version, e.CorrelationId, e.GetHeader("who")?.ToString())).ShouldBe([(1, null, null), (2, "c-1", "ana")]);
        }

        (await ScalarAsync<long>($"select count(*) from pg_indexes where schemaname = '{Schema}' and indexname = 'mt_doc_book_idx_title'")).ShouldBe(1);
    }

    private async Task<string[]> ColumnsAsync(string table)
    {
        await ApplyAsync();
        return await ScalarAsync<string[]>($"""
            select array(select attname || ' ' || format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end
            from pg_attribute where attrelid = '{Schema}.{table}'::regclass and attnum > 0 and not attisdropped order by attname)
            """);
    }
}
