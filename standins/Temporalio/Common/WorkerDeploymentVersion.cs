namespace Temporalio.Common;

/// <summary>When a workflow moves to another version of the workers.</summary>
public enum VersioningBehavior
{
    /// <summary>Not said.</summary>
    Unspecified = 0,

    /// <summary>It ends where it began.</summary>
    Pinned = 1,

    /// <summary>With its next task it goes to the current version.</summary>
    AutoUpgrade = 2,
}

/// <summary>A version of a deployment's workers.</summary>
public sealed record WorkerDeploymentVersion(string DeploymentName, string BuildId)
{
    /// <summary>Reads "deployment.build"; the deployment's name has no dot.</summary>
    public static WorkerDeploymentVersion FromCanonicalString(string canonical) =>
        canonical.Split('.', 2) is [var name, var build]
            ? new WorkerDeploymentVersion(name, build)
            : throw new ArgumentException($"'{canonical}' is not <deployment_name>.<build_id>.", nameof(canonical));

    public string ToCanonicalString() => $"{DeploymentName}.{BuildId}";
}
