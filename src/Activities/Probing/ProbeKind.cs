using XInstruct.Activities.Evaluation;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Models;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Probing;
using XInstruct.Domain.Recipes;
using XInstruct.Workflows;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Activities.Probing;

/// <summary><c>xinstruct probe</c>: looks into models' layers, with the questions of an evaluation.</summary>
public sealed class ProbeKind : JobKind<ProbeRecipe>
{
    internal const string Items = EvaluationKind.Items, Plan = EvaluationKind.Plan, Lens = "lens", States = "states", Components = "components";

    /// <inheritdoc/>
    public override string Name => "probe";

    /// <inheritdoc/>
    public override string Description => "Looks into the layers of models: in which language they think of an answer, and how alike the same text is in two languages.";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Examples { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["name"] = "my-probe",
        ["models.name"] = "base",
        ["models.path"] = "models/base",
        ["tasks.task"] = "lml-sentiment",
        ["tasks.data"] = "data/reviews",
        ["tasks.files"] = "emotion_{lang}500_test.json",
        ["languages"] = "[en, de, sw]",
    };

    /// <summary>The evaluation that asks the same.</summary>
    internal static EvaluationRecipe Questions(ProbeRecipe recipe) => new()
    {
        Name = recipe.Name,
        Seed = recipe.Seed,
        Threads = recipe.Threads,
        Models = recipe.Models,
        Tasks = recipe.Tasks,
        Languages = recipe.Languages,
        Window = recipe.Window,
        BatchTokens = recipe.BatchTokens,
    };

    /// <summary>Files that share their components: those of one task in all languages.</summary>
    internal static IReadOnlyList<IReadOnlyList<int>> Groups(IReadOnlyList<TaskUnit> units) =>
        [.. Enumerable.Range(0, units.Count).GroupBy(u => ProbeTables.TaskName(units[u])).Select(group => (IReadOnlyList<int>)[.. group])];

    /// <inheritdoc/>
    protected override async Task CheckAsync(ProbeRecipe recipe, RecipeCheck check, CancellationToken ct)
    {
        check.Require(recipe.Lens || recipe.Components, "lens", "Nothing is asked for: set lens or components.");
        for (var i = 0; i < recipe.Models.Count; i++) check.Require(recipe.Models[i].Api is null, $"models.{i}.api", "An endpoint shows no layers: name a local model (path).");
        var languages = recipe.Tasks.SelectMany(task => task.Languages).Concat(recipe.Languages).Distinct(StringComparer.Ordinal).ToList();
        foreach (var pair in recipe.Pairs)
        {
            check.Require(LanguagePair.Find(pair) is { } p && p.First != p.Second, "pairs", $"'{pair}' is no pair of two languages: write it like en/de.");
            if (LanguagePair.Find(pair) is not { } known) continue;
            foreach (var language in new[] { known.First, known.Second })
                check.Require(languages.Contains(language, StringComparer.Ordinal), "pairs", $"'{pair}': '{language}' is none of the languages: {string.Join(", ", languages)}.");
        }

        if (recipe.Pairs.GroupBy(pair => pair, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice) check.Add("pairs", $"'{twice.Key}' is there twice.");
        if (check.Has("models")) return;
        await new EvaluationKind().CheckRecipeAsync(Questions(recipe), check, ct);
        if (check.Has("tasks") || !recipe.Lens) return;
        var forms = recipe.Tasks.Select(asked => (asked.Definition is { } own ? TaskLibrary.Read(own, own) : TaskLibrary.Shipped(asked.Task!)).Form);
        check.Require(forms.Contains(TaskForm.Label), "lens", "The lens looks for labels, and no task is of the form label. Name one, or set 'lens: false'.");
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<ShippedInput> Shipped(ProbeRecipe recipe) => EvaluationKind.ShippedOf(Questions(recipe));

    /// <inheritdoc/>
    protected override IReadOnlyList<JobStage> Stages(ProbeRecipe recipe)
    {
        List<JobStage> stages = [new(Items, TaskQueues.Cpu), new(Plan, TaskQueues.Cpu)];
        if (recipe.Lens) stages.Add(new JobStage(Lens, TaskQueues.Gpu));
        if (recipe.Components) stages.AddRange([new JobStage(States, TaskQueues.Gpu), new JobStage(Components, TaskQueues.Cpu)]);
        return stages;
    }

    /// <inheritdoc/>
    protected override async Task<int> PartsAsync(JobContext<ProbeRecipe> job, string stage, CancellationToken ct) => stage switch
    {
        Items => EvaluationKind.Units(job, Questions(job.Recipe)).Count,
        Plan => 1,
        Components => (await new LayerStates(job).LayersAsync(ct)).Count,
        _ => (await WindowsAsync(job, stage, ct)).Count,
    };

    /// <inheritdoc/>
    protected override async Task WorkAsync(JobContext<ProbeRecipe> job, JobWork work, CancellationToken ct)
    {
        switch (work.Stage)
        {
            case Items:
                await EvaluationKind.WriteItemsAsync(job, Questions(job.Recipe), work, ct);
                break;
            case Plan:
                await EvaluationKind.WritePlanAsync(job, work, ct);
                break;
            case Components:
                await work.WriteAsync(await new LayerStates(job).ComponentsAsync(work.Part, ct), ct);
                break;
            default:
                var window = (await WindowsAsync(job, work.Stage, ct))[work.Part];
                var unit = EvaluationKind.Units(job, Questions(job.Recipe))[window.Unit];
                var items = await job.ReadPartAsync<EvaluationItem>(Items, window.Unit, window.First, job.Recipe.Window, ct);
                work.Device = ModelLibrary.Device(job.Recipe.Threads);
                var asked = job.Recipe.Models[window.Model];
                var probe = () => new ModelProbe(JobModels.Folder(job, $"models.{window.Model}", asked), JobModels.Load(job, $"models.{window.Model}", asked), asked, job.Recipe);
                if (work.Stage == Lens)
                {
                    foreach (var item in await OnThreadOfItsOwn(() => probe().Look(unit, items, ct), ct)) await work.WriteAsync(item, ct);
                    break;
                }

                await LayerStates.WriteAsync(work, await OnThreadOfItsOwn(() => probe().States(items, ct), ct), ct);
                break;
        }
    }

    /// <inheritdoc/>
    protected override Task EndAsync(JobContext<ProbeRecipe> job, string folder, CancellationToken ct) => new ProbePublisher(job, folder).WriteAsync(ct);

    /// <summary>Runs it on a thread of its own: the tensor library counts its threads by the thread that calls it.</summary>
    internal static Task<T> OnThreadOfItsOwn<T>(Func<T> work, CancellationToken ct) => Task.Factory.StartNew(work, ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>The parts of a stage that looks into models.</summary>
    internal static Task<IReadOnlyList<EvaluationKind.Window>> WindowsAsync(JobContext<ProbeRecipe> job, string stage, CancellationToken ct)
    {
        var units = EvaluationKind.Units(job, Questions(job.Recipe));
        return EvaluationKind.WindowsAsync(job, [.. Enumerable.Range(0, job.Recipe.Models.Count)], job.Recipe.Window, unit => stage == States || units[unit].Task.Form == TaskForm.Label, ct);
    }
}
