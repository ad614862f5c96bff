// Events a second, a new stream for each event: rows by NpgsqlBatch into a table like mt_events, Marten without projections, Marten with the product's
// inline documents, and the write helper (fetch, decide, hash, append, project, contents) by which the product writes. All in one run, on one server.
// XINSTRUCT_POSTGRES="$(eng/postgres start)" dotnet run -c Release --project benchmarks/append [-- EVENTS]
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using NpgsqlTypes;
using XInstruct.Activities.Storage;
using XInstruct.Benchmarks;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Samples;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var count = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 20_000;
await using var scratch = await ScratchStore.CreateAsync();
var store = scratch.Services.GetRequiredService<IDocumentStore>();
var writer = scratch.Services.GetRequiredService<EventWriter>();
await using var plain = DocumentStore.For(o =>
{
    StoreConfiguration.ConfigureEvents(o, scratch.Connection);
    o.DatabaseSchemaName = "plain";
});
await using var database = NpgsqlDataSource.Create(scratch.Connection);
await using (var create = database.CreateCommand("create table raw (seq_id bigserial primary key, id uuid, stream_id uuid, version bigint, data jsonb, type text, timestamp timestamptz default now(), headers jsonb, unique (stream_id, version))"))
{
    await create.ExecuteNonQueryAsync();
}

var events = Enumerable.Range(0, count).Select(i =>
    new TextAccepted(Identity.Sample("sw", $"text {i}"), "sw", Guid.Empty, i, null, ContentHash.Of($"text {i}"), 10, "profile")).ToArray();
var runs = 0;
// Once to warm up.
foreach (var way in new Func<TextAccepted[], Task>[] { RawAsync, PlainAsync, MartenAsync, HelperAsync }) await InBatchesAsync(256, way, events.Take(2048));
Console.WriteLine($"{count} events   {"NpgsqlBatch",12} {"Marten",12} {"+ documents",12} {"write helper",12}   helper/Marten");
foreach (var size in new[] { 100, 256, 1000 })
{
    var raw = await InBatchesAsync(size, RawAsync, events);
    var alone = await InBatchesAsync(size, PlainAsync, events);
    var marten = await InBatchesAsync(size, MartenAsync, events);
    var helper = await InBatchesAsync(size, HelperAsync, events);
    Console.WriteLine($"batch of {size,5} {raw,12:N0} {alone,12:N0} {marten,12:N0} {helper,12:N0}   {helper / alone,13:F2}");
}

async Task<double> InBatchesAsync(int size, Func<TextAccepted[], Task> write, IEnumerable<TextAccepted> all)
{
    runs++;
    var clock = Stopwatch.StartNew();
    var written = 0;
    foreach (var batch in all.Chunk(size))
    {
        await write(batch);
        written += batch.Length;
    }

    return written / clock.Elapsed.TotalSeconds;
}

async Task RawAsync(TextAccepted[] events)
{
    await using var connection = await database.OpenConnectionAsync();
    await using var transaction = await connection.BeginTransactionAsync();
    await using var batch = new NpgsqlBatch(connection, transaction);
    foreach (var e in events)
    {
        var command = new NpgsqlBatchCommand("insert into raw (id, stream_id, version, data, type, headers) values ($1, $2, 1, $3, 'text_accepted', $4)");
        command.Parameters.Add(new NpgsqlParameter { Value = Guid.NewGuid() });
        command.Parameters.Add(new NpgsqlParameter { Value = Guid.NewGuid() });
        command.Parameters.Add(new NpgsqlParameter { Value = JsonSerializer.Serialize(e, EventJson.Options), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new NpgsqlParameter { Value = "{\"run\":\"bench\"}", NpgsqlDbType = NpgsqlDbType.Jsonb });
        batch.BatchCommands.Add(command);
    }

    await batch.ExecuteNonQueryAsync();
    await transaction.CommitAsync();
}

Task PlainAsync(TextAccepted[] events) => AppendAsync(plain, events);

Task MartenAsync(TextAccepted[] events) => AppendAsync(store, events);

async Task AppendAsync(IDocumentStore store, TextAccepted[] events)
{
    await using var session = store.LightweightSession();
    foreach (var e in events) session.Events.StartStream(Guid.NewGuid(), e);
    await session.SaveChangesAsync();
}

async Task HelperAsync(TextAccepted[] events)
{
    var run = $"bench-{runs}";
    await writer.WriteAsync<Sample>(run, new Act("bench", "1"), [.. events.Select(e => new Change<Sample>(
        Identity.Stream(run, e.Sample), e.Sample, s => Sample.Accept(s, e) is { } accepted ? new Fact(accepted, [new Content(e.Text, Guid.Empty, $"text {e.Row}")]) : null))], CancellationToken.None);
}
