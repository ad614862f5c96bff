using System.Collections.Concurrent;
using Npgsql;

namespace Temporalio.StandIn;

/// <summary>One process's part of the engine: its connections, its clock, its sweeps. All state is in the database.</summary>
internal sealed partial class Engine : IAsyncDisposable
{
    public const string DatabaseVariable = "TEMPORAL_STANDIN_DATABASE";
    public const string DefaultSchema = "temporal_standin";

    // One lost answer is no reason to say that nobody answers; a database that is away is soon said to be.
    private const int StartTries = 3;

    private static readonly ConcurrentDictionary<string, Engine> Shared = new(StringComparer.Ordinal);

    private readonly CancellationTokenSource stop = new();
    private readonly NpgsqlDataSource source;
    private readonly string schema;
    private readonly Lock gate = new();
    private readonly Notifier notifier;
    private Task? ready;
    private Sweeper? sweeper;

    public Engine(string database, string schema)
    {
        this.schema = schema;
        var settings = new NpgsqlConnectionStringBuilder(database)
        {
            SearchPath = schema,
            ApplicationName = "temporal-standin",
            MaxPoolSize = 24,
            MaxAutoPrepare = 64,
            AutoPrepareMinUsages = 3,
            Timeout = 5,
            CommandTimeout = 60,
        };
        source = NpgsqlDataSource.Create(settings);
        // The listener's connection must not die silently with its host, and is never idle in a pool.
        ListenerConnectionString = new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Pooling = false, KeepAlive = 5, MaxAutoPrepare = 0 }.ConnectionString;
        Listener = new Listener(this, stop.Token);
        notifier = new Notifier(this);
    }

    public string Id { get; } = Guid.NewGuid().ToString("N");

    public string Channel => schema;

    /// <summary>Set where time may jump.</summary>
    public TimeSkipping? Skipping { get; set; }

    public Clock Clock { get; } = new();

    public Wakeups Wakeups { get; } = new();

    public Listener Listener { get; }

    public string ListenerConnectionString { get; }

    public CancellationToken Stopped => stop.Token;

    public static string Database => Environment.GetEnvironmentVariable(DatabaseVariable) is { Length: > 0 } database
        ? database
        : throw new Exceptions.RpcException(
            Exceptions.RpcException.StatusCode.Unavailable,
            $"No database for workflows: set {DatabaseVariable} to an Npgsql connection string.",
            null);

    public static Engine FromEnvironment() => Shared.GetOrAdd(Database, database => new Engine(database, DefaultSchema));

    /// <summary>Creates what is missing in the database and starts listening and sweeping, once.</summary>
    public Task ReadyAsync(CancellationToken token)
    {
        lock (gate)
        {
            if (ready == null || ready.IsFaulted || ready.IsCanceled)
            {
                ready = PrepareAsync();
            }
            return ready.WaitAsync(token);
        }
    }

    public async Task<bool> PingAsync(CancellationToken token)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(token).ConfigureAwait(false);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    /// <summary>Runs a transaction; a lost connection or a deadlock repeats it, for as long as the token lets it.</summary>
    public async Task<T> TransactAsync<T>(Func<Transaction, Task<T>> body, CancellationToken token = default)
    {
        await ReadyAsync(token).ConfigureAwait(false);
        return await RetryAsync(
            async () =>
            {
                await using var connection = await source.OpenConnectionAsync(token).ConfigureAwait(false);
                var transaction = new Transaction(this, connection, token);
                var result = await body(transaction).ConfigureAwait(false);
                await transaction.CommitAsync().ConfigureAwait(false);
                Wake(transaction.Wakeups);
                return result;
            },
            token).ConfigureAwait(false);
    }

    public Task TransactAsync(Func<Transaction, Task> body, CancellationToken token = default) => TransactAsync(
        async t =>
        {
            await body(t).ConfigureAwait(false);
            return true;
        },
        token);

    /// <summary>Runs one statement by itself.</summary>
    public Task<List<T>> ReadAsync<T>(Func<NpgsqlDataReader, T> read, string sql, object?[] args, CancellationToken token = default) =>
        BatchAsync(reader => reader.RowsAsync(read, token), token, (sql, args));

    /// <summary>Runs statements as one transaction in one round trip; only those that return rows have a result.</summary>
    public Task<T> BatchAsync<T>(Func<NpgsqlDataReader, Task<T>> read, CancellationToken token, params (string Sql, object?[] Args)[] statements) =>
        BatchAsync(read, _ => statements, token);

    /// <summary>The same; the statements may differ when the answer to them was lost and they may have been done.</summary>
    private async Task<T> BatchAsync<T>(Func<NpgsqlDataReader, Task<T>> read, Func<bool, (string Sql, object?[] Args)[]> statements, CancellationToken token)
    {
        await ReadyAsync(token).ConfigureAwait(false);
        var again = false;
        return await RetryAsync(
            async () =>
            {
                await using var connection = await source.OpenConnectionAsync(token).ConfigureAwait(false);
                await using var batch = new NpgsqlBatch(connection);
                var wanted = statements(again);
                again = true;
                foreach (var (sql, args) in wanted)
                {
                    batch.BatchCommands.Add(Transaction.Command(sql, args));
                }
                await using var reader = await batch.ExecuteReaderAsync(token).ConfigureAwait(false);
                var result = await read(reader).ConfigureAwait(false);
                while (await reader.NextResultAsync(token).ConfigureAwait(false))
                {
                    // An error of a later statement is one of all.
                }
                return result;
            },
            token).ConfigureAwait(false);
    }

    public Task ExecuteAsync(string sql, object?[] args, CancellationToken token = default) => ReadAsync(_ => 0, sql, args, token);

    /// <summary>Wakes whoever waits in this process, and soon after in the others.</summary>
    public void Wake(IReadOnlyCollection<string> keys)
    {
        foreach (var key in keys)
        {
            Wakeups.Set(key);
        }
        notifier.Tell(keys);
    }

    public void Poke(DateTime due) => sweeper?.Poke(due);

    public ValueTask DisposeAsync() => DisposeAsync(dropSchema: false);

    /// <summary>Ends everything that reads the schema, then, if asked, drops it.</summary>
    public async ValueTask DisposeAsync(bool dropSchema)
    {
        await notifier.Completion.WaitAsync(TimeSpan.FromSeconds(1)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await stop.CancelAsync().ConfigureAwait(false);
        Wakeups.SetAll();
        if (sweeper != null)
        {
            await sweeper.Completion.ConfigureAwait(false);
        }
        await Listener.Completion.ConfigureAwait(false);
        if (dropSchema)
        {
            await DropSchemaAsync().ConfigureAwait(false);
        }
        await source.DisposeAsync().ConfigureAwait(false);
    }

    private async Task DropSchemaAsync()
    {
        await using var connection = await source.OpenConnectionAsync().ConfigureAwait(false);
        await using var command = new NpgsqlCommand($"DROP SCHEMA IF EXISTS {schema} CASCADE", connection);
        await command.ExecuteNonQueryAsync().ConfigureAwait(false);
    }

    private static bool IsTransient(Exception e) => e switch
    {
        PostgresException p => p.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure or
            PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow or
            PostgresErrorCodes.TooManyConnections,
        NpgsqlException n => n.IsTransient || n.InnerException is IOException or System.Net.Sockets.SocketException or TimeoutException,
        System.Net.Sockets.SocketException or IOException or TimeoutException => true,
        _ => false,
    };

    private async Task<T> RetryAsync<T>(Func<Task<T>> action, CancellationToken token, int tries = int.MaxValue)
    {
        for (var (wait, left) = (10, tries); ; wait = Math.Min(wait * 2, 1000), left--)
        {
            try
            {
                return await action().ConfigureAwait(false);
            }
            catch (Exception e) when (left > 1 && IsTransient(e) && !token.IsCancellationRequested && !stop.IsCancellationRequested)
            {
                await Task.Delay(wait + Random.Shared.Next(wait), token).ConfigureAwait(false);
            }
        }
    }

    private async Task PrepareAsync()
    {
        await RetryAsync(
            async () =>
            {
                await CreateAsync().ConfigureAwait(false);
                await Listener.StartAsync().ConfigureAwait(false);
                return true;
            },
            CancellationToken.None,
            StartTries).ConfigureAwait(false);
        sweeper = new Sweeper(this);
    }

    private async Task CreateAsync()
    {
        await using var connection = await source.OpenConnectionAsync().ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync().ConfigureAwait(false);
        await using var batch = new NpgsqlBatch(connection, transaction);
        batch.BatchCommands.Add(Transaction.Command("SELECT pg_advisory_xact_lock(hashtext($1))", schema));
        await batch.ExecuteNonQueryAsync().ConfigureAwait(false);
        await using var exists = new NpgsqlCommand(
            "SELECT to_regclass($1 || '.search_attributes') IS NOT NULL", connection, transaction)
        {
            Parameters = { new NpgsqlParameter { Value = schema } },
        };
        if (!(bool)(await exists.ExecuteScalarAsync().ConfigureAwait(false))!)
        {
            await using var create = new NpgsqlCommand(Schema.Create(schema), connection, transaction);
            await create.ExecuteNonQueryAsync().ConfigureAwait(false);
        }
        await transaction.CommitAsync().ConfigureAwait(false);
    }
}
