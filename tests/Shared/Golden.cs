using System.Runtime.CompilerServices;
using System.Text.Json;

namespace XInstruct.Tests;

/// <summary>Where test vectors lie: those that may be copied in tests/golden, the others beside the repository.</summary>
internal static class Golden
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", ".."));

    /// <summary>The folder that XINSTRUCT_GOLDEN names, else those of the repository and, where it is, beside the repository.</summary>
    public static IReadOnlyList<string> Roots { get; } = Environment.GetEnvironmentVariable("XINSTRUCT_GOLDEN") is { Length: > 0 } named
        ? [Path.GetFullPath(named)]
        : [.. new[] { Copied(""), Shared("") }.Where(Directory.Exists)];

    /// <summary>The folders of an area such as "models", by name; of two with one name that of the first root. An area may be missing.</summary>
    public static IReadOnlyList<(string Name, string Path)> Folders(string area) =>
    [
        .. Roots.Select(root => Path.Combine(root, area)).Where(Directory.Exists).SelectMany(Directory.GetDirectories)
            .Select(path => (Name: Path.GetFileName(path), Path: path)).DistinctBy(folder => folder.Name).OrderBy(folder => folder.Name, StringComparer.Ordinal),
    ];

    /// <summary>The first root's file of that path, or null when no root has it.</summary>
    public static string? Find(string path) => Roots.Select(root => Path.Combine(root, path)).FirstOrDefault(File.Exists);

    public static string Copied(string path) => Path.Combine(Root, "tests", "golden", path);

    public static string Shared(string path) => Path.Combine(Root, "..", "shared", "golden", path);

    /// <summary>Names of an area's folders that hold expected values.</summary>
    public static TheoryData<string> Named(string area, string start = "") =>
        [.. Folders(area).Where(f => f.Name.StartsWith(start, StringComparison.Ordinal) && File.Exists(Path.Combine(f.Path, "expected.json"))).Select(f => f.Name)];

    /// <summary>The folder of that name in an area.</summary>
    public static string Folder(string area, string name) => Folders(area).Single(folder => folder.Name == name).Path;

    public static JsonElement Json(string path) => JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;

    public static int[] Ints(this JsonElement element) => [.. element.EnumerateArray().Select(item => item.GetInt32())];

    public static double[] Doubles(this JsonElement element) => [.. element.EnumerateArray().Select(item => item.GetDouble())];

    public static double[][] Rows(this JsonElement element) => [.. element.EnumerateArray().Select(Doubles)];

    private static string Here([CallerFilePath] string path = "") => path;
}
