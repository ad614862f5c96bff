using JasperFx.Events;
using Marten.Events.Aggregation;
using XInstruct.Domain.Jobs;
using XInstruct.Domain.Models;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Sources;

namespace XInstruct.Activities.Storage;

/// <summary>Inline projection of samples: the state that decides.</summary>
public sealed class SampleProjection : SingleStreamProjection<Sample, Guid>
{
    public override Sample? Evolve(Sample? snapshot, Guid id, IEvent e) =>
        Sample.Fold(snapshot, e.Data) is { } state ? state with { Id = id, Run = e.HeaderText(EventHeaders.Run), Head = e.HeadAfter(snapshot?.Head) } : null;
}

/// <summary>Inline projection of sources.</summary>
public sealed class SourceProjection : SingleStreamProjection<Source, Guid>
{
    public override Source? Evolve(Source? snapshot, Guid id, IEvent e) =>
        Source.Fold(snapshot, e.Data) is { } state ? state with { Id = id, Run = e.HeaderText(EventHeaders.Run), Head = e.HeadAfter(snapshot?.Head) } : null;
}

/// <summary>Inline projection of runs.</summary>
public sealed class RunProjection : SingleStreamProjection<Run, Guid>
{
    public override Run? Evolve(Run? snapshot, Guid id, IEvent e) =>
        Run.Fold(snapshot, e.Data) is { } state ? state with { Id = id, Name = e.HeaderText(EventHeaders.Run) ?? "", Head = e.HeadAfter(snapshot?.Head) } : null;
}

/// <summary>Inline projection of trained models.</summary>
public sealed class ModelProjection : SingleStreamProjection<Model, Guid>
{
    public override Model? Evolve(Model? snapshot, Guid id, IEvent e) =>
        Model.Fold(snapshot, e.Data) is { } state ? state with { Id = id, Head = e.HeadAfter(snapshot?.Head) } : null;
}

/// <summary>Inline projection of jobs.</summary>
public sealed class JobProjection : SingleStreamProjection<Job, Guid>
{
    public override Job? Evolve(Job? snapshot, Guid id, IEvent e) =>
        Job.Fold(snapshot, e.Data) is { } state ? state with { Id = id, Head = e.HeadAfter(snapshot?.Head) } : null;
}

/// <summary>Inline projection of jobs' parts.</summary>
public sealed class JobPartProjection : SingleStreamProjection<JobPart, Guid>
{
    public override JobPart? Evolve(JobPart? snapshot, Guid id, IEvent e) =>
        JobPart.Fold(snapshot, e.Data) is { } state ? state with { Id = id, Run = e.HeaderText(EventHeaders.Run), Head = e.HeadAfter(snapshot?.Head) } : null;
}

/// <summary>Inline projection of answers to jobs.</summary>
public sealed class JobReplyProjection : SingleStreamProjection<JobReply, Guid>
{
    public override JobReply? Evolve(JobReply? snapshot, Guid id, IEvent e) =>
        JobReply.Fold(snapshot, e.Data) is { } state ? state with { Id = id, Run = e.HeaderText(EventHeaders.Run), Head = e.HeadAfter(snapshot?.Head) } : null;
}

internal static class EventHeaderReading
{
    public static string? HeaderText(this IEvent e, string name) => e.Headers?.GetValueOrDefault(name)?.ToString();

    public static ChainHead HeadAfter(this IEvent e, ChainHead? before) =>
        new((before?.Version ?? 0) + 1, e.HeaderText(EventHeaders.Content) ?? "", e.HeaderText(EventHeaders.Record) ?? "");
}
