using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Temporalio.Api.Enums.V1;
using Temporalio.Workflows;

namespace Temporalio.StandIn;

/// <summary>The values inside events, between the engine's JSON and that of protobuf messages.</summary>
internal static class ProtoJson
{
    public static JsonNode? Encode(string kind, JsonNode value) => kind switch
    {
        "Long" => value.ToString(),
        "Payloads" => new JsonObject { ["payloads"] = new JsonArray([.. value.AsArray().Select(p => Payload(p!))]) },
        "Map" => new JsonObject { ["fields"] = new JsonObject(value.AsObject().Select(p => KeyValuePair.Create(p.Key, (JsonNode?)Payload(p.Value!)))) },
        "Attributes" => new JsonObject { ["indexedFields"] = new JsonObject(value.AsObject().Select(p => KeyValuePair.Create(p.Key, (JsonNode?)Attribute(p.Value!)))) },
        "Duration" => Duration(value.GetValue<string>()),
        "Retry" => Changed(value, Duration, "initialInterval", "maximumInterval"),
        "Failure" => Failure(value.AsObject()),
        "RetryState" => EnumText("RETRY_STATE", (RetryState)value.GetValue<int>()),
        "ParentClosePolicy" => EnumText("PARENT_CLOSE_POLICY", (ParentClosePolicy)value.GetValue<int>()),
        "WorkflowIdReusePolicy" => EnumText("WORKFLOW_ID_REUSE_POLICY", (WorkflowIdReusePolicy)value.GetValue<int>()),
        _ => value.DeepClone(),
    };

    public static JsonNode? Decode(string kind, JsonNode value) => kind switch
    {
        "Long" => long.Parse(value.ToString(), CultureInfo.InvariantCulture),
        "Payloads" => new JsonArray([.. (value["payloads"] as JsonArray ?? []).Select(p => FromPayload(p!))]),
        "Map" => new JsonObject((value["fields"] as JsonObject ?? []).Select(p => KeyValuePair.Create(p.Key, (JsonNode?)FromPayload(p.Value!)))),
        "Attributes" => new JsonObject((value["indexedFields"] as JsonObject ?? []).Select(p => KeyValuePair.Create(p.Key, (JsonNode?)FromAttribute(p.Value!)))),
        "Duration" => FromDuration(value.GetValue<string>()),
        "Retry" => Changed(value, FromDuration, "initialInterval", "maximumInterval"),
        "Failure" => FromFailure(value.AsObject()),
        "RetryState" => (int)EnumValue<RetryState>(value.GetValue<string>()),
        "ParentClosePolicy" => (int)EnumValue<ParentClosePolicy>(value.GetValue<string>()),
        "WorkflowIdReusePolicy" => (int)EnumValue<WorkflowIdReusePolicy>(value.GetValue<string>()),
        _ => value.DeepClone(),
    };

    /// <summary>An enum's value as protobuf names it: EVENT_TYPE_TIMER_STARTED.</summary>
    public static string EnumText<T>(string prefix, T value)
        where T : struct, Enum => EnumText(prefix, value.ToString());

    public static string EnumText(string prefix, string value) =>
        prefix + string.Concat(value.Select(c => char.IsUpper(c) ? "_" + c : char.ToUpperInvariant(c).ToString()));

    /// <summary>The value of such a name, or of the short one that older tools write.</summary>
    public static T EnumValue<T>(string text)
        where T : struct, Enum
    {
        var plain = text.Replace("_", string.Empty, StringComparison.Ordinal);
        var found = Enum.GetValues<T>().Where(v => plain.EndsWith(v.ToString(), StringComparison.OrdinalIgnoreCase)).ToList();
        return found.Count > 0 ? found.MaxBy(v => v.ToString().Length) : throw new ArgumentException($"{text} is no {typeof(T).Name}");
    }

    /// <summary>A payload with a plain JSON value.</summary>
    public static JsonObject PlainPayload(JsonNode value) => Payload(new JsonObject { ["e"] = "json/plain", ["d"] = value });

