using System.Runtime.CompilerServices;
using System.Text.Json;

namespace XInstruct.Training.Tests;

/// <summary>Where test vectors lie: those that may be copied in tests/golden, the others beside the repository.</summary>
internal static class Golden
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", ".."));

    public static string Copied(string path) => Path.Combine(Root, "tests", "golden", path);

    public static string Shared(string path) => Path.Combine(Root, "..", "shared", "golden", path);

    public static JsonElement Json(string path) => JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;

    public static int[] Ints(this JsonElement element) => [.. element.EnumerateArray().Select(item => item.GetInt32())];

    public static double[] Doubles(this JsonElement element) => [.. element.EnumerateArray().Select(item => item.GetDouble())];

    public static double[][] Rows(this JsonElement element) => [.. element.EnumerateArray().Select(Doubles)];

    private static string Here([CallerFilePath] string path = "") => path;
}
