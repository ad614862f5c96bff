using System.Text;
using System.Text.RegularExpressions;
using XInstruct.Activities.Encoders;
using XInstruct.Activities.Models;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Costs;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Recipes;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Recipes;

/// <summary>Looks whether the files of a recipe are there, can be read and have the columns that the recipe names.</summary>
internal sealed partial class RecipeFiles(RecipeBinder binder, ProblemList problems)
{
    private const int RowsToLookAt = 20;

    private const int LongestPrompt = 100_000;

    // Seeds drawn from a large corpus are read when the run is.
    private const long LongestSeedsToRead = 256L << 20;

    /// <summary>Checks the files of a bound recipe with absolute paths.</summary>
    public void Check(Recipe recipe)
    {
        var (corpus, seeds) = (recipe.Corpus, recipe.Seeds);
        // Said once where both are the same file.
        foreach (var key in PathKey.Files.Where(k => !k.IsTruth && (k.Key != "seeds.path" || binder.IsWritten(k.Key)))) CheckFile(key, recipe);
        foreach (var key in PathKey.Folders) CheckFolder(key, recipe);
        CheckEncoder(recipe);
        CheckPrompt("models.generator.api.promptFile", recipe.Models.Generator.Api?.PromptFile, recipe, ["text", "language"], ["text"]);
        CheckPrompt("models.evaluator.api.promptFile", recipe.Models.Evaluator.Api?.PromptFile, recipe, ["text", "instruction", "language"], ["text", "instruction"]);
        CheckSeedPath(recipe);
        Columns("corpus.path", corpus.Path, recipe, ("corpus.text", corpus.Text), ("corpus.id", corpus.Id));
        if (seeds.Template is null) Columns("seeds.path", seeds.Path, recipe, ("seeds.instruction", seeds.Instruction), ("seeds.input", seeds.Input), ("seeds.output", seeds.Output));
        else if (seeds.AlignWith is null) Columns("seeds.path", seeds.Path, recipe, ("seeds.output", seeds.Output), ("seeds.label", seeds.Label));
        else
        {
            Columns("seeds.path", seeds.Path, recipe, ("seeds.output", seeds.Output));
            Columns("seeds.alignWith", seeds.AlignWith, recipe, ("seeds.label", seeds.Label));
        }

        CheckSeedRows(recipe);
        CheckSeeds(recipe);
    }

    /// <summary>Says what is allowed and may yet be a mistake.</summary>
    public void Advise(Recipe recipe)
    {
        foreach (var (key, api) in new[] { ("models.generator.api", recipe.Models.Generator.Api), ("models.evaluator.api", recipe.Models.Evaluator.Api) })
        {
            if (api is not null && ModelPrice.For(api) is null) Add($"{key}.model", $"What '{api.Model}' costs is not known, so it counts as nothing. {key}.usdPerMillionIn and {key}.usdPerMillionOut say it.");
        }

        if (recipe is { Refine.Rank: Ranking.Both, Models.Generator.Api.LogProbabilities: false })
        {
            Add("refine.rank", "The evaluator alone ranks, because the generator is behind an endpoint and tells no confidence. Say 'evaluator' if that is meant, or set models.generator.api.logProbabilities.");
        }

        if (recipe.Models.Generator is { Api: not null, Sampling.Temperature: 0 } && recipe.Refine.Iterations > 0)
        {
            Add("refine.iterations", "The generator is behind an endpoint and its temperature is 0: each iteration pays again for much the same instructions. 0 asks once.");
        }

        if (recipe.Languages.Count < 2 || PathKey.IsPerLanguage(recipe.Corpus.Path)) return;
        Add("corpus.path", $"One file serves {recipe.Languages.Count} languages: each takes the rows that are in its language. {{lang}} in the path stands for a file of each.");
    }

    /// <summary>Checks the files of the truth, without which a run is the same.</summary>
    public void CheckTruth(Recipe recipe)
    {
        foreach (var key in PathKey.Files.Where(k => k.IsTruth)) CheckFile(key, recipe);
        if (recipe.Truth is { } truth)
        {
            var fields = truth.Fields.Where(f => f is not ("lang" or "language")).Select(f => ("truth.fields", (string?)f)).ToArray();
            Columns("truth.path", truth.Path, recipe, [("truth.id", truth.Id), .. truth.AlignWith is null ? fields : []]);
            if (truth.Spoilt is { } spoilt) CheckSpoilt(truth.Path, spoilt, recipe);
            if (truth.AlignWith is not null) Columns("truth.alignWith", truth.AlignWith, recipe, fields);
        }
    }

    private void CheckFile(PathKey key, Recipe recipe)
    {
        if (key.Get(recipe) is not { Length: > 0 } path || problems.Has(key.Key)) return;
        if (UnknownSlot().Match(path) is { Success: true } slot)
        {
            Add(key.Key, $"Only {{lang}} stands for something in a path; {slot.Value} does not.");
            return;
        }

        foreach (var file in Paths(path, recipe))
        {
            if (FileProblem(file) is { } problem) Add(key.Key, problem);
        }
    }

