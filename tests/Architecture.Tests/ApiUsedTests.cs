using XInstruct.ApiUsed;
using XInstruct.Tests;

namespace XInstruct.Architecture.Tests;

public sealed class ApiUsedTests
{
    [Fact]
    public void Read_Product_IsWhatTheCommittedListSays()
    {
        var used = PackageApi.Read(Product.Assemblies.Select(a => a.Location));
        var listed = File.ReadAllLines(Path.Combine(SharedData.Root, "eng", "api-used.txt"));
        var difference = listed.Except(used).Select(l => "- " + l).Concat(used.Except(listed).Select(l => "+ " + l)).ToArray();
        difference.ShouldBeEmpty("eng/api-used.txt is stale. Check each new member against the official source, then run eng/api-used.");
        listed.ShouldBe(used);
    }

    [Fact]
    public void Read_Product_SeesTypesMembersAndOverrides()
    {
        var used = PackageApi.Read(Product.Assemblies.Select(a => a.Location));
        used.ShouldContain("Marten: JasperFx.Events.IEvent (type)");
        used.ShouldContain("Temporalio: Temporalio.Workflows.Workflow.WaitConditionAsync(Func<bool>, CancellationToken?) : Task");
        used.ShouldContain(l => l.StartsWith("Marten: ") && l.Contains(".Evolve(") && l.EndsWith("(override)"));
        used.ShouldContain(l => l.StartsWith("TorchSharp: "));
        used.ShouldContain(l => l.StartsWith("Microsoft.ML.Tokenizers: "));
    }
}
