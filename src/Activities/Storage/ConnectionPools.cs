using Npgsql;
using Temporalio.Worker.Interceptors;

namespace XInstruct.Activities.Storage;

/// <summary>This process's connections to PostgreSQL.</summary>
/// <param name="connectionString">Npgsql connection string of the event store.</param>
public sealed class ConnectionPools(string connectionString) : IWorkerInterceptor, IAsyncDisposable
{
    /// <summary>Those of events and documents.</summary>
    public NpgsqlDataSource Documents { get; } = NpgsqlDataSource.Create(connectionString);

    /// <summary>Those of everything beside.</summary>
    public NpgsqlDataSource Tables { get; } = NpgsqlDataSource.Create(connectionString);

    /// <summary>
    /// What broke one connection, such as a restart of PostgreSQL, has as a rule broken those too that nobody used just then, and nobody knows: each would cost its next user a try.
    /// They are closed.
    /// </summary>
    /// <param name="e">What failed; with another reason nothing happens.</param>
    public void RenewAfter(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
        {
            if (e is not NpgsqlException || e is PostgresException { SqlState: not (PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown) }) continue;
            Documents.Clear();
            Tables.Clear();
            return;
        }
    }

    /// <summary>An activity that lost its connection finds a new one when it is tried again.</summary>
    public ActivityInboundInterceptor InterceptActivity(ActivityInboundInterceptor nextInterceptor) => new Around(this, nextInterceptor);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Documents.DisposeAsync();
        await Tables.DisposeAsync();
    }

    private sealed class Around(ConnectionPools pools, ActivityInboundInterceptor next) : ActivityInboundInterceptor(next)
    {
        public override async Task<object?> ExecuteActivityAsync(ExecuteActivityInput input)
        {
            try
            {
                return await base.ExecuteActivityAsync(input);
            }
            catch (Exception e)
            {
                pools.RenewAfter(e);
                throw;
            }
        }
    }
}
