using Temporalio.Common.EnvConfig;

namespace XInstruct.Temporalio.Tests;

public sealed class ClientEnvConfigTests
{
    private const string File = """
        # comment
        [profile.default]
        address = "one:7233"   # another

        [profile.production]
        address = 'two:7233'
        namespace = "n\"s"
        [profile.production.tls]
        disabled = false
        server_name = "sni"
        client_cert_data = '''
        line 1
        line 2'''
        [profile.production.grpc_meta]
        Some_Header = "value"
        """;

    [Fact]
    public void Load_NamedProfile_HasAllOfIt()
    {
        var profile = Load("production");
        (profile.Address, profile.Namespace, profile.ApiKey).ShouldBe(("two:7233", "n\"s", null));
        profile.GrpcMeta!["some-header"].ShouldBe("value");
        var options = profile.ToClientConnectionOptions();
        (options.TargetHost, options.Namespace, options.Tls!.Domain).ShouldBe(("two:7233", "n\"s", "sni"));
        System.Text.Encoding.UTF8.GetString(options.Tls.ClientCert!).ShouldBe("line 1\nline 2");
    }

    [Fact]
    public void Load_Environment_OverridesTheFileAndNamesTheProfile()
    {
        Load(null, ("TEMPORAL_PROFILE", "production"), ("TEMPORAL_ADDRESS", "three:7233"), ("TEMPORAL_TLS", "false"), ("TEMPORAL_GRPC_META_SOME_HEADER", ""))
            .ShouldSatisfyAllConditions(p => p.Address.ShouldBe("three:7233"), p => p.Tls!.Disabled.ShouldBe(true), p => p.GrpcMeta!.ShouldBeEmpty());
        Load(null).Address.ShouldBe("one:7233");
    }

    [Fact]
    public void ToClientConnectionOptions_ApiKey_TurnsTlsOn()
    {
        var options = Load(null, ("TEMPORAL_API_KEY", "key")).ToClientConnectionOptions();
        (options.ApiKey, options.Tls is null, options.Namespace).ShouldBe(("key", false, "default"));
        Load(null).ToClientConnectionOptions().Tls.ShouldBeNull();
    }

    [Fact]
    public void Load_UnknownProfile_Throws() =>
        Should.Throw<InvalidOperationException>(() => Load("none")).Message.ShouldContain("Profile 'none' not found");

    [Theory]
    [InlineData("[profile.default")]
    [InlineData("[profile.default]\naddress = \"cut")]
    [InlineData("[profile.default]\naddress")]
    public void Load_FileThatIsNoToml_Throws(string content) => Should.Throw<InvalidOperationException>(() => ClientEnvConfig.Profile.Load(
        new() { ConfigSource = DataSource.FromUTF8String(content), OverrideEnvVars = new Dictionary<string, string>() })).Message.ShouldContain("Configuration loading error");

    private static ClientEnvConfig.Profile Load(string? name, params (string Name, string Value)[] variables) => ClientEnvConfig.Profile.Load(new()
    {
        Profile = name,
        ConfigSource = DataSource.FromUTF8String(File),
        OverrideEnvVars = variables.ToDictionary(v => v.Name, v => v.Value),
    });
}
