using JasperFx.Events.Daemon;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Marten.Daemon;

/// <summary>Runs the daemon with the host: always, or while this process holds the database's daemon lock.</summary>
internal sealed class DaemonHost(DocumentStore store, DaemonMode mode, ILogger logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var daemon = new ProjectionDaemon(store, logger);
        if (mode == DaemonMode.Solo)
        {
            await daemon.StartAllAsync();
            await Task.Delay(Timeout.Infinite, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await daemon.StopAllAsync();
            return;
        }

        var settings = store.StoreOptions.Projections;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LeadAsync(daemon, settings, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                logger.LogError(e, "The daemon lost its lock");
            }
            catch (OperationCanceledException)
            {
                // The host stops.
            }

            await daemon.StopAllAsync();
            await Task.Delay(settings.LeadershipPollingTime, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LeadAsync(ProjectionDaemon daemon, DaemonSettings settings, CancellationToken ct)
    {
        await using var connection = await store.Database.OpenConnectionAsync(ct);
        await using var attain = new NpgsqlCommand("select pg_try_advisory_lock($1)", connection);
        attain.Parameters.Add(new NpgsqlParameter { Value = (long)settings.DaemonLockId });
        if (await attain.ExecuteScalarAsync(ct) is not true) return;
        await daemon.StartAllAsync();
        await using var alive = new NpgsqlCommand("select 1", connection);
        while (true)
        {
            await Task.Delay(settings.LeadershipPollingTime, ct);
            await alive.ExecuteScalarAsync(ct);
        }
    }
}
