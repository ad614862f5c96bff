using Marten;
using Npgsql;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Endpoints;

/// <summary>What calls are made for.</summary>
/// <param name="Run">Run id.</param>
/// <param name="Stage">generate or rate.</param>
/// <param name="Language">Language.</param>
/// <param name="Work">Iteration and shard: whoever takes it up again knows that its calls of before are over.</param>
public sealed record CallScope(string Run, string Stage, string Language, string Work);

/// <summary>A call's end.</summary>
/// <param name="Call">Its reservation; null when that is already given back.</param>
/// <param name="Cost">What it took.</param>
public sealed record PaidCall(Guid? Call, Cost Cost);

/// <summary>What a run has paid.</summary>
/// <param name="Cap">US dollars that it may; null for any.</param>
/// <param name="Spent">Paid, on events.</param>
/// <param name="Assumed">Counted for calls whose reply never came: they may be paid.</param>
/// <param name="Reserved">The most that calls under way may cost.</param>
public sealed record BudgetState(decimal? Cap, decimal Spent, decimal Assumed, decimal Reserved);

/// <summary>One line of the ledger of paid calls.</summary>
/// <param name="Calls">Replies.</param>
/// <param name="UsdUnanswered">Counted for calls whose reply never came.</param>
public sealed record CallLedger(string Stage, string Language, long Calls, long TokensIn, long TokensOut, decimal Usd, decimal UsdUnanswered);

/// <summary>
/// The budget: before a call its greatest cost is reserved under the cap; with its result, in the same transaction, it is settled. A call whose reply
/// never came (time-out, lost connection, killed worker) counts as paid in full: the cap holds whatever the endpoint did.
/// </summary>
public sealed class BudgetBook(NpgsqlDataSource database)
{
    // The row with an empty stage is the run's; it alone is asked before a call. All transactions lock it first.
    internal const string Tables = $"""
        create table if not exists {StoreConfiguration.Schema}.xi_budgets (
            run text not null, stage text not null, language text not null, cap numeric null, reserved numeric not null default 0,
            spent numeric not null default 0, assumed numeric not null default 0, calls bigint not null default 0,
            tokens_in bigint not null default 0, tokens_out bigint not null default 0, primary key (run, stage, language));
        create table if not exists {StoreConfiguration.Schema}.xi_calls (
            id uuid primary key, run text not null, stage text not null, language text not null, work text not null, usd numeric not null,
            at timestamptz not null default now());
        """;

    private const string Budgets = $"{StoreConfiguration.Schema}.xi_budgets";
    private const string Calls = $"{StoreConfiguration.Schema}.xi_calls";

    /// <summary>Sets what a run may spend, in the transaction that says so.</summary>
    public static void QueueCap(IDocumentSession session, string run, decimal? cap) => session.QueueSqlCommand(
        $"insert into {Budgets} (run, stage, language, cap) values (?, '', '', {(cap is null ? "null" : "?")}) on conflict (run, stage, language) do update set cap = excluded.cap",
        cap is { } usd ? [run, usd] : [run]);

    /// <summary>Reserves a call's greatest cost.</summary>
    /// <param name="call">A new id; the same again when the answer was lost.</param>
    /// <param name="scope">What the call is for.</param>
    /// <param name="usd">What it may cost at most.</param>
    /// <param name="ct">Cancellation.</param>
    /// <returns>Whether the budget allows it.</returns>
    public async Task<bool> ReserveAsync(Guid call, CallScope scope, decimal usd, CancellationToken ct)
    {
        await using var command = database.CreateCommand($"""
            with gate as (
                update {Budgets} set reserved = reserved + $6::numeric
                where run = $2 and stage = '' and language = '' and (cap is null or spent + assumed + reserved + $6::numeric <= cap) returning 1),
            made as (insert into {Calls} (id, run, stage, language, work, usd) select $1, $2, $3, $4, $5, $6::numeric from gate returning 1)
            select exists (select from made) or exists (select from {Calls} where id = $1)
            """);
        foreach (var value in new object[] { call, scope.Run, scope.Stage, scope.Language, scope.Work, usd }) command.Parameters.Add(new NpgsqlParameter { Value = value });
        try
        {
            return await command.ExecuteScalarAsync(ct) is true;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // It is reserved already, and none of this is done.
            return true;
        }
    }

