using Temporalio.Runtime;

namespace Temporalio.Client;

/// <summary>How to reach the service. The stand-in keeps these values and reaches its database instead.</summary>
public class TemporalConnectionOptions : ICloneable
{
    public TemporalConnectionOptions()
    {
    }

    public TemporalConnectionOptions(string targetHost) => TargetHost = targetHost;

    public string? TargetHost { get; set; }

    public TlsOptions? Tls { get; set; }

    public RpcRetryOptions? RpcRetry { get; set; }

    public KeepAliveOptions? KeepAlive { get; set; } = new();

    public IReadOnlyCollection<KeyValuePair<string, string>>? RpcMetadata { get; set; }

    public string? ApiKey { get; set; }

    public string? Identity { get; set; }

    public TemporalRuntime? Runtime { get; set; }

    public virtual object Clone()
    {
        var copy = (TemporalConnectionOptions)MemberwiseClone();
        copy.Tls = (TlsOptions?)Tls?.Clone();
        copy.RpcRetry = (RpcRetryOptions?)RpcRetry?.Clone();
        copy.KeepAlive = (KeepAliveOptions?)KeepAlive?.Clone();
        return copy;
    }
}

/// <summary>Certificates.</summary>
public class TlsOptions : ICloneable
{
    public byte[]? ServerRootCACert { get; set; }

    public string? Domain { get; set; }

    public byte[]? ClientCert { get; set; }

    public byte[]? ClientPrivateKey { get; set; }

    public bool Disabled { get; set; }

    public virtual object Clone() => MemberwiseClone();
}

/// <summary>Keep-alive of the connection.</summary>
public class KeepAliveOptions : ICloneable
{
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(30);

    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    public virtual object Clone() => MemberwiseClone();
}

/// <summary>Retries of calls.</summary>
public class RpcRetryOptions : ICloneable
{
    public TimeSpan InitialInterval { get; set; } = TimeSpan.FromMilliseconds(100);

    public float RandomizationFactor { get; set; } = 0.2F;

    public float Multiplier { get; set; } = 1.5F;

    public TimeSpan MaxInterval { get; set; } = TimeSpan.FromSeconds(5);

    public TimeSpan? MaxElapsedTime { get; set; } = TimeSpan.FromSeconds(10);

    public int MaxRetries { get; set; } = 10;

    public virtual object Clone() => MemberwiseClone();
}

/// <summary>Options of one call.</summary>
public class RpcOptions : ICloneable
{
    public bool? Retry { get; set; }

    public IReadOnlyCollection<KeyValuePair<string, string>>? Metadata { get; set; }

    public TimeSpan? Timeout { get; set; }

    public CancellationToken? CancellationToken { get; set; }

    public virtual object Clone() => MemberwiseClone();
}
