using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using Marten.Events;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Marten.Tests;

public sealed class HostTests : StoreTest
{
    [Theory]
    [InlineData(DaemonMode.Solo)]
    [InlineData(DaemonMode.HotCold)]
    public async Task AddMarten_WithDaemon_CreatesTablesAndProjects(DaemonMode mode)
    {
        using var host = await Host.CreateDefaultBuilder().ConfigureServices(services => services.AddMarten(options =>
        {
            options.Connection(Database.ConnectionString);
            options.DatabaseSchemaName = Schema;
            options.Projections.DaemonLockId = Random.Shared.Next();
            options.Projections.Add(new AccountProjection(), ProjectionLifecycle.Async);
        }).UseLightweightSessions().ApplyAllDatabaseChangesOnStartup().AddAsyncDaemon(mode)).StartAsync();
        (await ScalarAsync<long>($"select count(*) from {Schema}.mt_events")).ShouldBe(0);

        var id = Guid.NewGuid();
        await using (var scope = host.Services.CreateAsyncScope())
        {
            var session = scope.ServiceProvider.GetRequiredService<IDocumentSession>();
            session.Events.StartStream<Account>(id, new Opened("a"));
            await session.SaveChangesAsync();
        }

        var store = host.Services.GetRequiredService<IDocumentStore>();
        await store.WaitForNonStaleProjectionDataAsync(TimeSpan.FromSeconds(30));
        await using var reader = store.QuerySession();
        (await reader.LoadAsync<Account>(id))!.Name.ShouldBe("a");
        await host.StopAsync();
    }

    [Fact]
    public async Task Connection_CallersDataSource_OutlivesTheStore()
    {
        await using var database = NpgsqlDataSource.Create(Database.ConnectionString);
        await using (var store = DocumentStore.For(options =>
        {
            options.Connection(database);
            options.DatabaseSchemaName = Schema;
        }))
        {
            await using var session = store.LightweightSession();
            session.Store(new Note("n", "text"));
            await session.SaveChangesAsync();
        }

        await using var command = database.CreateCommand($"select count(*) from {Schema}.mt_doc_note");
        (await command.ExecuteScalarAsync()).ShouldBe(1L);
    }
}
