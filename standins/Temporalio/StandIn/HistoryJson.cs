using System.Globalization;
using System.Text.Json.Nodes;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.History.V1;
using Temporalio.Exceptions;
using static Temporalio.StandIn.ProtoJson;

namespace Temporalio.StandIn;

/// <summary>
/// Histories as the service's tools export them: the JSON form of temporal.api.history.v1.History. Members that the engine has no use for are read over;
/// ids that the service repeats from event to event are written as it does.
/// </summary>
internal static class HistoryJson
{
    private const string PatchMarker = "core_patch";

    /// <summary>By type of event: members of <see cref="EventData"/>, how each is written, and where.</summary>
    private static readonly Dictionary<EventType, Field[]> Fields = Table("""
        WorkflowExecutionStarted name=workflowType.name args:Payloads=input headers:Map=header taskQueue=taskQueue.name id=workflowId runId=originalExecutionRunId
            firstRunId=firstExecutionRunId continuedRunId=continuedExecutionRunId executionTimeout:Duration=workflowExecutionTimeout runTimeout:Duration=workflowRunTimeout
            taskTimeout:Duration=workflowTaskTimeout retryPolicy:Retry=retryPolicy attempt=attempt memo:Map=memo attributes:Attributes=searchAttributes identity=identity
            lastResult:Payloads=lastCompletionResult lastFailure:Failure=continuedFailure parentId=parentWorkflowExecution.workflowId parentRunId=parentWorkflowExecution.runId
            rootId=rootWorkflowExecution.workflowId rootRunId=rootWorkflowExecution.runId executionDeadline=workflowExecutionExpirationTime priorityKey=priority.priorityKey
        WorkflowExecutionCompleted args:Payloads=result
        WorkflowExecutionFailed failure:Failure=failure retryState:RetryState=retryState newRunId=newExecutionRunId
        WorkflowExecutionTimedOut retryState:RetryState=retryState newRunId=newExecutionRunId
        WorkflowExecutionCanceled args:Payloads=details
        WorkflowExecutionTerminated name=reason identity=identity
        WorkflowExecutionContinuedAsNew name=workflowType.name args:Payloads=input taskQueue=taskQueue.name runTimeout:Duration=workflowRunTimeout
            taskTimeout:Duration=workflowTaskTimeout retryPolicy:Retry=retryPolicy memo:Map=memo attributes:Attributes=searchAttributes newRunId=newExecutionRunId
        WorkflowExecutionCancelRequested id=externalWorkflowExecution.workflowId identity=identity
        WorkflowExecutionSignaled name=signalName args:Payloads=input identity=identity
        WorkflowTaskScheduled taskQueue=taskQueue.name attempt=attempt
        WorkflowTaskStarted ref:Long=scheduledEventId identity=identity size:Long=historySizeBytes flag=suggestContinueAsNew
        WorkflowTaskCompleted ref:Long=startedEventId
        WorkflowTaskFailed ref:Long=startedEventId failure:Failure=failure identity=identity
        WorkflowTaskTimedOut ref:Long=startedEventId
        ActivityTaskScheduled id=activityId name=activityType.name args:Payloads=input headers:Map=header taskQueue=taskQueue.name
            scheduleToClose:Duration=scheduleToCloseTimeout scheduleToStart:Duration=scheduleToStartTimeout startToClose:Duration=startToCloseTimeout
            heartbeat:Duration=heartbeatTimeout retryPolicy:Retry=retryPolicy priorityKey=priority.priorityKey
        ActivityTaskStarted ref:Long=scheduledEventId attempt=attempt identity=identity
        ActivityTaskCompleted ref:Long=scheduledEventId args:Payloads=result identity=identity
        ActivityTaskFailed ref:Long=scheduledEventId failure:Failure=failure retryState:RetryState=retryState identity=identity
        ActivityTaskTimedOut ref:Long=scheduledEventId failure:Failure=failure retryState:RetryState=retryState
        ActivityTaskCancelRequested ref:Long=scheduledEventId
        ActivityTaskCanceled ref:Long=scheduledEventId args:Payloads=details identity=identity
        TimerStarted id=timerId delay:Duration=startToFireTimeout
        TimerFired id=timerId ref:Long=startedEventId
        TimerCanceled id=timerId ref:Long=startedEventId
        StartChildWorkflowExecutionInitiated namespace=namespace id=workflowId name=workflowType.name args:Payloads=input headers:Map=header taskQueue=taskQueue.name
            executionTimeout:Duration=workflowExecutionTimeout runTimeout:Duration=workflowRunTimeout taskTimeout:Duration=workflowTaskTimeout policy:ParentClosePolicy=parentClosePolicy
            reuse:WorkflowIdReusePolicy=workflowIdReusePolicy retryPolicy:Retry=retryPolicy memo:Map=memo attributes:Attributes=searchAttributes priorityKey=priority.priorityKey
        StartChildWorkflowExecutionFailed ref:Long=initiatedEventId id=workflowId name=workflowType.name
        ChildWorkflowExecutionStarted ref:Long=initiatedEventId id=workflowExecution.workflowId runId=workflowExecution.runId name=workflowType.name headers:Map=header
        ChildWorkflowExecutionCompleted ref:Long=initiatedEventId id=workflowExecution.workflowId runId=workflowExecution.runId name=workflowType.name args:Payloads=result
        ChildWorkflowExecutionFailed ref:Long=initiatedEventId id=workflowExecution.workflowId runId=workflowExecution.runId name=workflowType.name failure:Failure=failure retryState:RetryState=retryState
        ChildWorkflowExecutionCanceled ref:Long=initiatedEventId id=workflowExecution.workflowId runId=workflowExecution.runId name=workflowType.name args:Payloads=details
        ChildWorkflowExecutionTimedOut ref:Long=initiatedEventId id=workflowExecution.workflowId runId=workflowExecution.runId name=workflowType.name retryState:RetryState=retryState
        ChildWorkflowExecutionTerminated ref:Long=initiatedEventId id=workflowExecution.workflowId runId=workflowExecution.runId name=workflowType.name
        SignalExternalWorkflowExecutionInitiated namespace=namespace id=workflowExecution.workflowId runId=workflowExecution.runId name=signalName args:Payloads=input flag=childWorkflowOnly
        SignalExternalWorkflowExecutionFailed ref:Long=initiatedEventId
        ExternalWorkflowExecutionSignaled ref:Long=initiatedEventId
        RequestCancelExternalWorkflowExecutionInitiated namespace=namespace id=workflowExecution.workflowId runId=workflowExecution.runId flag=childWorkflowOnly
        RequestCancelExternalWorkflowExecutionFailed ref:Long=initiatedEventId
        ExternalWorkflowExecutionCancelRequested ref:Long=initiatedEventId
        UpsertWorkflowSearchAttributes attributes:Attributes=searchAttributes
        WorkflowPropertiesModified memo:Map=upsertedMemo
        WorkflowExecutionUpdateAccepted id=acceptedRequest.meta.updateId name=acceptedRequest.input.name args:Payloads=acceptedRequest.input.args
        WorkflowExecutionUpdateCompleted id=meta.updateId args:Payloads=outcome.success failure:Failure=outcome.failure
        """);

