using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Npgsql;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Serving;
using XInstruct.Activities.Serving.Protocol;
using XInstruct.Activities.Storage;

namespace XInstruct.Activities.Monitoring;

/// <summary>Whether a worker may be given work.</summary>
/// <param name="Worker">Process id and host name.</param>
/// <param name="Status">ready or notReady.</param>
/// <param name="Problems">What is in the way, a sentence each.</param>
public sealed record Readiness(string Worker, string Status, IReadOnlyList<string> Problems);

/// <summary>Tells those who run a worker how it is: <c>/health</c>, <c>/ready</c> and <c>/metrics</c>.</summary>
public sealed class WorkerMonitor : IAsyncDisposable
{
    /// <summary>Ours, and the runtime's memory, threads and collections. Npgsql's would tell connection strings.</summary>
    private static readonly string[] Meters = [Instruments.Meter, "System.Runtime"];

    private readonly WorkerGauges _gauges;
    private readonly PrometheusText _text = new(Meters);
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ITemporalClient _client;
    private readonly NpgsqlDataSource _database;
    private WebApplication? _app;

    private WorkerMonitor(ITemporalClient client, NpgsqlDataSource database, WorkerGauges gauges) => (_client, _database, _gauges) = (client, database, gauges);

    /// <summary>Address up to and with the port.</summary>
    public Uri Address => new(_app!.Urls.First());

    /// <summary>Set when the worker takes no more work.</summary>
    public bool IsDraining { get; set; }

    /// <summary>Starts to listen.</summary>
    /// <param name="client">The engine.</param>
    /// <param name="database">The event store.</param>
    /// <param name="endpoints">Endpoints that this process uses.</param>
    /// <param name="rates">Their pace.</param>
    /// <param name="slots">Activities that each queue of this process may have under way.</param>
    /// <param name="options">Where, and who may ask.</param>
    /// <param name="ct">Cancellation of the start.</param>
    /// <exception cref="ArgumentException">Without a token it would listen to other machines.</exception>
    /// <exception cref="AddressException">The port is taken.</exception>
    public static async Task<WorkerMonitor> StartAsync(
        ITemporalClient client, NpgsqlDataSource database, EndpointPool endpoints, RateLimits rates, IReadOnlyDictionary<string, int> slots, ServingOptions options, CancellationToken ct)
    {
        var monitor = new WorkerMonitor(client, database, new WorkerGauges(client, database, endpoints, rates, slots));
        try
        {
            monitor._app = await LocalServer.StartAsync(options with { Offers = "GET /health, GET /ready and GET /metrics" }, null, monitor.Map, ct);
            return monitor;
        }
        catch
        {
            await monitor.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether the worker may be given work.</summary>
    public async Task<Readiness> ReadyAsync(CancellationToken ct)
    {
        var problems = new List<string>();
        if (IsDraining) problems.Add("The worker was told to stop and takes no more work.");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            await WorkerGauges.PingAsync(_database, limit.Token);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException)
        {
            problems.Add($"PostgreSQL does not answer: {(e is NpgsqlException ? e.Message : "no reply within 5 s.")}");
        }

        try
        {
            if (!await _client.Connection.CheckHealthAsync(null, new RpcOptions { CancellationToken = limit.Token })) problems.Add("Temporal says that it is not well.");
        }
        catch (Exception e) when (e is RpcException or NpgsqlException or OperationCanceledException)
        {
            problems.Add($"Temporal does not answer: {(e is OperationCanceledException ? "no reply within 5 s." : e.Message)}");
        }

        return new Readiness(WorkerIdentity.Current, problems.Count == 0 ? "ready" : "notReady", problems);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
        _text.Dispose();
        _gauges.Dispose();
        _turn.Dispose();
    }

    private void Map(WebApplication app)
    {
        app.MapGet("/health", context => context.Response.WriteAsJsonAsync(new { Worker = WorkerIdentity.Current, Status = "ok" }, Replies.Json, context.RequestAborted));
        app.MapGet("/ready", async (HttpContext context) =>
        {
            var readiness = await ReadyAsync(context.RequestAborted);
            context.Response.StatusCode = readiness.Problems.Count == 0 ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
            await context.Response.WriteAsJsonAsync(readiness, Replies.Json, context.RequestAborted);
        });
        app.MapGet("/metrics", async (HttpContext context) =>
        {
            // What is asked for a scrape belongs to it.
            await _turn.WaitAsync(context.RequestAborted);
            string text;
            try
            {
                await _gauges.RefreshAsync(context.RequestAborted);
                text = _text.Write();
            }
            finally
            {
                _turn.Release();
            }

            context.Response.ContentType = PrometheusText.ContentType;
            await context.Response.WriteAsync(text, context.RequestAborted);
        });
    }
}
