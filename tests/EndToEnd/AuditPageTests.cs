using System.Text.Json;

namespace XInstruct.EndToEnd;

/// <summary>The page about audits, on the run that nobody disturbed.</summary>
[Collection(TinyRuns.Name)]
public sealed class AuditPageTests(UndisturbedRun undisturbed) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-audit-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Audit_EveryCommandOfItsPage_Works()
    {
        var run = undisturbed.End.GetProperty("run").GetString()!;
        var release = undisturbed.End.GetProperty("release").GetProperty("path").GetString()!;
        var sample = JsonDocument.Parse(File.ReadLines(Path.Combine(release, "sw.jsonl")).First()).RootElement.GetProperty("id").GetString()!;
        var page = File.ReadAllText(Path.Combine(Tests.SharedData.Root, "docs", "audit.md"));
        var commands = page.Split('\n').Where(l => l.StartsWith("./xinstruct ", StringComparison.Ordinal) && !l.StartsWith("./xinstruct fork", StringComparison.Ordinal)).ToList();
        commands.Count.ShouldBeGreaterThan(8);
        foreach (var line in commands)
        {
            var arguments = line.Split(" #")[0].Trim().Split(' ')[1..]
                .Select(a => a.StartsWith("tiny-", StringComparison.Ordinal) ? run + (a.EndsWith(".tar", StringComparison.Ordinal) ? ".tar" : "") : Guid.TryParse(a, out _) ? sample : a.StartsWith("2026-", StringComparison.Ordinal) ? "2126-01-01T00:00:00Z" : a).ToArray();
            var (code, output, error) = await undisturbed.Product.RunInAsync(_folder, arguments);
            code.ShouldBe(0, line + "\n" + error + output);
            output.ShouldNotBeEmpty();
            if (arguments.Contains("rebuild")) output.ShouldContain(undisturbed.Sha256);
            if (arguments.Contains("diff")) output.ShouldContain("0 changed");
        }
    }
}
