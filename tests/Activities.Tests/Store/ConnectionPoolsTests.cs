using Npgsql;
using XInstruct.Activities.Storage;

namespace XInstruct.Activities.Tests.Store;

public sealed class ConnectionPoolsTests
{
    [Fact]
    public async Task RenewAfter_ServerThatDroppedIdleConnections_CostsOneTryAndNotOneEach()
    {
        var server = Environment.GetEnvironmentVariable("XINSTRUCT_TEST_POSTGRES")
            ?? throw new InvalidOperationException("XINSTRUCT_TEST_POSTGRES is not set. './xinstruct test' starts a PostgreSQL and sets it.");
        var name = $"{Guid.NewGuid():N}";
        await using var pools = new ConnectionPools(new NpgsqlConnectionStringBuilder(server) { ApplicationName = name }.ConnectionString);
        var pool = pools.Tables;
        await UseAsync(pool, 5);
        await using (var other = NpgsqlDataSource.Create(server))
        {
            await other.CreateCommand($"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{name}'").ExecuteNonQueryAsync();
        }

        var failure = await Should.ThrowAsync<NpgsqlException>(() => UseAsync(pool, 1));
        pools.RenewAfter(new InvalidOperationException("wrapped", failure));
        await UseAsync(pool, 5);
    }

    private static async Task UseAsync(NpgsqlDataSource pool, int atOnce)
    {
        var connections = new List<NpgsqlConnection>();
        try
        {
            for (var i = 0; i < atOnce; i++)
            {
                connections.Add(await pool.OpenConnectionAsync());
                await using var command = new NpgsqlCommand("select 1", connections[^1]);
                await command.ExecuteScalarAsync();
            }
        }
        finally
        {
            foreach (var connection in connections) await connection.DisposeAsync();
        }
    }
}
