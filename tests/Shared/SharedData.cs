namespace XInstruct.Tests;

/// <summary>Material beside the checkout that is never committed.</summary>
public static class SharedData
{
    /// <summary>The checkout's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>../shared as seen from the checkout.</summary>
    public static string Folder => Path.GetFullPath(Path.Combine(Root, "..", "shared"));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "XInstruct.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("XInstruct.sln is in no folder above the tests.");
    }
}

/// <summary>A test that needs a path below ../shared and is skipped, with a message, where it is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedFactAttribute : FactAttribute
{
    public SharedFactAttribute(string path)
    {
        Path = path;
        var full = System.IO.Path.Combine(SharedData.Folder, path);
        if (!File.Exists(full) && !Directory.Exists(full)) Skip = $"{full} is absent: this test reads it where it lies.";
    }

    public string Path { get; }
}
