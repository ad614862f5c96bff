using System.Diagnostics;
using System.Text.RegularExpressions;
using YamlDotNet.Serialization;

namespace XInstruct.EndToEnd;

/// <summary>Dockerfile, docker-compose.yml and docs/cluster.md, as far as no engine is needed.</summary>
public sealed partial class ClusterFileTests
{
    private static readonly string Root = Tests.SharedData.Root;

    private static readonly Dictionary<object, object> Compose =
        new DeserializerBuilder().Build().Deserialize<Dictionary<object, object>>(new YamlDotNet.Core.MergingParser(new YamlDotNet.Core.Parser(File.OpenText(Path.Combine(Root, "docker-compose.yml")))));

    private static IEnumerable<(string Name, Dictionary<object, object> Service)> Services =>
        ((Dictionary<object, object>)Compose["services"]).Select(s => ((string)s.Key, (Dictionary<object, object>)s.Value));

    [Fact]
    public void Compose_Images_ArePinned()
    {
        foreach (var (name, service) in Services)
        {
            var image = (string)service["image"];
            if (service.ContainsKey("build")) image.ShouldStartWith("xinstruct:", customMessage: name);
            else PinnedTag().IsMatch(image).ShouldBeTrue($"{name}: {image}");
        }
    }

    [Fact]
    public void Compose_Ports_AreOnLoopback() =>
        Services.SelectMany(s => s.Service.TryGetValue("ports", out var ports) ? (List<object>)ports : []).ShouldAllBe(p => ((string)p).StartsWith("127.0.0.1:", StringComparison.Ordinal));

    [Fact]
    public void Compose_ServicesThatStay_HaveHealthChecks()
    {
        var staying = Services.Where(s => s.Service["restart"] is "unless-stopped").ToList();
        staying.Select(s => s.Name).ShouldBe(["postgres", "temporal", "temporal-ui", "worker-cpu", "worker-api", "worker-local", "worker-gpu"], ignoreOrder: true);
        staying.ShouldAllBe(s => s.Service.ContainsKey("healthcheck"));
    }

    [Fact]
    public void Compose_MountedFilesAndScripts_Exist()
    {
        foreach (var (name, service) in Services)
        {
            foreach (var mount in service.TryGetValue("volumes", out var volumes) ? ((List<object>)volumes).Cast<string>() : [])
            {
                var source = mount.Split(':')[0];
                if (source.StartsWith('.')) Path.Exists(Path.Combine(Root, source)).ShouldBeTrue($"{name}: {source}");
                else ((Dictionary<object, object>)Compose["volumes"]).ShouldContainKey(source);
            }

            if (service.TryGetValue("entrypoint", out var entry)) File.Exists(Path.Combine(Root, "eng/compose", Path.GetFileName((string)((List<object>)entry)[^1]))).ShouldBeTrue(name);
        }
    }

    [Fact]
    public async Task Compose_CommandsAndHealthChecks_AreOnesThatTheProductHas()
    {
        await using var product = await ProductProcess.CreateAsync();
        foreach (var (name, service) in Services.Where(s => s.Service.ContainsKey("build")))
        {
            var check = (Dictionary<object, object>)service["healthcheck"];
            var commands = new List<IEnumerable<string>> { ((List<object>)service["command"]).Cast<string>() };
            if (check.TryGetValue("test", out var test)) commands.Add(((List<object>)test).Cast<string>().Skip(2));
            else name.ShouldBe("cli");
            // A worker is asked where it tells how it is.
            if (commands is [var work, var ask]) ask.Last().ShouldBe(work.Last());
            foreach (var command in commands)
            {
                var (code, _, error) = await product.RunAsync([.. command, "--help"]);
                code.ShouldBe(0, $"{name}: {error}");
            }
        }

        var health = await product.RunAsync("doctor", "--quick");
        health.Code.ShouldBe(0, health.Output + health.Error);
        health.Output.ShouldContain("clock: ");
        health.Output.ShouldNotContain("libtorch");
    }

    [Fact]
    public async Task Docs_CommandsOfThePage_AreOnesThatTheProductHas()
    {
        await using var product = await ProductProcess.CreateAsync();
        var lines = File.ReadAllText(Path.Combine(Root, "docs/cluster.md")).Split("```bash\n").Skip(1).SelectMany(b => b[..b.IndexOf("```", StringComparison.Ordinal)].Split('\n')).ToList();
        var commands = lines.Select(l => ProductCommand().Match(l)).Where(m => m.Success).Select(m => m.Groups["args"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();
        commands.Count.ShouldBeGreaterThan(5);
        foreach (var command in commands)
        {
            var (code, _, error) = await product.RunAsync([.. command, "--help"]);
            code.ShouldBe(0, string.Join(' ', command) + error);
        }
    }

    [Fact]
    public async Task Compose_Config_IsAcceptedByTheClient()
    {
        // Where there is a client; the schema of the file is its business.
        var client = new[] { "/usr/bin/docker-compose", "/usr/local/bin/docker-compose", "/usr/libexec/docker/cli-plugins/docker-compose", "/usr/local/lib/docker/cli-plugins/docker-compose" }.FirstOrDefault(File.Exists);
        if (client is null) return;
        var start = new ProcessStartInfo(client, ["--profile", "local", "--profile", "gpu", "--profile", "tools", "config", "--services"])
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["POSTGRES_PASSWORD"] = "secret";
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, await error);
        (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldBe(Services.Select(s => s.Name), ignoreOrder: true);
    }

    [Fact]
    public void Dockerfile_ImagesAndCopies_ArePinnedAndThere()
    {
        var lines = File.ReadAllLines(Path.Combine(Root, "Dockerfile"));
        var stages = lines.Select(l => Stage().Match(l)).Where(m => m.Success).ToList();
        stages.Select(s => s.Groups["name"].Value).ShouldBe(["setup", "build-cpu", "build-cuda", "cuda", "cpu"]);
        foreach (var image in stages.Select(s => s.Groups["image"].Value).Where(i => i != "setup")) PinnedTag().IsMatch(image).ShouldBeTrue(image);
        foreach (var user in lines.Where(l => l.StartsWith("USER ", StringComparison.Ordinal))) user.ShouldBe("USER 10001:10001");
        foreach (var copy in lines.Where(l => l.StartsWith("COPY --from=", StringComparison.Ordinal)).Select(l => l.Split(' ')[2]))
        {
            if (copy.StartsWith("/src/", StringComparison.Ordinal)) Path.Exists(Path.Combine(Root, copy["/src/".Length..])).ShouldBeTrue(copy);
        }
    }

    [GeneratedRegex(@"^[a-z/-]+:[0-9]+\.[0-9]+[a-z0-9.-]*$", RegexOptions.None, 1000)]
    private static partial Regex PinnedTag();

    [GeneratedRegex(@"^FROM (?<image>\S+) AS (?<name>\S+)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Stage();

    [GeneratedRegex(@"(^xinstruct|--rm cli|xinstruct:cuda) (?<args>.*)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ProductCommand();
}
