using System.Collections.Concurrent;
using System.Text.Json;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.History.V1;
using Temporalio.Common;

namespace Temporalio.StandIn;

/// <summary>Search attributes: those that runs have anyway, those that the service knows, and those registered for a namespace.</summary>
internal sealed partial class Engine
{
    private const string RootSql = "(SELECT data::jsonb ->> '{0}' FROM events e WHERE e.run_id = executions.run_id AND e.event_id = 1)";

    /// <summary>What a filter may ask for that no workflow may set, as SQL.</summary>
    public static readonly Dictionary<string, (string Sql, IndexedValueType Type)> OwnAttributes = new(StringComparer.Ordinal)
    {
        ["WorkflowId"] = ("workflow_id", IndexedValueType.Keyword),
        ["RunId"] = ("run_id", IndexedValueType.Keyword),
        ["WorkflowType"] = ("workflow_type", IndexedValueType.Keyword),
        ["TaskQueue"] = ("task_queue", IndexedValueType.Keyword),
        ["ExecutionStatus"] = ("status", IndexedValueType.Keyword),
        ["StartTime"] = ("start_time", IndexedValueType.Datetime),
        ["ExecutionTime"] = ("execution_time", IndexedValueType.Datetime),
        ["CloseTime"] = ("close_time", IndexedValueType.Datetime),
        ["ExecutionDuration"] = ("(extract(epoch FROM close_time - execution_time) * 1000000000)", IndexedValueType.Int),
        ["HistoryLength"] = ("history_length", IndexedValueType.Int),
        ["HistorySizeBytes"] = ("history_size", IndexedValueType.Int),
        ["ParentWorkflowId"] = ("parent_id", IndexedValueType.Keyword),
        ["ParentRunId"] = ("parent_run_id", IndexedValueType.Keyword),
        ["RootWorkflowId"] = ($"COALESCE({RootSql.Replace("{0}", "rootId", StringComparison.Ordinal)}, workflow_id)", IndexedValueType.Keyword),
        ["RootRunId"] = ($"COALESCE({RootSql.Replace("{0}", "rootRunId", StringComparison.Ordinal)}, run_id)", IndexedValueType.Keyword),
    };

    private static readonly Dictionary<string, IndexedValueType> Predefined = new(StringComparer.Ordinal)
    {
        [WorkflowInstance.ChangeVersion.Name] = IndexedValueType.KeywordList,
        ["BinaryChecksums"] = IndexedValueType.KeywordList,
        ["BuildIds"] = IndexedValueType.KeywordList,
        ["BatcherNamespace"] = IndexedValueType.Keyword,
        ["BatcherUser"] = IndexedValueType.Keyword,
        ["TemporalScheduledStartTime"] = IndexedValueType.Datetime,
        ["TemporalScheduledById"] = IndexedValueType.Keyword,
        ["TemporalSchedulePaused"] = IndexedValueType.Bool,
        ["TemporalNamespaceDivision"] = IndexedValueType.Keyword,
        ["TemporalPauseInfo"] = IndexedValueType.KeywordList,
        ["TemporalReportedProblems"] = IndexedValueType.KeywordList,
    };

    private readonly ConcurrentDictionary<(string Namespace, string Name), IndexedValueType> registered = new();

    public Task RegisterAsync(string ns, IReadOnlyCollection<SearchAttributeKey> keys) => ExecuteAsync(
        """
        INSERT INTO search_attributes (namespace, name, type) SELECT $1, * FROM unnest($2::text[], $3::smallint[])
        ON CONFLICT (namespace, name) DO NOTHING
        """,
        [ns, keys.Select(k => k.Name).ToArray(), keys.Select(k => (short)k.ValueType).ToArray()]);

    /// <summary>The type of an attribute that a workflow may set; null when there is no such attribute.</summary>
    public async Task<IndexedValueType?> TypeOfAsync(string ns, string name, CancellationToken token)
    {
        if (Predefined.TryGetValue(name, out var type) || registered.TryGetValue((ns, name), out type))
        {
            return type;
        }
        var found = await ReadAsync(
            r => (IndexedValueType)r.GetInt16(0), "SELECT type FROM search_attributes WHERE namespace = $1 AND name = $2", [ns, name], token).ConfigureAwait(false);
        return found.Count == 0 ? null : registered[(ns, name)] = found[0];
    }

    /// <summary>Why attributes may not be set, if so.</summary>
    public async Task<string?> FaultAsync(string ns, IReadOnlyDictionary<string, StoredAttribute> attributes, CancellationToken token)
    {
        foreach (var (name, attribute) in attributes)
        {
            if (OwnAttributes.ContainsKey(name))
            {
                return $"{name} attribute can't be set in SearchAttributes";
            }
            if (await TypeOfAsync(ns, name, token).ConfigureAwait(false) is not { } type)
            {
                return $"Namespace {ns} has no mapping defined for search attribute {name}";
            }
            if (attribute.Value is { ValueKind: not JsonValueKind.Null } value && !Fits(type, value))
            {
                return $"invalid value for search attribute {name} of type {type}: {value}";
            }
        }
        return null;
    }

    private static bool Fits(IndexedValueType type, JsonElement value) => type switch
    {
        IndexedValueType.Int => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        IndexedValueType.Double => value.ValueKind == JsonValueKind.Number,
        IndexedValueType.Bool => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        IndexedValueType.Datetime => value.ValueKind == JsonValueKind.String && value.TryGetDateTimeOffset(out _),
        IndexedValueType.KeywordList => value.ValueKind == JsonValueKind.Array,
        _ => value.ValueKind == JsonValueKind.String,
    };
}
