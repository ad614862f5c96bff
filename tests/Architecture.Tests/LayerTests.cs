using System.Xml.Linq;
using XInstruct.Tests;

namespace XInstruct.Architecture.Tests;

/// <summary>Domain ← Workflows ← Activities ← {Cli, Web} and Domain ← Training ← Activities.</summary>
public sealed class LayerTests
{
    [Theory]
    [InlineData("Domain")]
    [InlineData("Workflows", "XInstruct.Domain", "Temporalio")]
    [InlineData("Training", "XInstruct.Domain", "TorchSharp", "Microsoft.ML.Tokenizers")]
    public void Assembly_Layer_RefersToWhatIsBelowItOnly(string project, params string[] allowed)
    {
        var framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        Product.Assembly(project).GetReferencedAssemblies().Select(a => a.Name!)
            .Where(name => !File.Exists(Path.Combine(framework, name + ".dll")))
            .ShouldBeSubsetOf(allowed);
    }

    [Fact]
    public void Assembly_Activities_RefersToNoEntryPoint() =>
        Product.Assembly("Activities").GetReferencedAssemblies().ShouldNotContain(a => a.Name == "xinstruct" || a.Name == "XInstruct.Web");

    [Fact]
    public void Project_Domain_NamesNoPackageAndNoProject() => XDocument.Load(Path.Combine(SharedData.Root, "src/Domain/Domain.csproj"))
        .Descendants().ShouldNotContain(e => e.Name.LocalName == "PackageReference" || e.Name.LocalName == "ProjectReference");

    [Fact]
    public void File_Namespace_IsItsFolder()
    {
        foreach (var file in SourceFiles("*.cs"))
        {
            var line = File.ReadLines(file).FirstOrDefault(l => l.StartsWith("namespace ", StringComparison.Ordinal));
            var folder = Path.GetRelativePath(Path.Combine(SharedData.Root, "src"), Path.GetDirectoryName(file)!);
            if (line is not null) line.ShouldBe($"namespace XInstruct.{folder.Replace(Path.DirectorySeparatorChar, '.')};", file);
        }
    }

    [Fact]
    public void File_Product_NamesNoStandInButInTheReportOfPackages() => SourceFiles("*")
        .Where(f => NamesStandIn(File.ReadAllText(f)) || NamesStandIn(Path.GetFileName(f)))
        .Select(Path.GetFileName).ShouldBe(["Packages.cs"]);

    private static bool NamesStandIn(string text) =>
        text.Replace("standing", "", StringComparison.OrdinalIgnoreCase) is var rest
        && (rest.Contains("standin", StringComparison.OrdinalIgnoreCase) || rest.Contains("stand-in", StringComparison.OrdinalIgnoreCase));

    private static IEnumerable<string> SourceFiles(string pattern) => Product.Projects
        .SelectMany(p => Directory.EnumerateFiles(Path.Combine(SharedData.Root, "src", p), pattern, SearchOption.AllDirectories))
        .Where(f => !f.Contains("/bin/", StringComparison.Ordinal) && !f.Contains("/obj/", StringComparison.Ordinal));
}
