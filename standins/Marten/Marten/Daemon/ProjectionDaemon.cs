using System.Collections.Concurrent;
using JasperFx.Events.Aggregation;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using Microsoft.Extensions.Logging;

namespace Marten.Daemon;

/// <summary>Runs asynchronous projections, one task each, behind one high-water mark.</summary>
internal sealed class ProjectionDaemon(DocumentStore store, ILogger logger) : IProjectionDaemon
{
    private const int RebuildBatchSize = 1000;
    private readonly HighWater _highWater = new(store);
    private readonly SemaphoreSlim _highWaterGate = new(1, 1);
    private readonly ConcurrentDictionary<string, Agent> _agents = new(StringComparer.Ordinal);
    private readonly ProjectionGraph<Events.Projections.IProjection, IDocumentOperations, IQuerySession> _projections = store.StoreOptions.Projections;
    private CancellationTokenSource? _stop;
    private Task _polling = Task.CompletedTask;

    public bool IsRunning => _stop is { IsCancellationRequested: false };

    public long HighWaterMark() => Math.Max(_highWater.Mark, 0);

    public AgentStatus StatusFor(string shardName) => _agents.TryGetValue(shardName, out var agent) ? agent.Status : AgentStatus.Stopped;

    public bool HasAnyPaused() => _agents.Values.Any(a => a.Status == AgentStatus.Paused);

    public async Task StartAllAsync()
    {
        StartPolling();
        foreach (var aggregation in Asynchronous()) await StartAsync(aggregation, CancellationToken.None);
    }

    public async Task StopAllAsync()
    {
        if (_stop is null) return;
        await _stop.CancelAsync();
        await Task.WhenAll(_agents.Values.Select(a => a.Work).Append(_polling));
        _agents.Clear();
        _stop.Dispose();
        _stop = null;
    }

    public async Task StartAgentAsync(string shardName, CancellationToken token)
    {
        StartPolling();
        var aggregation = Asynchronous().FirstOrDefault(a => a.Shard.Identity == shardName)
            ?? throw new ArgumentOutOfRangeException(nameof(shardName), $"There is no asynchronous shard '{shardName}'; there are {string.Join(", ", Asynchronous().Select(a => a.Shard.Identity))}.");
        await StartAsync(aggregation, token);
    }

    public async Task StopAgentAsync(string shardName, Exception? ex = null)
    {
        if (!_agents.TryRemove(shardName, out var agent)) return;
        await agent.Stop.CancelAsync();
        await agent.Work;
    }

    public Task RebuildProjectionAsync<TView>(CancellationToken token) => RebuildProjectionAsync(typeof(TView), token);

    public Task RebuildProjectionAsync<TView>(TimeSpan shardTimeout, CancellationToken token) => RebuildProjectionAsync(typeof(TView), shardTimeout, token);

    public Task RebuildProjectionAsync(Type projectionType, CancellationToken token) => RebuildProjectionAsync(projectionType, TimeSpan.FromMinutes(5), token);

    public Task RebuildProjectionAsync(Type projectionType, TimeSpan shardTimeout, CancellationToken token) => RebuildAsync(
        _projections.Aggregations.FirstOrDefault(a => a.DocumentType == projectionType || a.GetType() == projectionType)
            ?? throw new ArgumentOutOfRangeException(nameof(projectionType), $"No projection is or makes a {projectionType}."),
        shardTimeout,
        token);

    public Task RebuildProjectionAsync(string projectionName, CancellationToken token) => RebuildProjectionAsync(projectionName, TimeSpan.FromMinutes(5), token);

    public Task RebuildProjectionAsync(string projectionName, TimeSpan shardTimeout, CancellationToken token) => RebuildAsync(
        _projections.Aggregations.FirstOrDefault(a => a.Base.Name == projectionName)
            ?? throw new ArgumentOutOfRangeException(nameof(projectionName), $"No projection is named '{projectionName}'; there are {string.Join(", ", _projections.All.Select(p => p.Name))}."),
        shardTimeout,
        token);

