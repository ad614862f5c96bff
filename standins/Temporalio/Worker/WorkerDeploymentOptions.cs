using Temporalio.Common;

namespace Temporalio.Worker;

/// <summary>Worker versioning: the version that a worker belongs to, and when workflows move between versions.</summary>
public class WorkerDeploymentOptions : ICloneable
{
    public WorkerDeploymentOptions()
    {
    }

    public WorkerDeploymentOptions(WorkerDeploymentVersion version, bool useWorkerVersioning) => (Version, UseWorkerVersioning) = (version, useWorkerVersioning);

    public WorkerDeploymentVersion? Version { get; set; }

    public bool UseWorkerVersioning { get; set; }

    public VersioningBehavior DefaultVersioningBehavior { get; set; } = VersioningBehavior.Unspecified;

    public virtual object Clone() => MemberwiseClone();
}