    public static string Write(IEnumerable<HistoryEvent> history)
    {
        var (events, begun, decided, completed) = (new JsonArray(), new Dictionary<long, long>(), 0L, new JsonObject());
        foreach (var e in history)
        {
            var attributes = e.EventType == EventType.MarkerRecorded ? Marker(e.Data) : Attributes(e);
            if (e.EventType is EventType.ActivityTaskStarted or EventType.ChildWorkflowExecutionStarted or EventType.WorkflowTaskStarted)
            {
                begun[e.Data.Ref ?? 0] = e.EventId;
            }
            else if (e.Data.Ref is { } scheduled && begun.TryGetValue(scheduled, out var started) && !Command.IsCommandEvent(e.EventType))
            {
                attributes["startedEventId"] = Text(started);
            }
            if (e.EventType == EventType.WorkflowTaskCompleted)
            {
                (decided, completed) = (e.EventId, attributes);
                attributes["scheduledEventId"] = Text(begun.FirstOrDefault(b => b.Value == e.Data.Ref).Key);
            }
            else if (Command.IsCommandEvent(e.EventType) && e.EventType != EventType.WorkflowExecutionUpdateAccepted && e.EventType != EventType.WorkflowExecutionUpdateCompleted)
            {
                attributes["workflowTaskCompletedEventId"] = Text(decided);
                if (e.EventType == EventType.UpsertWorkflowSearchAttributes && e.Data.Attributes!.ContainsKey(WorkflowInstance.ChangeVersion.Name))
                {
                    // Without this flag the package's replay takes no such event after a patch.
                    completed["sdkMetadata"] = new JsonObject { ["coreUsedFlags"] = new JsonArray(2) };
                }
            }
            events.Add(new JsonObject
            {
                ["eventId"] = Text(e.EventId),
                ["eventTime"] = DateTime.SpecifyKind(e.Time, DateTimeKind.Utc).ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
                ["eventType"] = EnumText("EVENT_TYPE", e.EventType),
                [AttributesName(e.EventType)] = attributes,
            });
        }
        return new JsonObject { ["events"] = events }.ToJsonString(Json.Options);
    }

