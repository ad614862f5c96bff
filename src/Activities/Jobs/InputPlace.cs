using XInstruct.Activities.Encoders;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Jobs;

/// <summary>A path in a recipe that names an input.</summary>
/// <param name="Key">Dotted key, e.g. <c>sources.0.path</c>.</param>
/// <param name="Kind">What it names.</param>
/// <param name="Path">The path.</param>
/// <param name="Set">Puts another one in its place.</param>
internal sealed record InputPlace(string Key, InputKind Kind, string Path, Action<string> Set)
{
    /// <summary>All that are given in a recipe.</summary>
    public static IReadOnlyList<InputPlace> Of(object section, string prefix = "")
    {
        var places = new List<InputPlace>();
        foreach (var key in RecipeKey.Of(section.GetType()))
        {
            var (name, value) = (prefix + key.Name, key.Get(section));
            switch (value)
            {
                case string path when key.Input is { } kind && path.Length > 0:
                    places.Add(new InputPlace(name, kind, path, p => key.Set(section, p)));
                    break;
                case IReadOnlyList<string> paths when key.Input is { } kind:
                    places.AddRange(paths.Select((path, i) => new InputPlace($"{name}.{i}", kind, path, p => key.Set(section, ((IReadOnlyList<string>)key.Get(section)!).Select((old, at) => at == i ? p : old).ToList()))));
                    break;
                case IEnumerable<object> items when key.Kind == KeyKind.SectionList:
                    places.AddRange(items.SelectMany((item, i) => Of(item, $"{name}.{i}.")));
                    break;
                case not null when key.Kind == KeyKind.Section:
                    places.AddRange(Of(value, $"{name}."));
                    break;
            }
        }

        return places;
    }

    /// <summary>What is wrong with it; null when it can be read.</summary>
    public string? Problem()
    {
        try
        {
            return Kind switch
            {
                InputKind.File => RecipeFiles.FileProblem(Path),
                InputKind.Model => RecipeFiles.ModelProblem(Path),
                _ when !Directory.Exists(Path) => $"No folder {Path}.{RecipeFiles.Neighbour(Path)}",
                InputKind.Adapter => File.Exists(System.IO.Path.Combine(Path, "adapter_config.json")) ? null : $"{Path} has no adapter_config.json.",
                _ => Files().Count == 0 ? $"{Path} has no file." : null,
            };
        }
        catch (Exception e) when (e is EncoderException or IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>The files that it names, each with its role.</summary>
    public IReadOnlyList<(string Role, string Path)> Files() => Kind switch
    {
        InputKind.File => [(Key, Path)],
        InputKind.Model or InputKind.Adapter => [.. RecipeInputs.FilesOfModel(Path).Select(f => ($"{Key}/{System.IO.Path.GetFileName(f)}", f))],
        InputKind.Encoder => [.. EncoderFolder.Files(Path).Select(f => ($"{Key}/{System.IO.Path.GetRelativePath(Path, f)}", f))],
        _ => [.. Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(f => ($"{Key}/{System.IO.Path.GetRelativePath(Path, f).Replace(System.IO.Path.DirectorySeparatorChar, '/')}", f))],
    };
}
