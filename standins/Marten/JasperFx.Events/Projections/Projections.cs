namespace JasperFx.Events.Projections;

/// <summary>When a projection runs.</summary>
public enum ProjectionLifecycle
{
    Inline,
    Async,
    Live,
}

/// <summary>Which events a projection sees; all when none is named.</summary>
public class EventFilterable
{
    public List<Type> IncludedEventTypes { get; } = [];

    public void IncludeType<T>() => IncludedEventTypes.Add(typeof(T));

    public void IncludeType(Type type) => IncludedEventTypes.Add(type);
}

/// <summary>How an asynchronous projection runs.</summary>
public class AsyncOptions
{
    /// <summary>Events of one transaction.</summary>
    public int BatchSize { get; set; } = 500;

    /// <summary>Whether a rebuild begins by deleting the projection's documents.</summary>
    public bool TeardownDataOnRebuild { get; set; } = true;
}

/// <summary>Name, version and settings of a projection.</summary>
public abstract class ProjectionBase : EventFilterable
{
    protected ProjectionBase() => Name = GetType().Name;

    public AsyncOptions Options { get; private set; } = new();

    public string Name { get; set; }

    public uint Version { get; set; } = 1;

    public ProjectionLifecycle Lifecycle { get; set; } = ProjectionLifecycle.Async;

    /// <summary>Throws when the projection cannot work as it is set up.</summary>
    public virtual void AssembleAndAssertValidity()
    {
    }
}

/// <summary>A projection that can be registered.</summary>
public interface IProjectionSource<TOperations, TQuerySession>
    where TOperations : TQuerySession, IStorageOperations
{
    string Name { get; }

    uint Version { get; }

    ProjectionLifecycle Lifecycle { get; }

    AsyncOptions Options { get; }
}

/// <summary>A projection's set-up is wrong.</summary>
public class InvalidProjectionException : Exception
{
    public InvalidProjectionException(string message)
        : base(message)
    {
    }
}
