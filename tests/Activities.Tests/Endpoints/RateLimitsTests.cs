using Npgsql;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Costs;

namespace XInstruct.Activities.Tests.Endpoints;

/// <summary>Two workers that share the table on a real PostgreSQL, by a clock that only the test moves.</summary>
public sealed class RateLimitsTests : IAsyncLifetime
{
    private const string Name = "a key";

    private readonly string _database = $"xi_rates_{Guid.NewGuid():N}";
    private readonly SetClock _clock = new();
    private readonly List<NpgsqlDataSource> _sources = [];

    private static string Server => Environment.GetEnvironmentVariable("XINSTRUCT_TEST_POSTGRES")
        ?? throw new InvalidOperationException("XINSTRUCT_TEST_POSTGRES is not set. './xinstruct test' starts a PostgreSQL and sets it.");

    public async Task InitializeAsync()
    {
        await using (var server = NpgsqlDataSource.Create(Server)) await server.CreateCommand($"create database {_database}").ExecuteNonQueryAsync();
        _ = Worker();
        await _sources[0].CreateCommand($"create schema {StoreConfiguration.Schema}; {RateLimits.Tables}").ExecuteNonQueryAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (var source in _sources) await source.DisposeAsync();
        await using var server = NpgsqlDataSource.Create(Server);
        await server.CreateCommand($"drop database {_database} with (force)").ExecuteNonQueryAsync();
    }

    [Fact]
    public async Task Take_RequestsPerMinute_AreSharedAndNotSavedUp()
    {
        var workers = new[] { Worker(), Worker() };
        var settings = Settings(requests: 30);
        // All at once: each gets a moment of its own, two seconds after the one before.
        var waits = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => TakeAsync(workers[i % 2], settings, 1)));
        waits.Order().ShouldBe(Enumerable.Range(0, 20).Select(i => 2.0 * i), Tolerance);
        (await Worker().StateAsync(Name, default)).ShouldNotBeNull().Queue.TotalSeconds.ShouldBe(38, Tolerance);
        _clock.Advance(38);
        (await TakeAsync(workers[0], settings, 1)).ShouldBe(2, Tolerance);
        // An idle hour earns no burst.
        _clock.Advance(3600);
        (await TakeAsync(workers[1], settings, 1)).ShouldBe(0, Tolerance);
        (await TakeAsync(workers[0], settings, 1)).ShouldBe(2, Tolerance);
        // Another key is another matter.
        (await workers[0].TakeAsync("another key", settings, 1, RateTicket.None, default)).Wait.ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public async Task Take_TokensPerMinute_AreSharedAndPutRight()
    {
        var (one, two) = (Worker(), Worker());
        var settings = Settings(tokens: 600);
        (await TakeAsync(one, settings, 100)).ShouldBe(0, Tolerance);
        (await TakeAsync(two, settings, 50)).ShouldBe(10, Tolerance);
        (await TakeAsync(one, settings, 20)).ShouldBe(15, Tolerance);
        // The first took 160 and not 100, the second 30 and not 50: 40 tokens more, four seconds.
        await one.CorrectAsync(Name, settings, 100, 160, default);
        await two.CorrectAsync(Name, settings, 50, 30, default);
        (await TakeAsync(two, settings, 1)).ShouldBe(21, Tolerance);
    }

    [Fact]
    public async Task Pause_ToldToOneWorker_IsKeptByTheOther()
    {
        var (one, two) = (Worker(), Worker());
        var settings = Settings();
        var (first, _) = await one.TakeAsync(Name, settings, 1, RateTicket.None, default);
        var (second, wait) = await two.TakeAsync(Name, settings, 1, RateTicket.None, default);
        wait.ShouldBe(TimeSpan.Zero);
        (await two.LeaveAsync(Name, second, default)).Wait.ShouldBe(TimeSpan.Zero);
        await one.PauseAsync(Name, first, TimeSpan.FromSeconds(7), isEarly: true, default);
        (await two.LeaveAsync(Name, second, default)).Wait.ShouldBeNull();
        (await TakeAsync(two, settings, 1)).ShouldBe(7, Tolerance);
        // A third process, which only looks on, is told so.
        _clock.Advance(2);
        (await Worker().StateAsync(Name, default)).ShouldNotBeNull().Pause.TotalSeconds.ShouldBe(5, Tolerance);
        (await Worker().StateAsync("another key", default)).ShouldBeNull();
        _clock.Advance(-2);
        // Without Retry-After it is a second, which shortens nothing.
        await one.PauseAsync(Name, first, null, isEarly: true, default);
        (await TakeAsync(two, settings, 1)).ShouldBe(7, Tolerance);
        _clock.Advance(7);
        (await TakeAsync(one, settings, 1)).ShouldBe(0, Tolerance);
    }

    private const double Tolerance = 1e-4;

    private static async Task<double> TakeAsync(RateLimits worker, EndpointSettings settings, long tokens) =>
        (await worker.TakeAsync(Name, settings, tokens, RateTicket.None, default)).Wait.TotalSeconds;

    private static EndpointSettings Settings(int requests = 0, int tokens = 0) =>
        new(new Uri("http://127.0.0.1:1/v1"), "m", null, "max_tokens", 8, 6, 10, requests, tokens, new ModelPrice(0, 0));

    private RateLimits Worker()
    {
        _sources.Add(NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(Server) { Database = _database }.ConnectionString));
        return new RateLimits(_sources[^1]) { Clock = _clock };
    }

    private sealed class SetClock : TimeProvider
    {
        private DateTimeOffset _now = DateTimeOffset.UnixEpoch.AddYears(50);

        public void Advance(double seconds) => _now = _now.AddSeconds(seconds);

        public override DateTimeOffset GetUtcNow() => _now;
    }
}
