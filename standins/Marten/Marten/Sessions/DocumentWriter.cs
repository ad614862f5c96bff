using Marten.Exceptions;
using Marten.Storage;
using Npgsql;
using NpgsqlTypes;

namespace Marten.Sessions;

/// <summary>Writes documents: one statement for each type and kind of change.</summary>
internal sealed class DocumentWriter(StoreOptions options)
{
    private readonly List<(NpgsqlBatchCommand Command, List<DocumentChange> Changes)> _updates = [];

    public void Queue(NpgsqlBatch batch, IReadOnlyList<DocumentChange> changes)
    {
        var pending = new List<DocumentChange>();
        foreach (var change in changes)
        {
            if (change.Kind != Change.DeleteWhere)
            {
                pending.Add(change);
                continue;
            }

            // A predicate sees what was queued before it, and nothing later.
            Flush(batch, pending);
            batch.BatchCommands.Add(change.Where!);
        }

        Flush(batch, pending);
    }

    /// <exception cref="NonExistentDocumentException">A document was updated that does not exist.</exception>
    public void Check()
    {
        foreach (var (command, changes) in _updates)
        {
            if (command.RecordsAffected != changes.Count) throw new NonExistentDocumentException(changes[0].Mapping.Type, changes[0].Id!);
        }
    }

    private static NpgsqlParameter Array(Array values, NpgsqlDbType type) => new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | type };

    private static Array Ids(DocumentMapping mapping, List<DocumentChange> changes)
    {
        var ids = System.Array.CreateInstance(mapping.IdType, changes.Count);
        for (var i = 0; i < changes.Count; i++) ids.SetValue(changes[i].Id, i);
        return ids;
    }

    private void Flush(NpgsqlBatch batch, List<DocumentChange> pending)
    {
        foreach (var type in pending.GroupBy(c => c.Mapping))
        {
            // The last word on a document counts; what follows a deletion or an insert in the same unit of work changes its kind.
            var last = new Dictionary<object, DocumentChange>();
            foreach (var change in type)
            {
                var kind = !last.TryGetValue(change.Id!, out var earlier) ? change.Kind : (earlier.Kind, change.Kind) switch
                {
                    (Change.Delete, Change.Insert) => Change.Store,
                    (Change.Insert, Change.Store or Change.Update) => Change.Insert,
                    (Change.Store, Change.Update) => Change.Store,
                    (Change.Insert or Change.Store, Change.Insert) => Change.Insert,
                    (_, var later) => later,
                };
                last[change.Id!] = change with { Kind = kind };
            }

            foreach (var kind in last.Values.GroupBy(c => (c.Kind, HasVersion: c.Version is not null)))
            {
                Write(batch, type.Key, kind.Key.Kind, [.. kind.OrderBy(c => c.Id, Comparer<object?>.Default)]);
            }
        }

        pending.Clear();
    }

    private void Write(NpgsqlBatch batch, DocumentMapping mapping, Change kind, List<DocumentChange> changes)
    {
        var command = new NpgsqlBatchCommand();
        command.Parameters.Add(Array(Ids(mapping, changes), mapping.IdDbType));
        batch.BatchCommands.Add(command);
        if (kind == Change.Delete)
        {
            command.CommandText = $"delete from {mapping.Table} where id = any($1)";
            return;
        }

        var dotnet = changes[0].Document!.GetType().FullName!;
        command.Parameters.Add(Array(changes.Select(c => options.Json.Write(c.Document)).ToArray(), NpgsqlDbType.Jsonb));
        command.Parameters.Add(new NpgsqlParameter { Value = dotnet, NpgsqlDbType = NpgsqlDbType.Varchar });
        var source = "unnest($1, $2) as d(id, data)";
        const string random = "md5(random()::text || clock_timestamp()::text)::uuid";
        var (first, next) = (random, random);
        if (mapping.IsProjected && changes[0].Version is null) (first, next) = ("1", "t.mt_version + 1");
        if (mapping.IsProjected && changes[0].Version is not null)
        {
            command.Parameters.Add(Array(changes.Select(c => c.Version!.Value).ToArray(), NpgsqlDbType.Bigint));
            source = "unnest($1, $2, $4) as d(id, data, version)";
            (first, next) = ("d.version", kind == Change.Update ? "d.version" : "excluded.mt_version");
        }

        if (kind == Change.Update)
        {
            command.CommandText = $"""
                update {mapping.Table} t set data = d.data, mt_dotnet_type = $3, mt_last_modified = transaction_timestamp(), mt_version = {next}
                from {source} where t.id = d.id
                """;
            _updates.Add((command, changes));
            return;
        }

        command.CommandText = $"""
            insert into {mapping.Table} as t (id, data, mt_dotnet_type, mt_last_modified, mt_version)
            select d.id, d.data, $3, transaction_timestamp(), {first} from {source}
            """;
        if (kind == Change.Store)
        {
            command.CommandText += $"""

                on conflict (id) do update set data = excluded.data, mt_dotnet_type = excluded.mt_dotnet_type,
                    mt_last_modified = excluded.mt_last_modified, mt_version = {next}
                """;
        }
    }
}
