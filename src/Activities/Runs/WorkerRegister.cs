using Npgsql;
using NpgsqlTypes;
using XInstruct.Activities.Storage;

namespace XInstruct.Activities.Runs;

/// <summary>A process that serves task queues.</summary>
/// <param name="Worker">Process id and host name.</param>
/// <param name="Queues">Task queues.</param>
/// <param name="Version">Version of the product there.</param>
/// <param name="SharesFiles">Whether what it wrote to its shared directory is found in this process's.</param>
public sealed record LiveWorker(string Worker, IReadOnlyList<string> Queues, string Version, bool SharesFiles);

/// <summary>
/// The table <c>xi_workers</c>: who serves which queue with which version. Each worker also keeps a file in the shared directory, by which others see
/// whether they share it.
/// </summary>
public sealed class WorkerRegister(NpgsqlDataSource database, FileStore files)
{
    private const string Table = $"{StoreConfiguration.Schema}.xi_workers";

    // Three times missed is gone.
    private const string IsLive = "seen_at > now() - interval '45 seconds' and left_at is null";
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Forgotten = TimeSpan.FromDays(1);

    internal const string Tables = $"""
        create table if not exists {Table} (
            token uuid primary key, worker text not null, queues text[] not null, version text not null, seen_at timestamptz not null);
        alter table {Table} add column if not exists left_at timestamptz null;
        """;

    /// <summary>Stands in the register until cancelled. While PostgreSQL or the directory is away, it tries again.</summary>
    public async Task StandAsync(IReadOnlyCollection<string> queues, CancellationToken ct)
    {
        var token = Guid.NewGuid();
        var mark = Mark(token);
        using var timer = new PeriodicTimer(Interval);
        try
        {
            await TryAsync(() => Sweep(Path.GetDirectoryName(mark)!));
            do await BeatAsync(token, mark, queues, ct);
            while (await timer.WaitForNextTickAsync(ct));
        }
        catch (OperationCanceledException)
        {
            // Being stopped is how it ends.
        }

        await LeaveAsync(token, mark);
    }

    /// <summary>Workers that were there within the last 45 seconds.</summary>
    public async Task<IReadOnlyList<LiveWorker>> ListAsync(CancellationToken ct)
    {
        await using var command = database.CreateCommand($"select token, worker, queues, version from {Table} where {IsLive} order by worker");
        await using var reader = await command.ExecuteReaderAsync(ct);
        var workers = new List<LiveWorker>();
        while (await reader.ReadAsync(ct))
        {
            workers.Add(new LiveWorker(reader.GetString(1), reader.GetFieldValue<string[]>(2), reader.GetString(3), File.Exists(Mark(reader.GetGuid(0)))));
        }

        return workers;
    }

    /// <summary>When each queue that nobody serves was served last, by PostgreSQL's clock; null when nobody did in the last 30 days.</summary>
    public async Task<IReadOnlyDictionary<string, DateTimeOffset?>> UnservedAsync(CancellationToken ct)
    {
        await using var command = database.CreateCommand($"""
            select queue, max(coalesce(left_at, seen_at)), coalesce(bool_or({IsLive}), false)
            from unnest($1) as queue left join {Table} on queue = any(queues) group by queue
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = Workflows.TaskQueues.All.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var unserved = new SortedDictionary<string, DateTimeOffset?>(StringComparer.Ordinal);
        while (await reader.ReadAsync(ct))
        {
            if (!reader.GetBoolean(2)) unserved[reader.GetString(0)] = await reader.IsDBNullAsync(1, ct) ? null : reader.GetFieldValue<DateTimeOffset>(1);
        }

        return unserved;
    }

    private string Mark(Guid token) => Path.Combine(files.Root, "workers", token.ToString("N"));

    /// <summary>Removes marks of workers that could not.</summary>
    private static Task Sweep(string folder)
    {
        foreach (var old in Directory.CreateDirectory(folder).EnumerateFiles().Where(f => f.LastWriteTimeUtc < DateTime.UtcNow - Forgotten)) old.Delete();
        return Task.CompletedTask;
    }

    private async Task BeatAsync(Guid token, string mark, IReadOnlyCollection<string> queues, CancellationToken ct)
    {
        await TryAsync(async () =>
        {
            await using var command = database.CreateCommand($"""
                insert into {Table} (token, worker, queues, version, seen_at) values ($1, $2, $3, $4, now())
                on conflict (token) do update set seen_at = excluded.seen_at;
                """);
            command.Parameters.Add(new NpgsqlParameter { Value = token });
            command.Parameters.Add(new NpgsqlParameter { Value = WorkerIdentity.Current });
            command.Parameters.Add(new NpgsqlParameter { Value = queues.Order(StringComparer.Ordinal).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
            command.Parameters.Add(new NpgsqlParameter { Value = CodeVersion.Current });
            await command.ExecuteNonQueryAsync(ct);
        });
        await TryAsync(async () =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(mark)!);
            await File.WriteAllTextAsync(mark, WorkerIdentity.Current, ct);
        });
    }

    private async Task LeaveAsync(Guid token, string mark)
    {
        await TryAsync(() =>
        {
            File.Delete(mark);
            return Task.CompletedTask;
        });
        await TryAsync(async () =>
        {
            await using var command = database.CreateCommand($"""
                with gone as (delete from {Table} where seen_at < now() - interval '30 days' and token <> $1)
                update {Table} set left_at = now() where token = $1
                """);
            command.Parameters.Add(new NpgsqlParameter { Value = token });
            await command.ExecuteNonQueryAsync(CancellationToken.None);
        });
    }

    /// <summary>Whoever needs the store or the directory says that it is away; the next beat may come through.</summary>
    private static async Task TryAsync(Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (Exception e) when (e is NpgsqlException or IOException or UnauthorizedAccessException)
        {
            // As said.
        }
    }
}
