namespace XInstruct.Cli.Commands;

/// <summary>Finds the recipes that ship with XInstruct.</summary>
internal static class SampleRecipes
{
    /// <summary>Path of a sample recipe: under XINSTRUCT_SAMPLES, or in samples/recipes of a folder above the program or the current folder.</summary>
    public static string Find(string name)
    {
        if (Environment.GetEnvironmentVariable("XINSTRUCT_SAMPLES") is { } samples) return Path.Combine(samples, "recipes", name);
        foreach (var start in new[] { AppContext.BaseDirectory, Environment.CurrentDirectory })
        {
            for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
            {
                var path = Path.Combine(folder.FullName, "samples", "recipes", name);
                if (File.Exists(path)) return path;
            }
        }

        throw new UsageException($"The sample recipe {name} is not found above {AppContext.BaseDirectory}. Set XINSTRUCT_SAMPLES to the samples folder of a checkout.");
    }
}
