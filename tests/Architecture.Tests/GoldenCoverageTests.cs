using XInstruct.Tests;

namespace XInstruct.Architecture.Tests;

/// <summary>Test vectors that no suite reads would be forgotten.</summary>
public sealed class GoldenCoverageTests
{
    // With the suites: chat templates, models, quantisation, sampling, tokenizers, training and k-means in Training.Tests; metrics and MinHash in Domain.Tests.
    private static readonly string[] Read = ["chat_templates", "clustering", "metrics", "models", "quant", "sampling", "tokenizers", "training"];

    [Fact]
    public void GoldenFolders_AreAllRead() =>
        Golden.Roots.SelectMany(Directory.GetDirectories).Select(folder => Path.GetFileName(folder)).Distinct(StringComparer.Ordinal).ShouldBeSubsetOf(Read);
}
