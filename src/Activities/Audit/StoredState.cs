using System.Globalization;
using System.Text.Json;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;

namespace XInstruct.Activities.Audit;

/// <summary>States folded from the log, as the store's own projections fold them.</summary>
public static class StoredState
{
    /// <summary>The event's data; null when no version that this one knows wrote it.</summary>
    public static object? Read(this StoredEvent stored) =>
        EventTypes.Types.TryGetValue(stored.Type, out var type) ? stored.Data.Deserialize(type, EventJson.Options) : null;

    /// <summary>When it was written.</summary>
    public static DateTimeOffset? At(this StoredEvent stored) =>
        DateTimeOffset.TryParse(stored.Header(EventHeaders.At), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;

    /// <summary>Whether it was written by this time; always when there is none.</summary>
    public static bool WasThere(this StoredEvent stored, DateTimeOffset? time) => time is null || stored.At() <= time;

    /// <summary>The sample after an event.</summary>
    public static Sample? After(this Sample? current, StoredEvent stored) =>
        stored.Read() is { } e && Sample.Fold(current, e) is { } sample ? sample with { Id = stored.Stream, Run = stored.Header(EventHeaders.Run), Head = Head(stored) } : current;

    /// <summary>The run after an event.</summary>
    public static Run? After(this Run? current, StoredEvent stored) =>
        stored.Read() is { } e && Run.Fold(current, e) is { } run ? run with { Id = stored.Stream, Name = stored.Header(EventHeaders.Run) ?? "", Head = Head(stored) } : current;

    private static ChainHead Head(StoredEvent stored) => new(stored.Version, stored.Header(EventHeaders.Content) ?? "", stored.Header(EventHeaders.Record) ?? "");
}
