using Npgsql;

namespace XInstruct.EndToEnd;

/// <summary>Processes that meet an empty database together.</summary>
public sealed class FirstStartTests
{
    private const int Starts = 5;

    [Fact]
    public async Task FirstStarts_ManyAtOnce_WaitForEachOtherAndAllFindTheirTables()
    {
        await using var product = await ProductProcess.CreateAsync();
        await using var connection = new NpgsqlConnection(product.Postgres);
        await connection.OpenAsync();
        // Nobody may begin until all are there: left to themselves they seldom meet.
        await using var gate = await connection.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("select pg_advisory_xact_lock(7270000)", connection, gate)) await hold.ExecuteNonQueryAsync();
        var starts = Task.WhenAll(Enumerable.Range(0, Starts).Select(_ => product.RunAsync("status", "--json")));
        while (!starts.IsCompleted && await WaitingAsync(product) < Starts) await Task.Delay(50);
        starts.IsCompleted.ShouldBeFalse("they did not wait");
        await gate.CommitAsync();
        foreach (var (code, output, error) in await starts) code.ShouldBe(0, error + output);
    }

    private static async Task<long> WaitingAsync(ProductProcess product) => (await product.ReadAsync(
        "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())",
        r => r.GetInt64(0)))[0];
}
