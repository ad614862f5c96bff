using XInstruct.Benchmarks.Samples;
using XInstruct.Tests;

namespace XInstruct.Domain.Tests.Samples;

/// <summary>The committed samples come from their generator: their hashes are permanent, whatever becomes of the product's own generator of numbers.</summary>
public sealed class SampleFilesTests
{
    [Fact]
    public void Of_Phrases_GivesTheCommittedFiles()
    {
        var folder = Path.Combine(SharedData.Root, "samples");
        var files = SampleFiles.Of(folder).ToList();
        files.Count.ShouldBe(25);
        foreach (var (name, text) in files) (File.ReadAllText(Path.Combine(folder, name)) == text).ShouldBeTrue(name);
    }
}
