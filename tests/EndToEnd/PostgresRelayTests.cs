using System.Text.Json;
using Npgsql;
using XInstruct.Cli;
using XInstruct.Cli.Chaos;

namespace XInstruct.EndToEnd;

/// <summary>What chaos does to PostgreSQL, and what a single command says of it.</summary>
public sealed class PostgresRelayTests : IAsyncLifetime
{
    private const double Hardly = 1e-9;

    private ProductProcess _product = null!;
    private PostgresRelay _relay = null!;

    private string Through => new NpgsqlConnectionStringBuilder(_relay.Through(_product.Postgres, new NpgsqlConnectionStringBuilder(_product.Postgres).Database!)) { Pooling = false }.ConnectionString;

    public async Task InitializeAsync()
    {
        _product = await ProductProcess.CreateAsync();
        _relay = Relay(_product.Postgres);
    }

    public async Task DisposeAsync()
    {
        await _relay.DisposeAsync();
        await _product.DisposeAsync();
    }

    [Fact]
    public async Task Losses_EveryAnswer_WritesAreDoneAndNotAnswered()
    {
        await _product.ExecuteAsync("create table t(a int)");
        (await LoseAsync("insert into t values (1)")).IsTransient.ShouldBeTrue();
        (await LoseAsync("begin; select pg_sleep(0); commit")).IsTransient.ShouldBeTrue();
        // Within a transaction that was not committed.
        await LoseAsync("begin; insert into t values (2)");
        (await _product.ReadAsync("select a from t", r => r.GetInt32(0))).ShouldBe([1]);
        _relay.Lost.ShouldBe(3);
        _relay.Losses = 0;
        await ExecuteAsync("insert into t values (3)");
        // A long answer in many pieces, read message by message.
        _relay.Losses = Hardly;
        (await ReadAsync("select string_agg(i::text, ',') from generate_series(1, 100000) i union all select 'end'")).ShouldBe([string.Join(',', Enumerable.Range(1, 100_000)), "end"]);
        _relay.Lost.ShouldBe(3);
        // The handshake.
        _relay.Losses = 1;
        await Should.ThrowAsync<NpgsqlException>(() => ExecuteAsync("select 1"));
    }

    private async Task<NpgsqlException> LoseAsync(string sql)
    {
        _relay.Losses = Hardly;
        await using var connection = new NpgsqlConnection(Through);
        await connection.OpenAsync();
        _relay.Losses = 1;
        await using var command = new NpgsqlCommand(sql, connection);
        return await Should.ThrowAsync<NpgsqlException>(() => command.ExecuteNonQueryAsync());
    }

    [Theory]
    [InlineData("Host=localhost;Port=54399;Database=a", true)]
    [InlineData("Host=127.0.0.1;Port=54399", true)]
    [InlineData("Host=127.0.0.1;Port=54398", false)]
    [InlineData("Host=10.0.0.1;Port=54399", false)]
    [InlineData("Host=/tmp;Port=54399", false)]
    [InlineData("this is none", false)]
    public async Task IsServerOf_OtherNames_AreSeenThrough(string value, bool isServer)
    {
        await using var relay = Relay("Host=localhost;Port=54399");
        relay.IsServerOf(value).ShouldBe(isServer);
    }

    [Fact]
    public async Task GoAway_ForAWhile_RefusesAndComesBack()
    {
        await ExecuteAsync("select 1");
        var away = _relay.GoAwayAsync(TimeSpan.FromSeconds(1));
        await Should.ThrowAsync<NpgsqlException>(() => ExecuteAsync("select 1"));
        await away;
        await ExecuteAsync("select 1");
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.25)]
    [InlineData(0.1)]
    public async Task Command_PostgresLostOnTheWay_SaysSo(double losses)
    {
        _relay.Losses = losses;
        _product.Variables["XINSTRUCT_POSTGRES"] = _relay.Through(_product.Postgres, new NpgsqlConnectionStringBuilder(_product.Postgres).Database!);
        for (var start = 0; start < 4; start++)
        {
            var lost = _relay.Lost;
            using var process = _product.Start("status");
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            process.ExitCode.ShouldBeOneOf(ExitCodes.MissingComponent, ExitCodes.Ok);
            if (process.ExitCode == ExitCodes.Ok) continue;
            (await error).ShouldContain("PostgreSQL", customMessage: await output);
            _relay.Lost.ShouldBeGreaterThan(lost);
        }
    }

    [Fact]
    public async Task Run_PostgresLostWhereItDoesNotWait_GoesOnByItself()
    {
        string[] command = ["run", UndisturbedRun.Recipe, "--json", .. UndisturbedRun.Small];
        var (_, expected, _) = await _product.RunAsync(command);
        _relay.Losses = 0.05;
        foreach (var (variable, database) in new[] { ("XINSTRUCT_POSTGRES", ""), ("TEMPORAL_STANDIN_DATABASE", "_t") })
            _product.Variables[variable] = _relay.Through(_product.Postgres, new NpgsqlConnectionStringBuilder(_product.Postgres).Database + database);
        // Ended long ago: to tell of it takes seconds, and a statement for each thing that it tells.
        for (var (wentOn, starts) = (false, 0); !wentOn; starts++)
        {
            starts.ShouldBeLessThan(40);
            using var process = _product.Start(command);
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            if (process.ExitCode == ExitCodes.MissingComponent && (await error).Contains("does not answer", StringComparison.Ordinal)) continue;
            process.ExitCode.ShouldBe(0, await error + await output);
            wentOn = (await error).Contains("going on when it is back", StringComparison.Ordinal);
            Last(await output).GetProperty("release").GetRawText().ShouldBe(Last(expected).GetProperty("release").GetRawText());
        }

        static JsonElement Last(string output) => JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;
    }

    private static PostgresRelay Relay(string server) => new(server, 1);

    private async Task ExecuteAsync(string sql) => await ReadAsync(sql);

    private async Task<List<string>> ReadAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Through);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync()) rows.Add(reader.GetValue(0).ToString()!);
        return rows;
    }
}
