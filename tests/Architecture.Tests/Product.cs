using System.Reflection;
using XInstruct.Tests;

namespace XInstruct.Architecture.Tests;

/// <summary>The product as it was built. A project under src/ that this one does not refer to is an error here.</summary>
internal static class Product
{
    /// <summary>Names of the projects under src/.</summary>
    public static IReadOnlyList<string> Projects { get; } =
        [.. Directory.GetFiles(Path.Combine(SharedData.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Select(p => Path.GetFileNameWithoutExtension(p)).Order(StringComparer.Ordinal)];

    public static IReadOnlyList<Assembly> Assemblies { get; } = [.. Projects.Select(Assembly)];

    public static Assembly Assembly(string project) =>
        System.Reflection.Assembly.Load(project == "Cli" ? "xinstruct" : $"XInstruct.{project}");
}
