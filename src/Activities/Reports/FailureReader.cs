using Npgsql;
using XInstruct.Activities.Storage;

namespace XInstruct.Activities.Reports;

/// <summary>Samples whose newest try failed, by reason.</summary>
/// <param name="Stage">generate or rate.</param>
/// <param name="Language">Language.</param>
/// <param name="Reason">Why, in a word.</param>
/// <param name="Samples">How many.</param>
/// <param name="TriedAgain">So many of them have been tried again before.</param>
public sealed record FailureCount(string Stage, string Language, string Reason, long Samples, long TriedAgain);

/// <summary>Counts failed samples.</summary>
public sealed class FailureReader(NpgsqlDataSource database)
{
    /// <summary>Failures of a run that stand now.</summary>
    public async Task<IReadOnlyList<FailureCount>> ReadAsync(string run, CancellationToken ct)
    {
        // As Sample.FailedIn tells them apart.
        await using var command = database.CreateCommand($"""
            select case when data ->> 'instruction' is not null and data ->> 'level' is null and (data ->> 'rated')::int >= (data ->> 'generated')::int then 'rate' else 'generate' end as stage,
                data ->> 'language', data ->> 'failure', count(*), count(*) filter (where coalesce((data ->> 'retries')::int, 0) > 0)
            from {StoreConfiguration.Schema}.mt_doc_sample where data ->> 'run' = $1 and data ->> 'failure' is not null group by 1, 2, 3 order by 1, 2, 3
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = run });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var failures = new List<FailureCount>();
        while (await reader.ReadAsync(ct)) failures.Add(new FailureCount(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3), reader.GetInt64(4)));
        return failures;
    }
}
