using Marten;
using Npgsql;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tests.Reports;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Tests.Endpoints;

/// <summary>The budget on a PostgreSQL whose answers get lost.</summary>
[Collection(nameof(WorkedStore))]
public sealed class BudgetBookTests(WorkedStore worked)
{
    private readonly CallScope _scope = new($"budget-{Guid.NewGuid():N}", "generate", "sw", "0/0");
    private readonly BudgetBook _budget = worked.Get<BudgetBook>();

    [Fact]
    public async Task Reserve_AskedAgainWithTheSameCall_ReservesOnce()
    {
        await SetCapAsync(1);
        var call = Guid.NewGuid();
        // Of what is left a second call could not be paid, but this one is not a second.
        for (var i = 0; i < 3; i++) (await _budget.ReserveAsync(call, _scope, 0.6m, default)).ShouldBeTrue();
        (await _budget.StateAsync(_scope.Run, default)).ShouldBe(new BudgetState(1, 0, 0, 0.6m));
        (await _budget.ReserveAsync(Guid.NewGuid(), _scope, 0.6m, default)).ShouldBeFalse();
        await _budget.ReleaseAsync(call, 0, default);
        await _budget.ReleaseAsync(call, 0, default);
        (await _budget.StateAsync(_scope.Run, default)).ShouldBe(new BudgetState(1, 0, 0, 0));
        (await _budget.ReserveAsync(Guid.NewGuid(), _scope, 0.6m, default)).ShouldBeTrue();
    }

    [Fact]
    public async Task Reserve_WhileTheFirstTryStillRuns_ReservesOnce()
    {
        await SetCapAsync(1);
        var database = worked.Get<NpgsqlDataSource>();
        var call = Guid.NewGuid();
        await using var connection = await database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var held = new NpgsqlCommand($"select 1 from {StoreConfiguration.Schema}.xi_budgets where run = $1 for update", connection, transaction))
        {
            held.Parameters.Add(new NpgsqlParameter { Value = _scope.Run });
            await held.ExecuteNonQueryAsync();
        }

        var tries = Enumerable.Range(0, 4).Select(_ => _budget.ReserveAsync(call, _scope, 0.2m, default)).ToList();
        await WorkedStore.EventuallyAsync(async () => (long)(await database.CreateCommand(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'").ExecuteScalarAsync())! == tries.Count);
        await transaction.CommitAsync();
        (await Task.WhenAll(tries)).ShouldAllBe(reserved => reserved);
        (await _budget.StateAsync(_scope.Run, default)).Reserved.ShouldBe(0.2m);
    }

    [Fact]
    public async Task Settlement_ToldAgain_CountsNothingTwice()
    {
        await SetCapAsync(1);
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());
        foreach (var call in (Guid[])[first, second]) (await _budget.ReserveAsync(call, _scope, 0.4m, default)).ShouldBeTrue();
        var paid = new PaidCall(first, new Cost(10, 5, 0.2m));
        await SettleAsync([paid], []);
        // Committed, but nobody heard of it: its results are there already the next time, and it is not paid for again.
        await SettleAsync([], [paid]);
        (await _budget.StateAsync(_scope.Run, default)).ShouldBe(new BudgetState(1, 0.2m, 0, 0.4m));
        // Whose result somebody else wrote in the meantime was paid for nothing.
        await SettleAsync([], [new PaidCall(second, new Cost(10, 5, 0.3m))]);
        (await _budget.StateAsync(_scope.Run, default)).ShouldBe(new BudgetState(1, 0.2m, 0.3m, 0));
        (await _budget.LedgerAsync(_scope.Run, default)).ShouldBe([new CallLedger("generate", "sw", 1, 10, 5, 0.2m, 0.3m)]);
    }

    [Fact]
    public async Task Outlast_ConnectionThatBreaks_AsksAgain()
    {
        var database = worked.Get<NpgsqlDataSource>();
        var asked = 0;
        var answer = await Outage.OutlastAsync(
            () => database.CreateCommand(++asked < 3 ? "select pg_terminate_backend(pg_backend_pid())" : "select 42").ExecuteScalarAsync(), default);
        (answer, asked).ShouldBe((42, 3));
    }

    [Fact]
    public async Task Outlast_Refusal_IsNotAskedAgain()
    {
        var asked = 0;
        await Should.ThrowAsync<PostgresException>(Outage.OutlastAsync(
            () =>
            {
                asked++;
                return worked.Get<NpgsqlDataSource>().CreateCommand("select 1 / 0").ExecuteScalarAsync();
            },
            default));
        asked.ShouldBe(1);
    }

    private async Task SettleAsync(IReadOnlyList<PaidCall> recorded, IReadOnlyList<PaidCall> other)
    {
        await using var session = worked.Get<IDocumentStore>().LightweightSession();
        BudgetBook.QueueSettlement(session, _scope, recorded, other);
        await session.SaveChangesAsync();
    }

    private async Task SetCapAsync(decimal usd)
    {
        await using var session = worked.Get<IDocumentStore>().LightweightSession();
        BudgetBook.QueueCap(session, _scope.Run, usd);
        await session.SaveChangesAsync();
    }
}
