using JasperFx.Events.Aggregation;
using JasperFx.Events.Daemon;

namespace JasperFx.Events.Projections;

/// <summary>Registered projections and the settings of the daemon that runs them.</summary>
public abstract class ProjectionGraph<TProjection, TOperations, TQuerySession> : DaemonSettings
    where TOperations : TQuerySession, IStorageOperations
{
    public List<IProjectionSource<TOperations, TQuerySession>> All { get; } = [];

    /// <summary>What a continuous projection skips; all of it by default.</summary>
    public ErrorHandlingOptions Errors { get; } = new() { SkipApplyErrors = true, SkipSerializationErrors = true, SkipUnknownEvents = true };

    /// <summary>What a rebuild skips; nothing by default.</summary>
    public ErrorHandlingOptions RebuildErrors { get; } = new();

    internal IEnumerable<IAggregation> Aggregations => All.Cast<IAggregation>();

    public void Add(IProjectionSource<TOperations, TQuerySession> source, ProjectionLifecycle lifecycle, Action<AsyncOptions>? asyncConfiguration = null)
    {
        if (source is not ProjectionBase projection || source is not IAggregation)
        {
            throw new NotSupportedException($"{source.GetType()} is no single- or multi-stream projection.");
        }

        projection.AssembleAndAssertValidity();
        projection.Lifecycle = lifecycle;
        asyncConfiguration?.Invoke(source.Options);
        All.Add(source);
    }

    public void Add<TProjectionType>(ProjectionLifecycle lifecycle, Action<AsyncOptions>? asyncConfiguration = null)
        where TProjectionType : ProjectionBase, IProjectionSource<TOperations, TQuerySession>, new() =>
        Add(new TProjectionType(), lifecycle, asyncConfiguration);

    public bool HasAnyAsyncProjections() => All.Any(p => p.Lifecycle == ProjectionLifecycle.Async);

    internal IAggregation? Aggregating(Type document) => Aggregations.FirstOrDefault(a => a.DocumentType == document);
}
