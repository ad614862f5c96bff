using System.Data;
using Npgsql;

namespace Marten.Sessions;

/// <summary>A session's connections: one from the pool for each call, or its own one once a transaction has begun.</summary>
internal sealed class SessionConnection(NpgsqlDataSource database, IsolationLevel isolation) : IAsyncDisposable, IDisposable
{
    private NpgsqlConnection? _own;
    private NpgsqlTransaction? _transaction;

    public NpgsqlConnection Own
    {
        get
        {
            Begin();
            return _own!;
        }
    }

    public void Begin()
    {
        if (_transaction is not null) return;
        _own ??= database.OpenConnection();
        _transaction = _own.BeginTransaction(isolation);
    }

    public async ValueTask BeginAsync(CancellationToken ct)
    {
        if (_transaction is not null) return;
        _own ??= await database.OpenConnectionAsync(ct);
        _transaction = await _own.BeginTransactionAsync(isolation, ct);
    }

    public async ValueTask<Lease> OpenAsync(CancellationToken ct) =>
        _transaction is not null ? new Lease(_own!, null) : new Lease(await database.OpenConnectionAsync(ct), this);

    /// <summary>A connection with a transaction: the session's, or a new one for this save.</summary>
    public async ValueTask<Save> OpenSaveAsync(CancellationToken ct)
    {
        if (_transaction is not null) return new Save(_own!, _transaction, this, Shared: true);
        var connection = await database.OpenConnectionAsync(ct);
        return new Save(connection, await connection.BeginTransactionAsync(isolation, ct), this, Shared: false);
    }

    public void Dispose()
    {
        _transaction?.Dispose();
        _own?.Dispose();
        (_transaction, _own) = (null, null);
    }

    public async ValueTask DisposeAsync()
    {
        if (_transaction is not null) await _transaction.DisposeAsync();
        if (_own is not null) await _own.DisposeAsync();
        (_transaction, _own) = (null, null);
    }

    internal readonly record struct Lease(NpgsqlConnection Connection, SessionConnection? Borrowed) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Borrowed is null ? ValueTask.CompletedTask : Connection.DisposeAsync();
    }

    internal sealed record Save(NpgsqlConnection Connection, NpgsqlTransaction Transaction, SessionConnection Session, bool Shared) : IAsyncDisposable
    {
        private bool _isGone;

        public async Task CommitAsync(CancellationToken ct)
        {
            await Transaction.CommitAsync(ct);
            if (Shared) await Session.DisposeAsync();
        }

        public async ValueTask DisposeAsync()
        {
            // Once and no more: Npgsql gives the same transaction object to whoever has the connection next.
            if (_isGone) return;
            _isGone = true;
            // What was not committed is rolled back, also a transaction that the session began before.
            if (Shared)
            {
                await Session.DisposeAsync();
                return;
            }

            await Transaction.DisposeAsync();
            await Connection.DisposeAsync();
        }
    }
}