    private static JsonObject Payload(JsonNode stored)
    {
        var encoding = stored["e"]!.GetValue<string>();
        var payload = new JsonObject { ["metadata"] = new JsonObject { ["encoding"] = Base64(encoding) } };
        if (stored["d"] is { } data)
        {
            payload["data"] = IsJson(encoding) ? Base64(data.ToJsonString(Json.Options)) : data.DeepClone();
        }
        else if (stored.AsObject().ContainsKey("d"))
        {
            payload["data"] = Base64("null");
        }
        return payload;
    }

    private static JsonObject FromPayload(JsonNode payload)
    {
        var encoding = FromBase64(payload["metadata"]?["encoding"]?.GetValue<string>() ?? string.Empty);
        var stored = new JsonObject { ["e"] = encoding };
        if (payload["data"]?.GetValue<string>() is { } data)
        {
            stored["d"] = IsJson(encoding) ? JsonNode.Parse(FromBase64(data)) : data;
        }
        return stored;
    }

    private static JsonObject Attribute(JsonNode stored)
    {
        var payload = stored["value"] is { } value ? PlainPayload(value.DeepClone()) : Payload(new JsonObject { ["e"] = "binary/null" });
        payload["metadata"]!["type"] = Base64(((IndexedValueType)stored["type"]!.GetValue<int>()).ToString());
        return payload;
    }

    private static JsonObject FromAttribute(JsonNode payload) => new()
    {
        ["type"] = (int)EnumValue<IndexedValueType>(FromBase64(payload["metadata"]!["type"]!.GetValue<string>())),
        ["value"] = FromPayload(payload)["d"]?.DeepClone(),
    };

    private static JsonObject Failure(JsonObject stored)
    {
        var failure = new JsonObject();
        foreach (var (name, value) in stored)
        {
            if (value == null)
            {
                continue;
            }
            switch (name)
            {
                case "cause":
                    failure[name] = Failure(value.AsObject());
                    break;
                case "application":
                    failure["applicationFailureInfo"] = Details(Changed(value, Duration, "nextRetryDelay"), "details", "details");
                    failure["applicationFailureInfo"]!["category"] = EnumText("APPLICATION_ERROR_CATEGORY", (ApplicationErrorCategory)(value["category"]?.GetValue<int>() ?? 0));
                    break;
                case "timeout":
                    failure["timeoutFailureInfo"] = Details(value.DeepClone().AsObject(), "lastHeartbeat", "lastHeartbeatDetails");
                    failure["timeoutFailureInfo"]!["timeoutType"] = EnumText("TIMEOUT_TYPE", (TimeoutType)value["type"]!.GetValue<int>());
                    failure["timeoutFailureInfo"]!.AsObject().Remove("type");
                    break;
                case "canceled" or "terminated":
                    failure[$"{name}FailureInfo"] = Details(value.DeepClone().AsObject(), "details", "details");
                    break;
                case "server":
                    failure["serverFailureInfo"] = value.DeepClone();
                    break;
                case "activity":
                    failure["activityFailureInfo"] = new JsonObject
                    {
                        ["activityType"] = new JsonObject { ["name"] = value["activityType"]?.DeepClone() },
                        ["activityId"] = value["activityId"]?.DeepClone(),
                        ["identity"] = value["identity"]?.DeepClone() ?? string.Empty,
                        ["retryState"] = EnumText("RETRY_STATE", (RetryState)value["retryState"]!.GetValue<int>()),
                    };
                    break;
                case "child":
                    failure["childWorkflowExecutionFailureInfo"] = new JsonObject
                    {
                        ["namespace"] = value["namespace"]?.DeepClone(),
                        ["workflowExecution"] = new JsonObject { ["workflowId"] = value["workflowId"]?.DeepClone(), ["runId"] = value["runId"]?.DeepClone() },
                        ["workflowType"] = new JsonObject { ["name"] = value["workflowType"]?.DeepClone() },
                        ["retryState"] = EnumText("RETRY_STATE", (RetryState)value["retryState"]!.GetValue<int>()),
                    };
                    break;
                default:
                    failure[name] = value.DeepClone();
                    break;
            }
        }
        return failure;
    }

