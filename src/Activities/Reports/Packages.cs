using System.Reflection;

namespace XInstruct.Activities.Reports;

/// <summary>Which of the packages that a feed may lack are the official ones here.</summary>
public static class Packages
{
    private const string Mark = "XInstruct.StandIn";

    /// <summary>Package name to "official" or "stand-in".</summary>
    public static IReadOnlyDictionary<string, string> InUse { get; } = new SortedDictionary<string, string>(StringComparer.Ordinal)
    {
        ["Marten"] = Kind(typeof(Marten.IDocumentStore)),
        ["Microsoft.ML.OnnxRuntime"] = Kind(typeof(Microsoft.ML.OnnxRuntime.InferenceSession)),
        ["Microsoft.ML.Tokenizers"] = Kind(typeof(Microsoft.ML.Tokenizers.Tokenizer)),
        ["Temporalio"] = Kind(typeof(Temporalio.Client.ITemporalClient)),
        ["TorchSharp"] = Kind(typeof(TorchSharp.torch)),
    };

    private static string Kind(Type type) =>
        type.Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Any(a => a.Key == Mark) ? "stand-in" : "official";
}
