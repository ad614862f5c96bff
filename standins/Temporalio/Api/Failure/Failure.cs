using System.Text.Json.Serialization;
using Temporalio.Api.Common.V1;
using Temporalio.Api.Enums.V1;

namespace Temporalio.Api.Failure.V1;

/// <summary>An exception as it is stored and sent. Only what every failure has is public.</summary>
public sealed class Failure
{
    public string Message { get; set; } = string.Empty;

    public string Source { get; set; } = string.Empty;

    public string StackTrace { get; set; } = string.Empty;

    public Failure? Cause { get; set; }

    [JsonInclude] internal ApplicationInfo? Application { get; set; }

    [JsonInclude] internal TimeoutInfo? Timeout { get; set; }

    [JsonInclude] internal CanceledInfo? Canceled { get; set; }

    [JsonInclude] internal TerminatedInfo? Terminated { get; set; }

    [JsonInclude] internal ServerInfo? Server { get; set; }

    [JsonInclude] internal ActivityFailureInfo? Activity { get; set; }

    [JsonInclude] internal ChildInfo? Child { get; set; }

    internal sealed record ApplicationInfo(
        string? Type, bool NonRetryable, Payload[]? Details, TimeSpan? NextRetryDelay, ApplicationErrorCategory Category);

    internal sealed record TimeoutInfo(TimeoutType Type, Payload[]? LastHeartbeat);

    internal sealed record CanceledInfo(Payload[]? Details);

    internal sealed record TerminatedInfo(Payload[]? Details);

    internal sealed record ServerInfo(bool NonRetryable);

    internal sealed record ActivityFailureInfo(string ActivityType, string ActivityId, string? Identity, RetryState RetryState);

    internal sealed record ChildInfo(string Namespace, string WorkflowId, string RunId, string WorkflowType, RetryState RetryState);
}
