using XInstruct.Activities.Jobs;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Tables;
using XInstruct.Activities.Tasks;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Tasks;

namespace XInstruct.Activities.Building;

/// <summary>What must hold between the keys of a build recipe and its files.</summary>
internal static class BuildRules
{
    // Files up to this size are read to the end before anything starts, so that what must not be in them is told with their paths.
    private const long LongestToRead = 256L << 20;

    /// <summary>What is said of a source whose licence is refused.</summary>
    public static string Refused(TaskDataset dataset, string refusal, string file) =>
        $"{file}: the licence of the data set {dataset.Name} ({dataset.Licence.Name}) is refused: {refusal}. Take the source out, set licences.action to drop, or ask for less under licences.";

    /// <summary>Checks a recipe.</summary>
    public static async Task CheckAsync(BuildRecipe recipe, RecipeCheck check, CancellationToken ct)
    {
        var kinds = new (string Key, object? Value)[] { ("multitask", recipe.Multitask), ("mix", recipe.Mix), ("questionTranslation", recipe.QuestionTranslation) }.Where(kind => kind.Value is not null).ToList();
        check.Require(kinds.Count == 1, kinds.Count > 1 ? kinds[1].Key : "", "Say what to build: one of multitask, mix and questionTranslation.");
        if (recipe.SemanticDedup?.Vectors is { } vectors)
        {
            check.Require(vectors.Encoder is null != vectors.Model is null, "semanticDedup.vectors", "Give encoder (a folder with model.onnx) or model (a folder in Hugging Face's layout): one of them.");
            check.Require(vectors.Model is null || vectors.Pooling == EncoderPooling.Mean, "semanticDedup.vectors.pooling", "A model's hidden states are averaged (mean). For cls or pooler give an encoder.");
        }

        if (Catalogue(recipe, check) is not { } catalogue) return;
        if (recipe.QuestionTranslation is { } translation) Translation(translation, catalogue, recipe, check);
        else check.Require(recipe.Sources.Count > 0, "sources", "Missing. Name at least one source.");
        foreach (var (i, cluster) in (recipe.Mix?.HoldOut ?? []).Index().Where(held => !catalogue.HasCluster(held.Item))) check.Add($"mix.holdOut.{i}", catalogue.UnknownCluster(cluster));
        foreach (var (i, setting) in (recipe.Mix?.Settings ?? []).Index())
        {
            check.Require(recipe.Mix!.Settings.Take(i).All(other => other.Name != setting.Name), $"mix.settings.{i}.name", $"The mix {setting.Name} is here twice.");
            foreach (var language in setting.Train) Code(language, $"mix.settings.{i}.train", check);
        }

        if (recipe.QuestionTranslation is { } asked && !check.Has("questionTranslation"))
        {
            var task = catalogue.Dataset(asked.Task);
            foreach (var (i, file) in asked.Files.Index()) await TableLook.LookAsync(file.Path, task.Fields.Select(field => file.Columns.GetValueOrDefault(field) ?? task.ColumnOf(field)), $"questionTranslation.files.{i}.path", recipe.MaxRowBytes, check, ct);
        }

        foreach (var (i, source) in recipe.Sources.Index()) Source(source, $"sources.{i}", recipe, catalogue, check);
        if (recipe.Decontaminate is { } against && !check.Has("decontaminate"))
        {
            foreach (var (i, table) in against.Against.Index()) await TableLook.LookAsync(table.Path, [], $"decontaminate.against.{i}.path", recipe.MaxRowBytes, check, ct);
        }

        if (check.Has("sources") || check.Has("mix")) return;
        var files = SourceFile.Of(recipe, key => Names(recipe.Sources[int.Parse(key.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture)].Folder!));
        Names(recipe, files, check);
        foreach (var (i, source) in recipe.Sources.Index())
        {
            foreach (var file in files.Where(f => f.Source == source))
            {
                if (source.Dataset is null) await PromptsAsync(file, $"sources.{i}", recipe, catalogue, check, ct);
                else await TableLook.LookAsync(PathOf(file), TaskPrompts.Columns(catalogue.Dataset(source.Dataset), source.Columns), $"sources.{i}", recipe.MaxRowBytes, check, ct);
            }
        }
    }