    public static HistoryEvent[] Read(string json)
    {
        if (JsonNode.Parse(json) is not JsonObject history || history["events"] is not JsonArray events || events.Count == 0)
        {
            throw new ArgumentException("JSON is not expected history object");
        }
        return [.. events.Select(e => Read(e!.AsObject()))];
    }

    private static HistoryEvent Read(JsonObject e)
    {
        var type = EnumValue<EventType>(e["eventType"]!.GetValue<string>());
        var attributes = e[AttributesName(type)] as JsonObject ?? [];
        var data = new JsonObject();
        if (type == EventType.MarkerRecorded)
        {
            var patch = attributes["details"]?["patch-data"]?["payloads"]?[0]?["data"]?.GetValue<string>();
            if (attributes["markerName"]?.GetValue<string>() == PatchMarker && patch != null)
            {
                var written = JsonNode.Parse(Convert.FromBase64String(patch))!;
                data["name"] = written["id"]?.DeepClone();
                data["flag"] = written["deprecated"]?.DeepClone();
            }
        }
        foreach (var field in Fields.GetValueOrDefault(type, []))
        {
            JsonNode? node = attributes;
            foreach (var part in field.Path)
            {
                node = (node as JsonObject)?[part];
            }
            if (node != null)
            {
                data[field.Member] = Decode(field.Kind, node);
            }
        }
        return new HistoryEvent
        {
            EventId = long.Parse(e["eventId"]!.ToString(), CultureInfo.InvariantCulture),
            EventType = type,
            Time = DateTime.Parse(e["eventTime"]!.GetValue<string>(), CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal),
            Data = Json.Read<EventData>(data.ToJsonString(Json.Options)),
        };
    }

    private static JsonObject Attributes(HistoryEvent e)
    {
        var data = JsonNode.Parse(Json.Write(e.Data))!.AsObject();
        var attributes = new JsonObject();
        foreach (var field in Fields.GetValueOrDefault(e.EventType, []))
        {
            if (data[field.Member] is not { } value)
            {
                continue;
            }
            var place = attributes;
            foreach (var part in field.Path[..^1])
            {
                place = (JsonObject)(place[part] ??= new JsonObject());
            }
            place[field.Path[^1]] = Encode(field.Kind, value);
        }
        if (e.EventType is EventType.WorkflowTaskFailed)
        {
            attributes["cause"] = EnumText("WORKFLOW_TASK_FAILED_CAUSE", e.Data.Name ??
                (e.Data.Failure?.Application?.Type == nameof(WorkflowNondeterminismException) ? "NonDeterministicError" : "WorkflowWorkerUnhandledFailure"));
        }
        if (e.EventType is EventType.WorkflowExecutionUpdateAccepted)
        {
            attributes["protocolInstanceId"] = e.Data.Id;
        }
        return attributes;
    }

    private static JsonObject Marker(EventData data) => new()
    {
        ["markerName"] = PatchMarker,
        ["details"] = new JsonObject
        {
            ["patch-data"] = new JsonObject
            {
                ["payloads"] = new JsonArray(PlainPayload(new JsonObject { ["id"] = data.Name, ["deprecated"] = data.Flag ?? false })),
            },
        },
    };

    private static string AttributesName(EventType type) => char.ToLowerInvariant(type.ToString()[0]) + type.ToString()[1..] + "EventAttributes";

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static Dictionary<EventType, Field[]> Table(string text)
    {
        var table = new Dictionary<EventType, Field[]>();
        EventType type = default;
        foreach (var word in text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (!word.Contains('='))
            {
                type = Enum.Parse<EventType>(word);
                table[type] = [];
                continue;
            }
            var (member, path) = (word.Split('=')[0].Split(':'), word.Split('=')[1].Split('.'));
            table[type] = [.. table[type], new Field(member[0], member.Length > 1 ? member[1] : "Plain", path)];
        }
        return table;
    }

    private sealed record Field(string Member, string Kind, string[] Path);
}
