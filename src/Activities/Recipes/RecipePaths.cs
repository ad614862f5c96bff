using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Recipes;

/// <summary>The keys of a recipe that name files.</summary>
internal sealed record PathKey(string Key, Func<Recipe, string?> Get, Action<Recipe, string> Set)
{
    /// <summary>Tables, the lexicon and prompts.</summary>
    public static IReadOnlyList<PathKey> Files { get; } =
    [
        new("corpus.path", r => r.Corpus.Path, (r, p) => r.Corpus.Path = p),
        new("seeds.path", r => r.Seeds.Path, (r, p) => r.Seeds.Path = p),
        new("seeds.alignWith", r => r.Seeds.AlignWith, (r, p) => r.Seeds.AlignWith = p),
        new("models.generator.api.promptFile", r => r.Models.Generator.Api?.PromptFile, (r, p) => r.Models.Generator.Api!.PromptFile = p),
        new("models.evaluator.api.promptFile", r => r.Models.Evaluator.Api?.PromptFile, (r, p) => r.Models.Evaluator.Api!.PromptFile = p),
        new("truth.path", r => r.Truth?.Path, (r, p) => r.Truth!.Path = p),
        new("truth.alignWith", r => r.Truth?.AlignWith, (r, p) => r.Truth!.AlignWith = p),
        new("truth.lexicon", r => r.Truth?.Lexicon, (r, p) => r.Truth!.Lexicon = p),
    ];

    /// <summary>Folders of models.</summary>
    public static IReadOnlyList<PathKey> Folders { get; } =
    [
        new("models.generator.base", r => r.Models.Generator.Base, (r, p) => r.Models.Generator.Base = p),
        new("models.evaluator.base", r => r.Models.Evaluator.Base, (r, p) => r.Models.Evaluator.Base = p),
        new("models.student.base", r => r.Models.Student.Base, (r, p) => r.Models.Student.Base = p),
    ];

    /// <summary>Folder of the sentence encoder.</summary>
    public static PathKey Encoder { get; } = new("diversify.encoder.path", r => r.Diversify.Encoder?.Path, (r, p) => r.Diversify.Encoder!.Path = p);

    /// <summary>Read by the report only; a run needs none of them.</summary>
    public bool IsTruth => Key.StartsWith("truth.", StringComparison.Ordinal);

    /// <summary>A path with the language's code in its place.</summary>
    public static string For(string path, string language) => path.Replace("{lang}", language, StringComparison.Ordinal);

    /// <summary>Whether each language has a file of its own.</summary>
    public static bool IsPerLanguage(string path) => path.Contains("{lang}", StringComparison.Ordinal);
}

/// <summary>Makes paths absolute and fills in those that follow from others.</summary>
internal static class RecipePaths
{
    private const int LongReply = 512;

    /// <summary>A path in the file is relative to the file, one from the command line to the current folder.</summary>
    public static void Resolve(Recipe recipe, string folder, RecipeBinder binder)
    {
        foreach (var key in PathKey.Files.Concat(PathKey.Folders).Append(PathKey.Encoder))
        {
            if (key.Get(recipe) is not { Length: > 0 } path || path.Contains('\0', StringComparison.Ordinal)) continue;
            key.Set(recipe, Path.GetFullPath(path, binder.PlaceOf(key.Key).IsOverride ? Environment.CurrentDirectory : folder));
        }

        if (recipe.Seeds.Template is not null)
        {
            // Labelled rows are texts of the corpus' kind.
            if (!binder.IsWritten("seeds.path")) recipe.Seeds.Path = recipe.Corpus.Path;
            if (!binder.IsWritten("seeds.output")) recipe.Seeds.Output = recipe.Corpus.Text;
        }

        if (recipe.Models.Generator.Api is not null)
        {
            // Nothing is trained that a later iteration could do better with.
            if (!binder.IsWritten("refine.iterations")) recipe.Refine.Iterations = 0;
            if (!binder.IsWritten("refine.generators")) recipe.Refine.Generators = 1;
        }

        LongReplies("models.generator", recipe.Models.Generator, binder);
        LongReplies("models.evaluator", recipe.Models.Evaluator, binder);
        if (recipe.Truth is not { } truth || binder.IsWritten("truth.path")) return;
        truth.Path = recipe.Corpus.Path;
        if (!binder.IsWritten("truth.alignWith")) truth.AlignWith = recipe.Seeds.AlignWith;
    }

    /// <summary>The default fits a model that was trained to write an instruction and nothing else.</summary>
    private static void LongReplies(string key, RemotableModelOptions model, RecipeBinder binder)
    {
        if (model.Api is not null && !binder.IsWritten($"{key}.sampling.maxNewTokens")) model.Sampling.MaxNewTokens = LongReply;
    }
}
