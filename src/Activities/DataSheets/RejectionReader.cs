using Npgsql;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.DataSheets;

/// <summary>Counts rejections by reason and finds an example of each: a rejected row has no event with its text, so it is read from the input again.</summary>
public sealed class RejectionReader(NpgsqlDataSource database, Contents contents, FileStore files)
{
    private const string Schema = StoreConfiguration.Schema;
    private const int Clip = 160;

    /// <summary>Rejections of a run: rows at ingest, then pairs at the loop's end.</summary>
    public async Task<IReadOnlyList<Rejection>> ReadAsync(Run run, RecipeDocument document, CancellationToken ct)
    {
        var found = new List<Rejection>();
        var rows = await ReadAsync(run.Name, $"""
            select e.data ->> 'language', r ->> 'reason', count(*), min((r ->> 'row')::bigint)::text
            from {Schema}.mt_events e, jsonb_array_elements(e.data -> 'rows') r where e.type = 'rows_rejected' and e.headers ->> 'run' = $1 group by 1, 2
            """, ct);
        foreach (var language in rows.GroupBy(r => r.Language, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var texts = await TextsAsync(document, language.Key, [.. language.Select(r => long.Parse(r.First, System.Globalization.CultureInfo.InvariantCulture))], ct);
            found.AddRange(language.OrderByDescending(r => r.Count).ThenBy(r => r.Reason, StringComparer.Ordinal)
                .Select(r => new Rejection(r.Language, "ingest", r.Reason, r.Count, texts.GetValueOrDefault(long.Parse(r.First, System.Globalization.CultureInfo.InvariantCulture)))));
        }

        var pairs = await ReadAsync(run.Name, $"""
            select data ->> 'language', coalesce(data ->> 'failure', data ->> 'rejected'), count(*), min(data ->> 'instruction')
            from {Schema}.mt_doc_sample where data ->> 'run' = $1 and data ->> 'rejected' is not null group by 1, 2
            """, ct);
        var instructions = document.Recipe.Corpus.Withdrawable
            ? new Dictionary<string, string>(StringComparer.Ordinal)
            : await contents.ReadAsync([.. pairs.Select(p => p.First).Where(h => h.Length > 0)], ct);
        found.AddRange(pairs.OrderBy(p => p.Language, StringComparer.Ordinal).ThenByDescending(p => p.Count).ThenBy(p => p.Reason, StringComparer.Ordinal)
            .Select(p => new Rejection(p.Language, "refine", p.Reason, p.Count, instructions.TryGetValue(p.First, out var text) ? DisplayText.Clip(text, Clip) : null)));
        return found;
    }

    private async Task<List<(string Language, string Reason, long Count, string First)>> ReadAsync(string run, string sql, CancellationToken ct)
    {
        var rows = new List<(string, string, long, string)>();
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = run });
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) rows.Add((reader.GetString(0), reader.GetString(1), reader.GetInt64(2), await reader.IsDBNullAsync(3, ct) ? "" : reader.GetString(3)));
        return rows;
    }

    /// <summary>Texts of some corpus rows, clipped. What may be withdrawn is not copied into a sheet that nobody withdraws.</summary>
    private async Task<Dictionary<long, string>> TextsAsync(RecipeDocument document, string language, HashSet<long> wanted, CancellationToken ct)
    {
        var texts = new Dictionary<long, string>();
        var corpus = document.Recipe.Corpus;
        if (corpus.Withdrawable || wanted.Count == 0 || document.Input("corpus", language) is not { } hash) return texts;
        var last = wanted.Max();
        await foreach (var row in TableReader.ReadAsync(files.Blob(hash), new TableReadOptions(corpus.MaxRowBytes), ct))
        {
            if (wanted.Contains(row.Number) && row.Find(corpus.Text) is { } text) texts[row.Number] = DisplayText.Clip(text, Clip);
            if (row.Number >= last) break;
        }

        return texts;
    }
}