    /// <summary>Settles calls in the transaction that appends their results.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="scope">What the calls were for.</param>
    /// <param name="recorded">Calls whose cost stands on an event of this transaction.</param>
    /// <param name="other">Calls whose result was there already: paid, and on no event.</param>
    public static void QueueSettlement(IDocumentSession session, CallScope scope, IReadOnlyList<PaidCall> recorded, IReadOnlyList<PaidCall> other)
    {
        var (spent, known) = (recorded.Sum(c => c.Cost.Usd), other.Where(c => c.Call is not null).ToArray());
        var (calls, read, written) = ((long)recorded.Count(c => c.Call is not null), recorded.Sum(c => c.Cost.TokensIn), recorded.Sum(c => c.Cost.TokensOut));
        session.QueueSqlCommand(
            $"update {Budgets} set spent = spent + ?, calls = calls + ?, tokens_in = tokens_in + ?, tokens_out = tokens_out + ? where run = ? and stage = '' and language = ''",
            spent, calls, read, written, scope.Run);
        // A call that is no longer open was counted when it ended, and only the answer to that was lost.
        session.QueueSqlCommand(
            $"""
            with gone as (delete from {Calls} where id = any(?) returning id, usd),
            sums as (
                select coalesce(sum(gone.usd), 0) as reserved, coalesce(sum(known.usd), 0) as assumed
                from gone left join unnest(?::uuid[], ?::numeric[]) as known (id, usd) using (id)),
            total as (
                update {Budgets} b set reserved = b.reserved - s.reserved, assumed = b.assumed + s.assumed
                from sums s where b.run = ? and b.stage = '' and b.language = '' returning 1)
            insert into {Budgets} as b (run, stage, language, spent, assumed, calls, tokens_in, tokens_out) select ?, ?, ?, ?, s.assumed, ?, ?, ? from sums s
            on conflict (run, stage, language) do update set spent = b.spent + excluded.spent, assumed = b.assumed + excluded.assumed,
                calls = b.calls + excluded.calls, tokens_in = b.tokens_in + excluded.tokens_in, tokens_out = b.tokens_out + excluded.tokens_out
            """,
            recorded.Concat(known).Select(c => c.Call).OfType<Guid>().ToArray(), known.Select(c => c.Call!.Value).ToArray(), known.Select(c => c.Cost.Usd).ToArray(),
            scope.Run, scope.Run, scope.Stage, scope.Language, spent, calls, read, written);
    }

    /// <summary>Gives a reservation back.</summary>
    /// <param name="call">The reservation.</param>
    /// <param name="paid">US dollars that were paid for nothing; null when that is not known: then all of it counts as paid.</param>
    /// <param name="ct">Cancellation.</param>
    public Task ReleaseAsync(Guid call, decimal? paid, CancellationToken ct) => EndAsync("id = $1", paid, ct, call);

    /// <summary>Ends what an earlier attempt at the same work left open.</summary>
    public Task EndWorkAsync(CallScope scope, CancellationToken ct) =>
        EndAsync("run = $1 and stage = $2 and language = $3 and work = $4", null, ct, scope.Run, scope.Stage, scope.Language, scope.Work);

    /// <summary>Ends what an earlier start of the run left open.</summary>
    public Task EndRunAsync(string run, CancellationToken ct) => EndAsync("run = $1", null, ct, run);

    /// <summary>How a run's budget stands.</summary>
    public async Task<BudgetState> StateAsync(string run, CancellationToken ct)
    {
        await using var command = database.CreateCommand($"select cap, spent, assumed, reserved from {Budgets} where run = $1 and stage = '' and language = ''");
        command.Parameters.Add(new NpgsqlParameter { Value = run });
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct)
            ? new BudgetState(await reader.IsDBNullAsync(0, ct) ? null : reader.GetDecimal(0), reader.GetDecimal(1), reader.GetDecimal(2), reader.GetDecimal(3))
            : new BudgetState(null, 0, 0, 0);
    }

    /// <summary>Paid calls by stage and language.</summary>
    public async Task<IReadOnlyList<CallLedger>> LedgerAsync(string run, CancellationToken ct)
    {
        await using var command = database.CreateCommand(
            $"select stage, language, calls, tokens_in, tokens_out, spent, assumed from {Budgets} where run = $1 and stage <> '' order by stage, language");
        command.Parameters.Add(new NpgsqlParameter { Value = run });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var lines = new List<CallLedger>();
        while (await reader.ReadAsync(ct))
        {
            lines.Add(new CallLedger(reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetDecimal(5), reader.GetDecimal(6)));
        }

        return lines;
    }

    /// <summary>Ends open calls. The run's row is locked before their own, as everywhere.</summary>
    private async Task EndAsync(string which, decimal? paid, CancellationToken ct, params object[] values)
    {
        var each = paid is { } known ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{known}::numeric") : "usd";
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var batch = new NpgsqlBatch(connection, transaction);
        Add($"select 1 from {Budgets} where (run, stage, language) in (select run, '', '' from {Calls} where {which}) order by run for update", values);
        Add(
            $"""
            with gone as (delete from {Calls} where {which} returning run, stage, language, usd),
            parts as (select run, stage, language, sum(usd) as usd, sum({each}) as paid from gone group by 1, 2, 3),
            total as (
                update {Budgets} b set reserved = reserved - t.usd, assumed = assumed + t.paid
                from (select run, sum(usd) as usd, sum(paid) as paid from parts group by 1) t where b.run = t.run and b.stage = '' and b.language = '' returning 1)
            insert into {Budgets} as b (run, stage, language, assumed) select run, stage, language, paid from parts where paid > 0
            on conflict (run, stage, language) do update set assumed = b.assumed + excluded.assumed
            """,
            values);
        await batch.ExecuteNonQueryAsync(ct);
        await transaction.CommitAsync(ct);

        void Add(string sql, object[] parameters)
        {
            var command = new NpgsqlBatchCommand(sql);
            foreach (var value in parameters) command.Parameters.Add(new NpgsqlParameter { Value = value });
            batch.BatchCommands.Add(command);
        }
    }
}
