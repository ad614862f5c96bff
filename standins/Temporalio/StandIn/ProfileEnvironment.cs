using System.Collections;
using Temporalio.Common.EnvConfig;

namespace Temporalio.StandIn;

/// <summary>What environment variables say of a profile; the last word where they are not switched off.</summary>
internal static class ProfileEnvironment
{
    private const string Prefix = "TEMPORAL_";
    private const string MetaPrefix = "TEMPORAL_GRPC_META_";

    public static IReadOnlyDictionary<string, string> Of(IReadOnlyDictionary<string, string>? overrides) =>
        overrides ?? Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Where(e => ((string)e.Key).StartsWith(Prefix, StringComparison.Ordinal))
            .ToDictionary(e => (string)e.Key, e => (string)e.Value!, StringComparer.Ordinal);

    public static ClientEnvConfig.Profile Load(ClientEnvConfig.ProfileLoadOptions options)
    {
        if (options.DisableFile && options.DisableEnv)
        {
            throw ProfileFile.Error("Cannot disable both file and environment loading");
        }
        var variables = Of(options.OverrideEnvVars);
        var profile = options.DisableFile ? new() : Find(options, variables);
        return options.DisableEnv ? profile : Apply(profile, variables);
    }

    private static ClientEnvConfig.Profile Find(ClientEnvConfig.ProfileLoadOptions options, IReadOnlyDictionary<string, string> variables)
    {
        var named = options.Profile ?? (options.DisableEnv ? null : variables.GetValueOrDefault("TEMPORAL_PROFILE"));
        named = named is "" && options.Profile is null ? null : named;
        var profiles = ProfileFile.Load(options.ConfigSource, options.ConfigFileStrict, variables);
        return profiles.GetValueOrDefault(named ?? "default") ?? (named is null ? new() : throw ProfileFile.Error($"Profile '{named}' not found"));
    }

    private static ClientEnvConfig.Profile Apply(ClientEnvConfig.Profile profile, IReadOnlyDictionary<string, string> variables)
    {
        var tls = profile.Tls;
        if (tls is not null || variables.Keys.Any(k => k == "TEMPORAL_TLS" || k.StartsWith("TEMPORAL_TLS_", StringComparison.Ordinal)))
        {
            tls ??= new();
            tls = tls with
            {
                Disabled = variables.GetValueOrDefault("TEMPORAL_TLS")?.ToLowerInvariant() switch { "true" or "1" => false, "false" or "0" => true, _ => tls.Disabled },
                ServerName = variables.GetValueOrDefault("TEMPORAL_TLS_SERVER_NAME") ?? tls.ServerName,
                ServerRootCACert = Source(variables, "SERVER_CA_CERT") ?? tls.ServerRootCACert,
                ClientCert = Source(variables, "CLIENT_CERT") ?? tls.ClientCert,
                ClientPrivateKey = Source(variables, "CLIENT_KEY") ?? tls.ClientPrivateKey,
            };
        }
        var meta = new Dictionary<string, string>(profile.GrpcMeta ?? new Dictionary<string, string>(), StringComparer.Ordinal);
        foreach (var (key, value) in variables.Where(v => v.Key.StartsWith(MetaPrefix, StringComparison.Ordinal)))
        {
            var name = ProfileFile.Header(key[MetaPrefix.Length..]);
            if (value.Length == 0)
            {
                meta.Remove(name);
            }
            else
            {
                meta[name] = value;
            }
        }
        return profile with
        {
            Address = variables.GetValueOrDefault("TEMPORAL_ADDRESS") ?? profile.Address,
            Namespace = variables.GetValueOrDefault("TEMPORAL_NAMESPACE") ?? profile.Namespace,
            ApiKey = variables.GetValueOrDefault("TEMPORAL_API_KEY") ?? profile.ApiKey,
            Tls = tls,
            GrpcMeta = meta,
        };
    }

    private static DataSource? Source(IReadOnlyDictionary<string, string> variables, string name)
    {
        var (path, data) = (variables.GetValueOrDefault($"TEMPORAL_TLS_{name}_PATH"), variables.GetValueOrDefault($"TEMPORAL_TLS_{name}_DATA"));
        if (path is not null && data is not null)
        {
            throw ProfileFile.Error($"Cannot specify both TEMPORAL_TLS_{name}_PATH and TEMPORAL_TLS_{name}_DATA");
        }
        return path is not null ? DataSource.FromPath(path) : data is not null ? DataSource.FromUTF8String(data) : null;
    }
}
