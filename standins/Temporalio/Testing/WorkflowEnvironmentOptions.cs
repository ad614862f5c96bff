using Temporalio.Client;
using Temporalio.Common;

namespace Temporalio.Testing;

/// <summary>Options of a local server. The stand-in uses its database instead of a file.</summary>
public class DevServerOptions : ICloneable
{
    public string? ExistingPath { get; set; }

    public string? DatabaseFilename { get; set; }

    public string LogFormat { get; set; } = "pretty";

    public string LogLevel { get; set; } = "warn";

    public string DownloadVersion { get; set; } = "default";

    public IReadOnlyCollection<string>? ExtraArgs { get; set; }

    public TimeSpan? DownloadTtl { get; set; }

    public virtual object Clone() => MemberwiseClone();
}

/// <summary>Options of a time-skipping server.</summary>
public class TestServerOptions : ICloneable
{
    public string? ExistingPath { get; set; }

    public string DownloadVersion { get; set; } = "default";

    public IReadOnlyCollection<string>? ExtraArgs { get; set; }

    public TimeSpan? DownloadTtl { get; set; }

    public virtual object Clone() => MemberwiseClone();
}

/// <summary>Options of a local environment.</summary>
public class WorkflowEnvironmentStartLocalOptions : TemporalClientConnectOptions
{
    public string? DownloadDirectory { get; set; }

    public bool UI { get; set; }

    public int UIPort { get; set; }

    /// <summary>To register: others than these, and those registered before, cannot be set or asked for.</summary>
    public IReadOnlyCollection<SearchAttributeKey>? SearchAttributes { get; set; }

    public DevServerOptions DevServerOptions { get; set; } = new();

    public override object Clone()
    {
        var copy = (WorkflowEnvironmentStartLocalOptions)base.Clone();
        copy.DevServerOptions = (DevServerOptions)DevServerOptions.Clone();
        return copy;
    }
}

/// <summary>Options of a time-skipping environment.</summary>
public class WorkflowEnvironmentStartTimeSkippingOptions : TemporalClientConnectOptions
{
    public string? DownloadDirectory { get; set; }

    public TestServerOptions TestServer { get; set; } = new();

    public override object Clone()
    {
        var copy = (WorkflowEnvironmentStartTimeSkippingOptions)base.Clone();
        copy.TestServer = (TestServerOptions)TestServer.Clone();
        return copy;
    }
}