    /// <summary>Reports name a row by its source and number, and its lot is drawn by them: no two files for the same split may have one name.</summary>
    private static void Names(BuildRecipe recipe, IReadOnlyList<SourceFile> files, RecipeCheck check)
    {
        foreach (var same in files.GroupBy(file => (file.Name, file.Split)).Where(group => group.Count() > 1))
        {
            var sources = same.Select(file => recipe.Sources.Index().First(source => source.Item == file.Source).Index).ToList();
            check.Require(false, $"sources.{sources[1]}.name", $"{(recipe.Sources[sources[1]].Name is null ? "Missing. " : "")}The rows of sources {sources[0]} and {sources[1]} are both called '{same.Key.Name}', and nobody could tell them apart. Give each a name of its own.");
        }
    }

    private static TaskCatalogue? Catalogue(BuildRecipe recipe, RecipeCheck check)
    {
        foreach (var (i, name) in recipe.Registries.Index().Where(r => !TaskRegistryFiles.Names.Contains(r.Item, StringComparer.Ordinal)))
            check.Add($"registries.{i}", $"No task registry '{name}' ships with XInstruct. There are: {string.Join(", ", TaskRegistryFiles.Names)}. Files of your own go under registryFiles.");
        if (check.Has("registries") || check.Has("registryFiles")) return null;
        try
        {
            return TaskRegistryFiles.Load(recipe.ShippedRegistries(), recipe.RegistryFiles.Select(path => (path, path)));
        }
        catch (Exception e) when (e is RecipeException or TaskRegistryException)
        {
            check.Add(recipe.RegistryFiles.Count > 0 ? "registryFiles" : "registries", e.Message);
            return null;
        }
    }

    private static void Source(BuildSource source, string key, BuildRecipe recipe, TaskCatalogue catalogue, RecipeCheck check)
    {
        check.Require(source.Path is null != source.Folder is null, key, "Name a file (path) or a folder (folder), and not both.");
        if (source.Lang is { } language) Code(language, $"{key}.lang", check);
        if (source.Dataset is not { } name)
        {
            foreach (var column in source.Columns.Keys.Where(column => column is not ("input" or "output" or "choices" or "dataset_name" or "id")))
                check.Add($"{key}.columns", $"'{column}' is no column of prompts; those are input, output, choices, dataset_name, id.");
            return;
        }

        if (catalogue.Find(name) is not { } dataset)
        {
            check.Add($"{key}.dataset", catalogue.UnknownDataset(name));
            return;
        }

        var known = dataset.Fields.Concat(["answer", "choices", "id"]).ToList();
        foreach (var column in source.Columns.Keys.Where(column => !known.Contains(column, StringComparer.Ordinal))) check.Add($"{key}.columns", $"'{column}' is no field of {name}; those are {string.Join(", ", known)}.");
        check.Require((source.Lang ?? dataset.Lang) is not null, $"{key}.lang", $"Missing. The data set {name} does not say which language its rows are in.");
        check.Require(source.Style is null, $"{key}.style", "Only of rows that are prompts already: the templates of a data set have their styles.");
        var file = source.Path ?? source.Folder ?? name;
        foreach (var style in recipe.Mix?.Settings.Select(setting => setting.Template) ?? (recipe.Multitask is { } multitask ? [multitask.Template] : []))
        {
            check.Require(
                (source.Lang ?? dataset.Lang) is not { } lang || TaskPrompts.Of(dataset, lang, style).Count > 0,
                $"{key}.dataset",
                $"The data set {name} has no {style.ToString().ToLowerInvariant()} template for rows in '{source.Lang ?? dataset.Lang}'. It has: {string.Join(", ", dataset.Templates.Select(t => $"{t.Name} ({t.Lang}{(t.Format is null ? "" : $", formed after {t.Format}")})"))}. A registry file adds others.");
        }

        if (new HeldOutClusters(recipe.Mix?.HoldOut ?? []).Leak(dataset, source.Split == DataSplit.Test, file) is { } leak) check.Add($"{key}.dataset", leak);
        Licence(dataset, $"{key}.dataset", file, recipe, check);
    }