    public async Task CatchUpAsync(TimeSpan timeout, CancellationToken cancellation)
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        source.CancelAfter(timeout);
        await CatchUpAsync(source.Token);
    }

    public async Task CatchUpAsync(CancellationToken cancellation)
    {
        var wasRunning = IsRunning;
        await StopAllAsync();
        await store.Schema.EnsureEventsAsync(cancellation);
        var ceiling = await SettledAsync(cancellation);
        foreach (var aggregation in Asynchronous())
        {
            var runner = new ShardRunner(store, aggregation, _projections.Errors, logger);
            await runner.PrepareAsync(cancellation);
            var at = await runner.ProgressAsync(cancellation);
            while ((at ?? -1) < ceiling) at = await runner.StepAsync(at, ceiling, aggregation.Base.Options.BatchSize, cancellation);
        }

        if (wasRunning) await StartAllAsync();
    }

    public Task WaitForNonStaleData(TimeSpan timeout) => Staleness.WaitAsync(store, timeout);

    // On another thread: whoever disposes may be the only one that the continuations could run on.
    public void Dispose() => Task.Run(StopAllAsync).GetAwaiter().GetResult();

    private IEnumerable<IAggregation> Asynchronous() => _projections.Aggregations.Where(a => a.Base.Lifecycle == ProjectionLifecycle.Async);

    private void StartPolling()
    {
        if (IsRunning) return;
        _stop = new CancellationTokenSource();
        _polling = Task.Run(() => PollAsync(_stop.Token));
    }

    private async Task PollAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            var moved = false;
            try
            {
                await store.Schema.EnsureEventsAsync(ct);
                moved = await AdvanceAsync(ct);
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                logger.LogError(e, "The high-water mark could not be read");
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(moved ? _projections.FastPollingTime : _projections.SlowPollingTime, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> AdvanceAsync(CancellationToken ct)
    {
        await _highWaterGate.WaitAsync(ct);
        try
        {
            return await _highWater.AdvanceAsync(ct);
        }
        finally
        {
            _highWaterGate.Release();
        }
    }

    /// <summary>The high-water mark, once it has reached every event that was there when it was asked for.</summary>
    private async Task<long> SettledAsync(CancellationToken ct)
    {
        await using var command = store.Database.CreateCommand($"select coalesce(max(seq_id), 0) from {store.StoreOptions.Events.DatabaseSchemaName}.mt_events");
        var highest = (long)(await command.ExecuteScalarAsync(ct))!;
        while (true)
        {
            await AdvanceAsync(ct);
            if (_highWater.Mark >= highest) return _highWater.Mark;
            await Task.Delay(_projections.FastPollingTime, ct);
        }
    }

    private async Task StartAsync(IAggregation aggregation, CancellationToken ct)
    {
        var name = aggregation.Shard.Identity;
        if (_agents.ContainsKey(name)) return;
        var runner = new ShardRunner(store, aggregation, _projections.Errors, logger);
        await runner.PrepareAsync(ct);
        var agent = new Agent(CancellationTokenSource.CreateLinkedTokenSource(_stop!.Token));
        _agents[name] = agent;
        agent.Work = Task.Run(() => RunAsync(agent, aggregation, runner), CancellationToken.None);
    }

    private async Task RunAsync(Agent agent, IAggregation aggregation, ShardRunner runner)
    {
        var ct = agent.Stop.Token;
        long? at = null;
        var known = false;
        while (!ct.IsCancellationRequested)
        {
            try
            {
                if (!known) at = await runner.ProgressAsync(ct);
                known = true;
                agent.Status = AgentStatus.Running;
                var ceiling = _highWater.Mark;
                if (ceiling > (at ?? -1)) at = await runner.StepAsync(at, ceiling, aggregation.Base.Options.BatchSize, ct);
                else await Task.Delay(TimeSpan.FromMilliseconds(50), ct);
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                logger.LogError(e, "{Shard} pauses", aggregation.Shard.Identity);
                (agent.Status, known) = (AgentStatus.Paused, false);
                await Task.Delay(_projections.AgentPauseTime, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception)
            {
                break;
            }
        }

        agent.Status = AgentStatus.Stopped;
    }

    private async Task RebuildAsync(IAggregation aggregation, TimeSpan timeout, CancellationToken token)
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(token);
        source.CancelAfter(timeout);
        var ct = source.Token;
        var name = aggregation.Shard.Identity;
        var wasRunning = _agents.ContainsKey(name);
        await StopAgentAsync(name);
        var runner = new ShardRunner(store, aggregation, _projections.RebuildErrors, logger);
        await runner.PrepareAsync(ct);
        await runner.TeardownAsync(ct);
        var ceiling = await SettledAsync(ct);
        long? at = null;
        while ((at ?? -1) < ceiling) at = await runner.StepAsync(at, ceiling, RebuildBatchSize, ct);
        if (wasRunning && IsRunning) await StartAsync(aggregation, ct);
    }

    private sealed class Agent(CancellationTokenSource stop)
    {
        public CancellationTokenSource Stop { get; } = stop;

        public Task Work { get; set; } = Task.CompletedTask;

        public AgentStatus Status { get; set; } = AgentStatus.Running;
    }
}