    private void CheckPrompt(string key, string? path, Recipe recipe, string[] allowed, string[] required)
    {
        if (path is null || problems.Has(key)) return;
        foreach (var file in Paths(path, recipe))
        {
            try
            {
                if (new FileInfo(file).Length > LongestPrompt) Add(key, $"{file} is too large for a prompt.");
                else if (PromptTemplate.Problem(new UTF8Encoding(false, true).GetString(File.ReadAllBytes(file)), allowed, required) is { } problem) Add(key, $"{file}: {problem}");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
            {
                Add(key, $"{file} cannot be read: {e.Message}");
            }
        }
    }

    private void CheckFolder(PathKey key, Recipe recipe)
    {
        if (key.Get(recipe) is { } path && !problems.Has(key.Key) && ModelProblem(path) is { } problem) Add(key.Key, problem);
    }

    /// <summary>What is wrong with a model folder; null when it can be used.</summary>
    internal static string? ModelProblem(string path)
    {
        if (!Directory.Exists(path)) return $"No folder {path}.{Neighbour(path)}";
        if (!File.Exists(Path.Combine(path, "config.json"))) return $"{path} has no config.json.";
        if (!TextTokenizer.SentencePieceNames.Prepend(TextTokenizer.FileName).Any(f => File.Exists(Path.Combine(path, f)))) return $"{path} has no {TextTokenizer.FileName}.";
        if (!Directory.EnumerateFiles(path, "*.safetensors").Any()) return $"{path} has no *.safetensors.";
        try
        {
            var config = Checkpoint.Check(path);
            var tokenizer = TextTokenizer.Load(path);
            ModelPrompt.EndOf(tokenizer, path);
            return tokenizer.Size > config.VocabularySize ? $"{path}: the tokenizer has ids up to {tokenizer.Size - 1}, config.json a vocab_size of {config.VocabularySize}." : null;
        }
        catch (Exception e) when (BadInput.IsIn(e) || e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>Loads the encoder: what it lacks would else be known only when all is generated.</summary>
    private void CheckEncoder(Recipe recipe)
    {
        const string key = "diversify.encoder";
        if (recipe.Diversify.Encoder is not { } options || problems.Has(key)) return;
        if (!Directory.Exists(options.Path))
        {
            Add($"{key}.path", $"No folder {options.Path}.{Neighbour(options.Path)}");
            return;
        }

        try
        {
            // Here, where the run is started from, there need be no GPU.
            SentenceEncoder.Open(options.Path, options, recipe.Threads, EncoderDevice.Cpu).Dispose();
        }
        catch (Exception e) when (BadInput.IsIn(e) || e is IOException or UnauthorizedAccessException)
        {
            Add($"{key}.path", e.Message);
        }
    }

    /// <summary>What is wrong with a file; null when it can be read.</summary>
    internal static string? FileProblem(string file)
    {
        if (Directory.Exists(file)) return $"{file} is a folder; a file is needed.";
        if (!File.Exists(file)) return $"No file {file}.{Neighbour(file)}";
        try
        {
            return Length(file) == 0 ? $"{file} is empty, or no file on a disk: it is read more than once." : null;
        }
        catch (IOException e)
        {
            return $"No file {file}: it is a link that leads nowhere. {e.Message}";
        }
    }

    // A pipe or a device has no length.
    private static long Length(string file) =>
        (File.ResolveLinkTarget(file, returnFinalTarget: true) is FileInfo target ? target : new FileInfo(file)).Length;

    internal static string Neighbour(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder)) return $" Its folder is not there either.";
        var names = Directory.EnumerateFileSystemEntries(folder).Take(10_000).Select(f => Path.GetFileName(f)!).ToList();
        return names.Count == 0 ? " Its folder is empty." : $" The nearest name there is {RecipeKey.Nearest(Path.GetFileName(path), names)}.";
    }

    /// <summary>A column that none of the first rows has is a wrong name; a later row without it is a bad row of its own.</summary>
    private void Columns(string pathKey, string path, Recipe recipe, params (string Key, string? Column)[] columns)
    {
        if (path.Length == 0 || problems.Has(pathKey) || (pathKey == "seeds.path" && !binder.IsWritten(pathKey) && problems.Has("corpus.path"))) return;
        foreach (var file in Paths(path, recipe))
        {
            var rows = Look(pathKey, file, recipe, rows => rows.Take(RowsToLookAt).ToList());
            if (rows is null) continue;
            var readable = rows.Where(r => r.Columns is not null).Select(r => r.Columns!).ToList();
            if (readable.Count == 0)
            {
                Add(pathKey, rows.Count == 0 ? $"{file} has no rows." : $"The first rows of {file} cannot be read as JSONL, JSON array or CSV in UTF-8: {rows[0].Problem}.");
                continue;
            }

            var names = readable.SelectMany(r => r.Keys).Distinct(StringComparer.Ordinal).ToList();
            foreach (var (key, column) in columns)
            {
                if (column is null || readable.Any(r => ColumnPath.Find(r, column) is not null) || (key == "seeds.output" && !binder.IsWritten(key) && problems.Has("corpus.text"))) continue;
                var nearest = names.Count == 0 ? "" : $" Did you mean '{RecipeKey.Nearest(column, names)}'? There are: {string.Join(", ", names.Take(20))}.";
                Add(key, $"The first rows of {file} have no column '{column}'.{nearest}");
            }
        }
    }

    /// <summary>Rows that are not spoilt need not have this column, and they may come first: it must be somewhere.</summary>
    private void CheckSpoilt(string path, string column, Recipe recipe)
    {
        if (problems.Has("truth.path")) return;
        foreach (var file in Paths(path, recipe))
        {
            if (Look("truth.path", file, recipe, rows => rows.All(r => r.Columns?.ContainsKey(column) != true)))
            {
                Add("truth.spoilt", $"No row of {file} has a column '{column}'.");
            }
        }
    }

    private T? Look<T>(string key, string file, Recipe recipe, Func<IEnumerable<TableRow>, T> look)
    {
        try
        {
            return look(TableReader.ReadAsync(file, new TableReadOptions(recipe.Corpus.MaxRowBytes), CancellationToken.None).ToBlockingEnumerable());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Add(key, $"{file} cannot be read: {e.Message}");
            return default;
        }
    }

    /// <summary>Seeds drawn from the corpus files themselves must be the same rows in every language, or a seed's translation stays in a corpus.</summary>
    private void CheckSeedRows(Recipe recipe)
    {
        if (recipe.Seeds.Take is not { } take || recipe.Seeds.Path.Length == 0 || problems.Has("seeds") || problems.Has("corpus")) return;
        var isShared = recipe.Seeds.Path == recipe.Corpus.Path;
        var counts = new List<(string File, int Rows)>();
        try
        {
            foreach (var file in Paths(recipe.Seeds.Path, recipe).Concat(recipe.Seeds.AlignWith is { } aligned ? Paths(aligned, recipe) : []))
            {
                counts.Add((file, SeedReader.CountAsync(file, CancellationToken.None).GetAwaiter().GetResult()));
            }
        }
        catch (SeedException e)
        {
            Add("seeds.path", e.Message);
            return;
        }

        foreach (var (file, rows) in counts.Where(c => c.Rows < take)) Add("seeds.take", $"Must not be above the rows of {file}, which has {rows}; it is {take}.");
        var (first, expected) = counts[0];
        if ((isShared || recipe.Seeds.AlignWith is not null) && counts.Find(c => c.Rows != expected) is { File: not null } other)
        {
            Add("seeds.take", $"Rows are drawn at the same indices of index-parallel files, but {first} has {expected} rows and {other.File} has {other.Rows}.");
        }
    }

    private void CheckSeedPath(Recipe recipe)
    {
        if (recipe.Languages.Count < 2 || recipe.Seeds.Path.Length == 0 || PathKey.IsPerLanguage(recipe.Seeds.Path) || problems.Has("seeds.path")) return;
        var key = binder.IsWritten("seeds.path") ? "seeds.path" : "corpus.path";
        if (!problems.Has(key)) Add(key, $"Each of the {recipe.Languages.Count} languages needs seeds of its own: put {{lang}} where the language's code stands in the path.");
    }

    /// <summary>Whether the seeds of each language can be read, as the run will read them.</summary>
    private void CheckSeeds(Recipe recipe)
    {
        if (recipe.Seeds.Path.Length == 0 || problems.Has("seeds") || problems.Has("corpus") || problems.Has("languages")) return;
        foreach (var language in recipe.Languages)
        {
            var files = new SeedFiles(PathKey.For(recipe.Seeds.Path, language), recipe.Seeds.AlignWith is { } aligned ? PathKey.For(aligned, language) : null);
            if (Length(files.Seeds) > LongestSeedsToRead) continue;
            try
            {
                SeedReader.ReadAsync(recipe, language, files, CancellationToken.None).GetAwaiter().GetResult();
            }
            catch (Exception e) when (e is SeedException or IOException or UnauthorizedAccessException)
            {
                Add("seeds.path", e.Message);
            }
        }
    }

    private static IEnumerable<string> Paths(string path, Recipe recipe) =>
        (PathKey.IsPerLanguage(path) ? recipe.Languages.Select(l => PathKey.For(path, l)) : [path]).Distinct(StringComparer.Ordinal);

    private void Add(string key, string message) => problems.Add(binder.PlaceOf(key), key, message);

    [GeneratedRegex(@"\{(?!lang\})[A-Za-z]*\}", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex UnknownSlot();
}
