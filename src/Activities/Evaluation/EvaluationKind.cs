using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Models;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Tasks;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Tasks;
using XInstruct.Workflows;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Activities.Evaluation;

/// <summary><c>xinstruct evaluate</c>: models × tasks × languages, a window of one file's items a part.</summary>
public sealed class EvaluationKind : JobKind<EvaluationRecipe>
{
    private const string Registry = "lml";

    internal const string KoreanDictionary = "koreanDictionary";

    internal const string Items = "items", Plan = "plan", Score = "score", Ask = "ask";

    /// <inheritdoc/>
    public override string Name => "evaluate";

    /// <inheritdoc/>
    public override string Description => "Gives models tasks in many languages and reports what each of them gets right, and how sure that is.";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Examples { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["name"] = "my-evaluation",
        ["models.name"] = "tuned",
        ["models.path"] = "models/tuned",
        ["tasks.task"] = "xcopa",
        ["tasks.data"] = "data/xcopa",
        ["tasks.files"] = "test.{lang}.jsonl",
        ["languages"] = "[sw, id]",
    };

    /// <summary>Files of a recipe's tasks, in its order.</summary>
    internal static IReadOnlyList<TaskUnit> Units(JobContext<EvaluationRecipe> job) => Units(job, job.Recipe);

    /// <summary>Files of the tasks of a job that asks the same as an evaluation.</summary>
    internal static IReadOnlyList<TaskUnit> Units(JobContext job, EvaluationRecipe recipe) => [.. recipe.Tasks.SelectMany((asked, i) =>
    {
        var (own, registry) = ($"tasks.{i}.definition", $"tasks.{i}.registry");
        var task = job.Has(own) ? TaskLibrary.Read(job.Input(own), own) : TaskLibrary.Shipped(job, asked.Task!);
        return TaskUnits.Of(recipe, i, task, task.Words is { } words ? (job.Has(registry) ? TaskRegistryFiles.Load([], [(job.Input(registry), registry)]) : TaskRegistryFiles.Load(job, [Registry], [])).Dataset(words) : null, job.Names($"tasks.{i}.data"));
    })];