    private static void Licence(TaskDataset dataset, string key, string file, BuildRecipe recipe, RecipeCheck check)
    {
        var rule = recipe.Licences;
        if (rule.Action == RefusedAction.Error && dataset.Licence.Refusal(rule.Commercial, rule.Derivatives, rule.Known) is { } refusal) check.Require(false, key, Refused(dataset, refusal, file));
    }

    /// <summary>Rows that are prompts name their data sets: each must be known, and none in a held-out cluster.</summary>
    private static async Task PromptsAsync(SourceFile file, string key, BuildRecipe recipe, TaskCatalogue catalogue, RecipeCheck check, CancellationToken ct)
    {
        var path = PathOf(file);
        if (new FileInfo(path).Length > LongestToRead) return;
        var (column, heldOut, seen) = (file.Source.Columns.GetValueOrDefault("dataset_name", "dataset_name"), new HeldOutClusters(recipe.Mix?.HoldOut ?? []), new HashSet<string>(StringComparer.Ordinal));
        var rows = 0;
        await foreach (var row in TableReader.ReadAsync(path, new TableReadOptions(recipe.MaxRowBytes), ct))
        {
            rows++;
            if (row.Find(column) is not { } name || !seen.Add(name)) continue;
            if (catalogue.Find(name) is not { } dataset) check.Add(key, FormattableString.Invariant($"{path}, row {row.Number + 1}: {catalogue.UnknownDataset(name)}"));
            else if (heldOut.Leak(dataset, file.Split == DataSplit.Test, path, row.Number + 1) is { } leak) check.Add(key, leak);
            else Licence(dataset, key, path, recipe, check);
            if (check.Has(key)) return;
        }

        check.Require(rows > 0, key, $"{path} has no row.");
        check.Require(seen.Count > 0, key, $"No row of {path} has a column '{column}'. Rows of one data set that are no prompts yet need the source's dataset.");
    }

    private static string PathOf(SourceFile file) => file.Source.Path ?? Path.Combine(file.Source.Folder!, file.Role[(file.Role.IndexOf('/', StringComparison.Ordinal) + 1)..]);

    private static void Translation(QuestionTranslationOptions options, TaskCatalogue catalogue, BuildRecipe recipe, RecipeCheck check)
    {
        check.Require(recipe.Sources.Count == 0, "sources", "Question translation reads questionTranslation.files.");
        if (options.Task.Length == 0) return;
        if (catalogue.Find(options.Task) is not { } task)
        {
            check.Add("questionTranslation.task", catalogue.UnknownDataset(options.Task));
            return;
        }

        foreach (var (i, file) in options.Files.Index())
        {
            var key = $"questionTranslation.files.{i}";
            Code(file.Lang, $"{key}.lang", check);
            check.Require(options.Files.Take(i).All(other => other.Lang != file.Lang), $"{key}.lang", $"The language '{file.Lang}' is here twice.");
            if (!check.Has($"{key}.lang") && file.Lang.Length > 0) check.Require(task.FindWords(file.Lang) is not null, $"{key}.lang", $"The task {task.Name} has no words in '{file.Lang}'. It has some in {string.Join(", ", task.Languages)}; a registry file adds others.");
            foreach (var column in file.Columns.Keys.Where(column => !task.Fields.Contains(column, StringComparer.Ordinal))) check.Add($"{key}.columns", $"'{column}' is no field of {task.Name}; those are {string.Join(", ", task.Fields)}.");
        }

        foreach (var direction in options.Directions.Where(direction => options.Codes(direction) is null))
            check.Add("questionTranslation.directions", $"'{direction}' is no direction between languages of the files, such as zh-en. There are files of {string.Join(", ", options.Files.Select(f => f.Lang))}.");
        if (PromptTemplate.Problem(options.Line, ["from", "to"], []) is { } problem) check.Add("questionTranslation.line", problem);
        Licence(task, "questionTranslation.task", options.Task, recipe, check);
    }

    private static void Code(string code, string key, RecipeCheck check)
    {
        if (!Language.TryParse(code, out _, out var error)) check.Require(false, key, error);
    }

    private static List<string> Names(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/'))];
}