    private static JsonObject FromFailure(JsonObject failure)
    {
        var stored = new JsonObject();
        foreach (var name in new[] { "message", "source", "stackTrace" })
        {
            stored[name] = failure[name]?.DeepClone() ?? string.Empty;
        }
        if (failure["cause"] is JsonObject cause)
        {
            stored["cause"] = FromFailure(cause);
        }
        if (failure["applicationFailureInfo"] is { } application)
        {
            var category = application["category"]?.GetValue<string>();
            stored["application"] = FromDetails(Changed(application, FromDuration, "nextRetryDelay"), "details", "details");
            stored["application"]!["nonRetryable"] ??= false;
            stored["application"]!["category"] = (int)(category == null ? default : EnumValue<ApplicationErrorCategory>(category));
        }
        if (failure["timeoutFailureInfo"] is { } timeout)
        {
            stored["timeout"] = FromDetails(new JsonObject { ["lastHeartbeatDetails"] = timeout["lastHeartbeatDetails"]?.DeepClone() }, "lastHeartbeatDetails", "lastHeartbeat");
            stored["timeout"]!["type"] = (int)EnumValue<TimeoutType>(timeout["timeoutType"]!.GetValue<string>());
        }
        foreach (var name in new[] { "canceled", "terminated" })
        {
            if (failure[$"{name}FailureInfo"] is { } info)
            {
                stored[name] = FromDetails(info.DeepClone().AsObject(), "details", "details");
            }
        }
        if (failure["serverFailureInfo"] is { } server)
        {
            stored["server"] = new JsonObject { ["nonRetryable"] = server["nonRetryable"]?.DeepClone() ?? false };
        }
        if (failure["activityFailureInfo"] is { } activity)
        {
            stored["activity"] = new JsonObject
            {
                ["activityType"] = activity["activityType"]?["name"]?.DeepClone() ?? string.Empty,
                ["activityId"] = activity["activityId"]?.DeepClone() ?? string.Empty,
                ["identity"] = activity["identity"]?.DeepClone(),
                ["retryState"] = State(activity),
            };
        }
        if (failure["childWorkflowExecutionFailureInfo"] is { } child)
        {
            stored["child"] = new JsonObject
            {
                ["namespace"] = child["namespace"]?.DeepClone() ?? string.Empty,
                ["workflowId"] = child["workflowExecution"]?["workflowId"]?.DeepClone() ?? string.Empty,
                ["runId"] = child["workflowExecution"]?["runId"]?.DeepClone() ?? string.Empty,
                ["workflowType"] = child["workflowType"]?["name"]?.DeepClone() ?? string.Empty,
                ["retryState"] = State(child),
            };
        }
        return stored;
    }

    private static int State(JsonNode info) => info["retryState"]?.GetValue<string>() is { } state ? (int)EnumValue<RetryState>(state) : 0;

    private static JsonObject Details(JsonObject info, string member, string name)
    {
        var details = info[member];
        info.Remove(member);
        if (details != null)
        {
            info[name] = Encode("Payloads", details);
        }
        return info;
    }

    private static JsonObject FromDetails(JsonObject info, string name, string member)
    {
        var details = info[name];
        info.Remove(name);
        if (details != null)
        {
            info[member] = Decode("Payloads", details);
        }
        return info;
    }

    private static JsonObject Changed(JsonNode value, Func<string, string> change, params string[] members)
    {
        var copy = value.DeepClone().AsObject();
        foreach (var member in members)
        {
            if (copy[member] is { } text)
            {
                copy[member] = change(text.GetValue<string>());
            }
        }
        return copy;
    }

    private static string Duration(string span) =>
        (TimeSpan.Parse(span, CultureInfo.InvariantCulture).Ticks / (decimal)TimeSpan.TicksPerSecond).ToString("0.#######", CultureInfo.InvariantCulture) + "s";

    private static string FromDuration(string text) =>
        TimeSpan.FromTicks((long)(decimal.Parse(text.TrimEnd('s'), CultureInfo.InvariantCulture) * TimeSpan.TicksPerSecond)).ToString("c", CultureInfo.InvariantCulture);

    private static bool IsJson(string encoding) => encoding.StartsWith("json/", StringComparison.Ordinal);

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string FromBase64(string text) => Encoding.UTF8.GetString(Convert.FromBase64String(text));
}
