using Temporalio.Client;
using Temporalio.StandIn;

namespace Temporalio.Common.EnvConfig;

/// <summary>Profiles of clients: a TOML file, overridden by environment variables.</summary>
public sealed record ClientEnvConfig(IReadOnlyDictionary<string, ClientEnvConfig.Profile> Profiles)
{
    public static ClientEnvConfig Load(ConfigLoadOptions? options = null) =>
        new(ProfileFile.Load(options?.ConfigSource, options?.ConfigFileStrict ?? false, ProfileEnvironment.Of(options?.OverrideEnvVars)));

    public static TemporalClientConnectOptions LoadClientConnectOptions(ProfileLoadOptions? options = null) =>
        Profile.Load(options).ToClientConnectionOptions();

    /// <summary>Where and how a client connects.</summary>
    public sealed record Profile(
        string? Address = null, string? Namespace = null, string? ApiKey = null, Tls? Tls = null, IReadOnlyDictionary<string, string>? GrpcMeta = null)
    {
        public static Profile Load(ProfileLoadOptions? options = null) => ProfileEnvironment.Load(options ?? new());

        public TemporalClientConnectOptions ToClientConnectionOptions()
        {
            var options = new TemporalClientConnectOptions { TargetHost = Address, ApiKey = ApiKey, RpcMetadata = GrpcMeta?.ToList() };
            options.Namespace = Namespace ?? options.Namespace;
            options.Tls = Tls is null ? (ApiKey is null ? null : new()) : Tls.ToTlsOptions();
            return options;
        }
    }

    /// <summary>Certificates of a profile.</summary>
    public sealed record Tls(
        bool? Disabled = null, string? ServerName = null, DataSource? ServerRootCACert = null, DataSource? ClientCert = null, DataSource? ClientPrivateKey = null)
    {
        public TlsOptions? ToTlsOptions() => Disabled == true
            ? new() { Disabled = true }
            : new()
            {
                Domain = ServerName,
                ServerRootCACert = ServerRootCACert?.GetBytes(),
                ClientCert = ClientCert?.GetBytes(),
                ClientPrivateKey = ClientPrivateKey?.GetBytes(),
            };
    }

    /// <summary>Which profile, and from where.</summary>
    public class ProfileLoadOptions : ICloneable
    {
        public string? Profile { get; set; }

        public DataSource? ConfigSource { get; set; }

        public bool DisableFile { get; set; }

        public bool DisableEnv { get; set; }

        public bool ConfigFileStrict { get; set; }

        public IReadOnlyDictionary<string, string>? OverrideEnvVars { get; set; }

        public virtual object Clone() => MemberwiseClone();
    }

    /// <summary>From where profiles are loaded.</summary>
    public class ConfigLoadOptions : ICloneable
    {
        public DataSource? ConfigSource { get; set; }

        public bool ConfigFileStrict { get; set; }

        public IReadOnlyDictionary<string, string>? OverrideEnvVars { get; set; }

        public virtual object Clone() => MemberwiseClone();
    }
}
