using System.Reflection;
using JasperFx.Events;
using Marten.Sessions;
using Marten.Storage;
using Npgsql;

namespace Marten.Linq;

/// <summary>A table that is queried: its columns, how its rows are read and where members are.</summary>
internal abstract class QuerySource
{
    public abstract string Columns { get; }

    public abstract string From { get; }

    public virtual string? Filter => null;

    /// <summary>Holds unless a predicate speaks of archived rows itself.</summary>
    public virtual string? Unarchived => null;

    public abstract Locator Locate(MemberInfo[] path);

    public abstract object Read(NpgsqlDataReader reader);

    public abstract ValueTask EnsureAsync(CancellationToken ct);
}

internal sealed class DocumentSource<T>(QuerySession session) : QuerySource
{
    private readonly DocumentMapping _mapping = session.Options.Schema.MappingOf(typeof(T));

    public override string Columns => "id, data";

    public override string From => _mapping.Table;

    public override Locator Locate(MemberInfo[] path) => Locators.Of(path, _mapping, session.Options.Json);

    public override object Read(NpgsqlDataReader reader) => session.ReadDocument(_mapping, reader.GetValue(0), reader.GetFieldValue<byte[]>(1));

    public override ValueTask EnsureAsync(CancellationToken ct) => session.Schema.EnsureDocumentAsync(_mapping, ct);
}

internal sealed class EventSource(QuerySession session) : QuerySource
{
    private readonly EventRows _rows = new(session.Options);

    public override string Columns => _rows.Columns;

    public override string From => $"{session.Options.Events.DatabaseSchemaName}.mt_events";

    public override string Unarchived => Archived + " = false";

    /// <summary>The column that says whether a row is archived.</summary>
    public const string Archived = "is_archived";

    public override Locator Locate(MemberInfo[] path)
    {
        if (path.Length != 1) throw new NotSupportedException("Of events only the metadata can be queried.");
        var column = path[0].Name switch
        {
            nameof(IEvent.Id) => "id",
            nameof(IEvent.StreamId) => "stream_id",
            nameof(IEvent.Version) => "version",
            nameof(IEvent.Sequence) => "seq_id",
            nameof(IEvent.Timestamp) => "timestamp",
            nameof(IEvent.EventTypeName) => "type",
            nameof(IEvent.DotNetTypeName) => "mt_dotnet_type",
            nameof(IEvent.IsArchived) => Archived,
            nameof(IEvent.CorrelationId) => "correlation_id",
            nameof(IEvent.CausationId) => "causation_id",
            var other => throw new NotSupportedException($"Events are not queried by {other} here."),
        };
        return new Locator(column, column, Locators.TypeOf(path[0]));
    }

    public override object Read(NpgsqlDataReader reader) => _rows.Read(reader);

    public override ValueTask EnsureAsync(CancellationToken ct) => session.Schema.EnsureEventsAsync(ct);
}

internal sealed class EventDataSource<T>(QuerySession session) : QuerySource
{
    private readonly string _name = session.Options.EventGraph.Of(typeof(T)).Name;

    public override string Columns => "data";

    public override string From => $"{session.Options.Events.DatabaseSchemaName}.mt_events";

    public override string Filter => $"is_archived = false and type = '{_name.Replace("'", "''", StringComparison.Ordinal)}'";

    public override Locator Locate(MemberInfo[] path) => Locators.Of(path, null, session.Options.Json);

    public override object Read(NpgsqlDataReader reader) => session.Options.Json.Read(reader.GetFieldValue<byte[]>(0), typeof(T));

    public override ValueTask EnsureAsync(CancellationToken ct) => session.Schema.EnsureEventsAsync(ct);
}
