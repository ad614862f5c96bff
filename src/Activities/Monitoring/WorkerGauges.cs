using System.Diagnostics;
using System.Diagnostics.Metrics;
using Npgsql;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.TaskQueue.V1;
using Temporalio.Api.WorkflowService.V1;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;

namespace XInstruct.Activities.Monitoring;

/// <summary>What a worker must ask others for before it is written down: queues, the database, endpoints. Asked once a scrape.</summary>
public sealed class WorkerGauges : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly Meter _meter = new(Instruments.Meter);
    private readonly ITemporalClient _client;
    private readonly NpgsqlDataSource _database;
    private readonly EndpointPool _endpoints;
    private readonly RateLimits _rates;
    private readonly IReadOnlyDictionary<string, int> _slots;
    private IReadOnlyList<(string Queue, string Kind, TaskQueueStats Stats)> _queues = [];
    private IReadOnlyList<(EndpointUse Use, RateState? Rate)> _paces = [];
    private double? _latency;

    /// <summary>Makes the gauges known.</summary>
    /// <param name="client">Asked for the queues.</param>
    /// <param name="database">The event store.</param>
    /// <param name="endpoints">Endpoints that this process uses.</param>
    /// <param name="rates">Their pace.</param>
    /// <param name="slots">Activities that each queue of this process may have under way.</param>
    public WorkerGauges(ITemporalClient client, NpgsqlDataSource database, EndpointPool endpoints, RateLimits rates, IReadOnlyDictionary<string, int> slots)
    {
        (_client, _database, _endpoints, _rates, _slots) = (client, database, endpoints, rates, slots);
        _meter.CreateObservableGauge("xinstruct.activities.slots", () => _slots.Select(s => Of(s.Value, ("queue", s.Key))), description: "Activities that may be under way.");
        _meter.CreateObservableGauge("xinstruct.queue.backlog", () => _queues.Select(q => Of(q.Stats.ApproximateBacklogCount, ("queue", q.Queue), ("kind", q.Kind))), description: "Tasks that wait for a worker, about.");
        _meter.CreateObservableGauge("xinstruct.queue.lag", () => _queues.Select(q => Of(q.Stats.ApproximateBacklogAge?.ToTimeSpan().TotalSeconds ?? 0, ("queue", q.Queue), ("kind", q.Kind))), "s", "Age of the oldest task that waits, about.");
        _meter.CreateObservableGauge("xinstruct.database.up", () => _latency is null ? 0 : 1, description: "Whether PostgreSQL answered.");
        _meter.CreateObservableGauge("xinstruct.database.latency", () => _latency is { } seconds ? [Of(seconds)] : Array.Empty<Measurement<double>>(), "s", "How long PostgreSQL took for a trivial question.");
        _meter.CreateObservableGauge("xinstruct.endpoint.concurrency.limit", () => _paces.Select(p => Of(p.Use.Gate.Limit, ("model", p.Use.Settings.Model))), description: "Calls of this process that may be under way.");
        _meter.CreateObservableGauge("xinstruct.endpoint.pause", () => _paces.Select(p => Of(p.Rate?.Pause.TotalSeconds ?? 0, ("model", p.Use.Settings.Model))), "s", "How long all calls still wait because the endpoint said so.");
        _meter.CreateObservableGauge("xinstruct.endpoint.queue", () => _paces.Select(p => Of(p.Rate?.Queue.TotalSeconds ?? 0, ("model", p.Use.Settings.Model))), "s", "How long a new call would wait for its turn.");
        _meter.CreateObservableGauge("xinstruct.endpoint.rate.limit", () => _paces.Where(p => p.Rate?.RequestsPerMinute is not null).Select(p => Of(p.Rate!.RequestsPerMinute!.Value / 60, ("model", p.Use.Settings.Model))), description: "Calls a second that 429s taught.");
        _meter.CreateObservableGauge("xinstruct.worker.info", () => Of(1, ("worker", WorkerIdentity.Current), ("version", CodeVersion.Current)), description: "This process.");
    }

    /// <summary>Asks all of them; what does not answer is left out.</summary>
    public async Task RefreshAsync(CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Patience);
        _latency = await TryAsync(async () => (double?)(await PingAsync(_database, limit.Token)).TotalSeconds);
        _queues = await TryAsync(() => QueuesAsync(limit.Token)) ?? [];
        _paces = await TryAsync(() => PacesAsync(limit.Token)) ?? [];
        ct.ThrowIfCancellationRequested();
    }

    /// <summary>How long PostgreSQL takes for a trivial question.</summary>
    public static async Task<TimeSpan> PingAsync(NpgsqlDataSource database, CancellationToken ct)
    {
        await using var command = database.CreateCommand("select 1");
        var began = Stopwatch.GetTimestamp();
        await command.ExecuteScalarAsync(ct);
        return Stopwatch.GetElapsedTime(began);
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private async Task<IReadOnlyList<(string Queue, string Kind, TaskQueueStats Stats)>> QueuesAsync(CancellationToken ct)
    {
        var all = new List<(string, string, TaskQueueStats)>();
        foreach (var (queue, type) in Workflows.TaskQueues.All.Select(q => (q, TaskQueueType.Activity)).Prepend((Workflows.TaskQueues.Cpu, TaskQueueType.Workflow)))
        {
            var request = new DescribeTaskQueueRequest { Namespace = _client.Options.Namespace, TaskQueue = new() { Name = queue }, TaskQueueType = type, ReportStats = true };
            var response = await _client.WorkflowService.DescribeTaskQueueAsync(request, new RpcOptions { CancellationToken = ct });
            if (response.Stats is { } stats) all.Add((queue, type.ToString().ToLowerInvariant(), stats));
        }

        return all;
    }

    private async Task<IReadOnlyList<(EndpointUse Use, RateState? Rate)>> PacesAsync(CancellationToken ct)
    {
        var all = new List<(EndpointUse, RateState?)>();
        foreach (var use in _endpoints.InUse) all.Add((use, await _rates.StateAsync(use.RateName, ct)));
        return all;
    }

    private static async Task<T?> TryAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception e) when (e is NpgsqlException or RpcException or OperationCanceledException)
        {
            return default;
        }
    }

    private static Measurement<T> Of<T>(T value, params (string Name, string Value)[] labels)
        where T : struct => new(value, labels.Select(l => new KeyValuePair<string, object?>(l.Name, l.Value)));
}
