using System.Text.Json;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Chains;

/// <summary>A recipe whose inputs are in the store: instead of each path stands a hash, so that any worker can go on with it.</summary>
internal static class PinnedRecipe
{
    private const string File = "file:";
    private const string Tree = "tree:";

    /// <summary>Takes a recipe's inputs in.</summary>
    public static async Task<JsonElement> PinAsync(object recipe, FileStore files, CancellationToken ct)
    {
        foreach (var place in InputPlace.Of(recipe))
        {
            if (place.Kind == InputKind.File)
            {
                place.Set(File + (await files.ImportAsync(place.Path, ct)).Sha256);
                continue;
            }

            var folder = files.NewFolder();
            foreach (var (role, path) in place.Files())
            {
                var target = Path.Combine(folder, role[(place.Key.Length + 1)..]);
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                System.IO.File.Copy(path, target);
            }

            place.Set(Tree + await files.PutTreeAsync(folder, ct));
        }

        return JsonSerializer.SerializeToElement(recipe, recipe.GetType(), EventJson.Options);
    }

    /// <summary>The recipe with paths of this machine.</summary>
    public static T Open<T>(JsonElement pinned, FileStore files)
        where T : class
    {
        var recipe = pinned.Deserialize<T>(EventJson.Options)!;
        foreach (var place in InputPlace.Of(recipe))
        {
            var hash = place.Path[(place.Path.IndexOf(':', StringComparison.Ordinal) + 1)..];
            place.Set(place.Path.StartsWith(File, StringComparison.Ordinal) ? files.Blob(hash) : files.Tree(hash));
        }

        return recipe;
    }
}