    /// <summary>The tasks that ship and the registry that ships, where an evaluation reads them.</summary>
    internal static IReadOnlyList<ShippedInput> ShippedOf(EvaluationRecipe recipe)
    {
        var tasks = recipe.Tasks.Where(asked => asked.Definition is null).Select(asked => asked.Task!).Distinct(StringComparer.Ordinal).Select(TaskLibrary.Input);
        var isWorded = recipe.Tasks.Any(asked => asked.Registry is null && (asked.Definition is { } own ? TaskLibrary.Read(own, own) : TaskLibrary.Shipped(asked.Task!)).Words is not null);
        return [.. tasks, .. isWorded ? TaskRegistryFiles.Inputs([Registry]) : []];
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<ShippedInput> Shipped(EvaluationRecipe recipe) => ShippedOf(recipe);

    private static TaskDataset? Words(EvaluationTask task, string? registry, string name) =>
        task.Words is { } dataset ? TaskRegistryFiles.Load(registry is null ? [Registry] : [], registry is null ? [] : [(registry, name)]).Dataset(dataset) : null;

    /// <inheritdoc/>
    protected override async Task CheckAsync(EvaluationRecipe recipe, RecipeCheck check, CancellationToken ct)
    {
        Codes("languages", recipe.Languages);
        Codes("seen", recipe.Seen);
        Unique("models", recipe.Models.Select(model => model.Name));
        check.Require(recipe.Baseline is null || recipe.Models.Any(model => model.Name == recipe.Baseline), "baseline", $"No model is called '{recipe.Baseline}'. There are: {string.Join(", ", recipe.Models.Select(model => model.Name))}.");
        check.Require(recipe.KoreanDictionary is not { } dictionary || File.Exists(Path.Combine(dictionary, "sys.dic")), KoreanDictionary, "Has no sys.dic, and so is no compiled dictionary of MeCab.");
        for (var i = 0; i < recipe.Models.Count; i++)
        {
            var model = recipe.Models[i];
            JobModels.Check(check, $"models.{i}", model);
            check.Require(model.Chat || model.Api is not null || model.System is null, $"models.{i}.system", "Only of a chat: set 'chat: true' too.");
            check.Require(model.Api is not null || model.TopLogProbabilities is null, $"models.{i}.topLogProbabilities", "Only of a model behind an endpoint: a local one has the probabilities of all tokens.");
        }

        var names = new List<string>();
        for (var i = 0; i < recipe.Tasks.Count; i++)
        {
            Codes($"tasks.{i}.languages", recipe.Tasks[i].Languages);
            if (await TaskAsync(i) is { } task) names.Add(recipe.Tasks[i].Name ?? task.Name);
        }

        if (!check.Has("tasks")) Unique("tasks", names);

        async Task<EvaluationTask?> TaskAsync(int i)
        {
            var (asked, key) = (recipe.Tasks[i], $"tasks.{i}");
            check.Require(asked.Task is null != asked.Definition is null, $"{key}.task", "Name a task that ships (task), or a task file (definition), and not both.");
            if (check.Has(key)) return null;
            try
            {
                var task = asked.Definition is { } own ? TaskLibrary.Read(own, own) : TaskLibrary.Shipped(asked.Task!);
                check.Require(task.Form == TaskForm.Prompted || asked.Files.Length > 0, $"{key}.files", "Name the file in the folder, with {lang} where each language has one.");
                var words = Words(task, asked.Registry, asked.Registry ?? "");
                check.Require(words is null || words.Labels.SequenceEqual(task.Choices, StringComparer.Ordinal), $"{key}.task", $"The labels of task {task.Name} and of data set {words?.Name} are not the same.");
                var unrelated = asked.LabelWords.Count > 0 ? asked.LabelWords : words?.Unrelated ?? [];
                check.Require(asked.Labels != LabelLanguage.Words || (unrelated.Count == task.Choices.Count && unrelated.Distinct(StringComparer.Ordinal).Count() == unrelated.Count), $"{key}.labelWords", $"Must be {task.Choices.Count} different words, in the order of {string.Join(", ", task.Choices)}.");
                check.Require(task.Form == TaskForm.Label || asked.Labels == LabelLanguage.Native, $"{key}.labels", "Only of tasks of the form label.");
                check.Require(task.Form is TaskForm.Prompted || asked.TargetCluster.Count + asked.TargetDataset.Count == 0, $"{key}.targetCluster", "Only of tasks of the form prompted, in KORANI's layout.");
                check.Require(task.Form is not TaskForm.Perplexity || recipe.Models.All(model => model.Api is null), $"{key}.task", $"{task.Name} needs the probability of a text that is given to a model, which no endpoint of chats tells: leave the task out, or the models behind endpoints.");
                if (task.Form is not (TaskForm.Generate or TaskForm.Perplexity) && recipe.Models.FirstOrDefault(model => model.Api is not null && model.TopLogProbabilities is null) is { } mute)
                    check.Add($"{key}.task", $"{task.Name} is answered by how likely each choice is. Set topLogProbabilities of {mute.Name} to as many first tokens as its endpoint tells (20 at api.openai.com); where it tells none, this model can get tasks of the form generate only.");
                check.Require(task.Form is not (TaskForm.Prompted or TaskForm.Perplexity) || asked.Shots == 0, $"{key}.shots", "Prompted rows and texts have no examples before them.");
                if (check.Has(key)) return task;
                var files = Directory.EnumerateFiles(asked.Data, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(asked.Data, file).Replace(Path.DirectorySeparatorChar, '/')).Order(StringComparer.Ordinal).ToList();
                foreach (var unit in TaskUnits.Of(recipe, i, task, words, files)) await new ItemReader(recipe, unit, name => files.Contains(name) ? Path.Combine(asked.Data, name) : null).ReadAsync(ct);
                return task;
            }
            catch (RecipeException e)
            {
                check.Add($"{key}.definition", e.Message);
            }
            catch (Exception e) when (e is JobException or TaskRegistryException or KeyNotFoundException or IOException or UnauthorizedAccessException)
            {
                check.Add(e is KeyNotFoundException ? $"{key}.task" : key, e.Message);
            }

            return null;
        }

        void Codes(string key, IReadOnlyList<string> codes)
        {
            foreach (var code in codes)
            {
                if (!Language.TryParse(code, out _, out var error)) check.Add(key, error);
            }

            Unique(key, codes);
        }

        void Unique(string key, IEnumerable<string> of)
        {
            if (of.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice) check.Require(false, key, $"'{twice.Key}' is there twice.");
        }
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<JobStage> Stages(EvaluationRecipe recipe)
    {
        List<JobStage> stages = [new(Items, TaskQueues.Cpu), new(Plan, TaskQueues.Cpu)];
        if (recipe.Models.Any(model => model.Api is null)) stages.Add(new JobStage(Score, TaskQueues.Gpu));
        if (recipe.Models.Any(model => model.Api is not null)) stages.Add(new JobStage(Ask, TaskQueues.Api));
        return stages;
    }

    /// <inheritdoc/>
    protected override async Task<int> PartsAsync(JobContext<EvaluationRecipe> job, string stage, CancellationToken ct) => stage switch
    {
        Items => Units(job).Count,
        Plan => 1,
        _ => (await WindowsAsync(job, stage, ct)).Count,
    };

    /// <inheritdoc/>
    protected override async Task WorkAsync(JobContext<EvaluationRecipe> job, JobWork work, CancellationToken ct)
    {
        switch (work.Stage)
        {
            case Items:
                await WriteItemsAsync(job, job.Recipe, work, ct);
                break;
            case Plan:
                await WritePlanAsync(job, work, ct);
                break;
            default:
                foreach (var score in await ScoreAsync(job, work, (await WindowsAsync(job, work.Stage, ct))[work.Part], ct)) await work.WriteAsync(score, ct);
                break;
        }
    }

    /// <summary>Writes the items of the file whose part it is.</summary>
    internal static async Task WriteItemsAsync(JobContext job, EvaluationRecipe recipe, JobWork work, CancellationToken ct)
    {
        var unit = Units(job, recipe)[work.Part];
        var reader = new ItemReader(recipe, unit, name => job.Has($"tasks.{unit.Entry}.data/{name}") ? job.Input($"tasks.{unit.Entry}.data/{name}") : null);
        foreach (var item in await reader.ReadAsync(ct)) await work.WriteAsync(item, ct);
    }

    /// <summary>Writes how many items each file has.</summary>
    internal static async Task WritePlanAsync(JobContext job, JobWork work, CancellationToken ct)
    {
        for (var part = 0; part < await job.CountAsync(Items, ct); part++)
        {
            var count = 0;
            await foreach (var _ in File.ReadLinesAsync(await job.PartPathAsync(Items, part, ct), ct)) count++;
            await work.WriteAsync(new PlannedUnit(part, count), ct);
        }
    }

    /// <inheritdoc/>
    protected override Task EndAsync(JobContext<EvaluationRecipe> job, string folder, CancellationToken ct) => new EvaluationPublisher(job, folder).WriteAsync(ct);

    private static async Task<IReadOnlyList<ItemScore>> ScoreAsync(JobContext<EvaluationRecipe> job, JobWork work, Window window, CancellationToken ct)
    {
        var unit = Units(job)[window.Unit];
        var asked = job.Recipe.Models[window.Model];
        var items = await job.ReadPartAsync<EvaluationItem>(Items, window.Unit, window.First, job.Recipe.Window, ct);
        var key = $"models.{window.Model}";
        if (work.Stage == Ask) return await AskAsync(job, work, window, unit, asked, items, ct);
        var folder = JobModels.Folder(job, key, asked);
        work.Device = ModelLibrary.Device(job.Recipe.Threads);
        // The tensor library counts its threads by the thread that calls it.
        return await Task.Factory.StartNew(() => new ModelScorer(folder, JobModels.Load(job, key, asked), asked, job.Recipe).Score(unit, items, ct), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private static async Task<IReadOnlyList<ItemScore>> AskAsync(
        JobContext<EvaluationRecipe> job, JobWork work, Window window, TaskUnit unit, EvaluatedModel asked, IReadOnlyList<EvaluationItem> items, CancellationToken ct)
    {
        var results = items.Select(item => ModelScorer.Blank(asked, unit, item)).ToArray();
        var choice = new EndpointChoice(asked, unit, job.Recipe.Seed);
        foreach (var i in Enumerable.Range(0, items.Count).Where(i => results[i].Error is null && items[i].Choices is not null)) results[i] = results[i] with { Error = choice.Refusal(items[i]) };
        var open = Enumerable.Range(0, items.Count).Where(i => results[i].Error is null).ToList();
        await AskOfAsync(item => item.Choices is not null, choice.Prompt, choice.Request, choice.Read);
        await AskOfAsync(item => item.Choices is null, unit.Task.Prompt, item => new ChatRequest(asked.System ?? "", item.Prompt!, unit.Task.MaxNewTokens, 0, 1, 0, false), Written);
        return results;

        async Task AskOfAsync(Func<EvaluationItem, bool> isMine, string prompt, Func<EvaluationItem, ChatRequest> ask, Func<ItemScore, EvaluationItem, JobAnswer, ItemScore> read)
        {
            var mine = open.Where(i => isMine(items[i])).ToList();
            if (mine.Count == 0) return;
            var calls = mine.ConvertAll(i => new JobCall(FormattableString.Invariant($"{window.Model}/{window.Unit}/{items[i].Row}"), ask(items[i])));
            var answers = await JobModels.AskAsync(job, work, $"models.{window.Model}", asked, prompt, calls, job.Recipe.Threads, ct);
            foreach (var (i, answer) in mine.Zip(answers)) results[i] = read(results[i], items[i], answer);
        }

        ItemScore Written(ItemScore blank, EvaluationItem item, JobAnswer answer) =>
            blank with { Output = answer.Text is { } text ? Cut(text, unit.Task.Stop) : null, Error = answer.Text is null ? answer.Reason ?? "failed" : null };
    }

    private static string Cut(string text, IReadOnlyList<string> stops)
    {
        var end = stops.Select(stop => text.IndexOf(stop, StringComparison.Ordinal)).Where(at => at >= 0).DefaultIfEmpty(text.Length).Min();
        return text[..end].Trim();
    }

    /// <summary>The parts of a stage that asks models: model by model, file by file.</summary>
    private static async Task<IReadOnlyList<Window>> WindowsAsync(JobContext<EvaluationRecipe> job, string stage, CancellationToken ct)
    {
        return await WindowsAsync(job, [.. Enumerable.Range(0, job.Recipe.Models.Count).Where(model => job.Recipe.Models[model].Api is null == (stage == Score))], job.Recipe.Window, _ => true, ct);
    }

    /// <summary>Windows of some models over some files: model by model, file by file.</summary>
    internal static async Task<IReadOnlyList<Window>> WindowsAsync(JobContext job, IReadOnlyList<int> models, int size, Func<int, bool> isMine, CancellationToken ct)
    {
        var plan = await job.ReadAsync<PlannedUnit>(Plan, ct).Where(unit => isMine(unit.Unit)).ToListAsync(ct);
        return [.. models.SelectMany(model => plan.SelectMany(unit => Enumerable.Range(0, (unit.Items + size - 1) / size).Select(window => new Window(model, unit.Unit, window * size))))];
    }

    private sealed record PlannedUnit(int Unit, int Items);

    /// <summary>A part of the work that asks models.</summary>
    internal sealed record Window(int Model, int Unit, int First);
}
