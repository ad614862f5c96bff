using XInstruct.Domain.Languages;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Recipes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace XInstruct.Activities.Recipes;

/// <summary>A recipe that is good, with its files found. Paths in it are full paths; {lang} still stands in them.</summary>
public sealed record LoadedRecipe(Recipe Recipe, string Path);

/// <summary>Reads recipe files.</summary>
public static class RecipeFile
{
    private const int MaxBytes = 1_000_000;

    /// <summary>Reads, overrides and checks a recipe. Paths in the file are relative to it, paths in overrides to the current folder.</summary>
    /// <param name="path">YAML file.</param>
    /// <param name="overrides">key=value with dotted keys; values are YAML.</param>
    /// <exception cref="RecipeException">It has problems; all of them are in the exception.</exception>
    public static LoadedRecipe Load(string path, IReadOnlyList<string> overrides)
    {
        var full = Path.GetFullPath(path);
        if (!File.Exists(full)) throw new RecipeException([new RecipeProblem(path, 0, 0, "", "The file does not exist. 'xinstruct recipe new' writes a commented one.")]);
        if (new FileInfo(full).Length > MaxBytes) throw new RecipeException([new RecipeProblem(path, 0, 0, "", $"The file is longer than {MaxBytes} bytes: that is no recipe.")]);
        var binder = new RecipeBinder(path);
        var root = Parse(full, path);
        foreach (var text in overrides) Override(binder, root, text);
        var recipe = new Recipe();
        binder.Fill(root, recipe, "");
        FillIn(recipe, binder);
        if (binder.Problems.Count == 0) RecipeChecks.Check(recipe, binder, Path.GetDirectoryName(full)!);
        return binder.Problems.Count == 0
            ? new LoadedRecipe(recipe, full)
            : throw new RecipeException([.. binder.Problems.OrderBy(p => p.Line).ThenBy(p => p.Column)]);
    }

    // Seeds built from labelled rows are, unless said otherwise, rows of the corpus file.
    private static void FillIn(Recipe recipe, RecipeBinder binder)
    {
        if (recipe.Seeds.Path.Length == 0 && recipe.Seeds.Template is not null && recipe.Seeds.Take is not null)
        {
            recipe.Seeds.Path = recipe.Corpus.Path;
            if (binder.Places.TryGetValue("corpus.path", out var place)) binder.Places["seeds.path"] = place;
        }
    }

    private static YamlMappingNode Parse(string full, string path)
    {
        try
        {
            var stream = new YamlStream();
            using var reader = new StreamReader(full);
            // A merging parser would expand anchors; plain nodes share them, so that no file grows when it is read.
            stream.Load(reader);
            if (stream.Documents.Count == 1 && stream.Documents[0].RootNode is YamlMappingNode mapping) return mapping;
            throw new RecipeException([new RecipeProblem(path, 1, 1, "", "The file must hold one mapping of keys. 'xinstruct recipe new' writes a commented one.")]);
        }
        catch (YamlException e)
        {
            throw new RecipeException([new RecipeProblem(path, e.Start.Line, e.Start.Column, "", $"This is not YAML: {e.Message}")]);
        }
    }

    private static void Override(RecipeBinder binder, YamlMappingNode root, string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            binder.Problems.Add(new RecipeProblem("--set " + text, 0, 0, "", "must be key=value, e.g. --set refine.iterations=3."));
            return;
        }

        YamlNode value;
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(text[(equals + 1)..]));
            value = stream.Documents.Count == 0 ? new YamlScalarNode("") : stream.Documents[0].RootNode;
        }
        catch (YamlException e)
        {
            binder.Problems.Add(new RecipeProblem("--set " + text, 0, 0, text[..equals], $"The value is not YAML: {e.Message}"));
            return;
        }

        var keys = text[..equals].Split('.');
        var mapping = root;
        foreach (var key in keys[..^1])
        {
            if (!mapping.Children.TryGetValue(new YamlScalarNode(key), out var child) || child is not YamlMappingNode next)
            {
                mapping.Children[new YamlScalarNode(key)] = next = [];
                binder.Overrides[next] = text;
            }

            mapping = next;
        }

        mapping.Children[new YamlScalarNode(keys[^1])] = value;
        binder.Overrides[value] = text;
    }
}
