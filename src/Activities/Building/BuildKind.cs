using System.Runtime.CompilerServices;
using System.Text.Json;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Tasks;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Tasks;
using XInstruct.Workflows;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Activities.Building;

/// <summary><c>xinstruct build</c>: instruction data from supervised data sets.</summary>
public sealed class BuildKind : JobKind<BuildRecipe>
{
    internal const string Read = "read", Gather = "gather", Overlaps = "overlaps", Vectors = "vectors", Duplicates = "duplicates";

    // Rows of a part that are compared with evaluation sets: reading those again costs more than few rows.
    private const int OverlapRows = 16_384;

    // Rows that are embedded as one: what a killed job does again at most.
    private const int VectorRows = 2048;

    /// <inheritdoc/>
    public override string Name => "build";

    /// <inheritdoc/>
    public override string Description => "Build instruction data from supervised data sets: multi-task rows, cross-lingual mixes, question translation.";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Examples { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["name"] = "my-data",
        ["sources.path"] = "data/ratings.csv",
        ["sources.dataset"] = "naver_movie",
        ["multitask.template"] = "native",
    };

    /// <inheritdoc/>
    protected override Task CheckAsync(BuildRecipe recipe, RecipeCheck check, CancellationToken ct) => BuildRules.CheckAsync(recipe, check, ct);

    /// <inheritdoc/>
    protected override IReadOnlyList<ShippedInput> Shipped(BuildRecipe recipe) => [.. TaskRegistryFiles.Inputs(recipe.ShippedRegistries())];

    /// <inheritdoc/>
    protected override IReadOnlyList<JobStage> Stages(BuildRecipe recipe)
    {
        var stages = new List<JobStage> { new(Read, TaskQueues.Cpu), new(Gather, TaskQueues.Cpu) };
        if (recipe.Decontaminate is not null) stages.Add(new JobStage(Overlaps, TaskQueues.Cpu));
        // One part at a time on a worker where memory counts.
        if (recipe.SemanticDedup is not null) stages.AddRange([new JobStage(Vectors, TaskQueues.Gpu), new JobStage(Duplicates, TaskQueues.Gpu)]);
        return stages;
    }

    /// <inheritdoc/>
    protected override async Task<int> PartsAsync(JobContext<BuildRecipe> job, string stage, CancellationToken ct)
    {
        switch (stage)
        {
            case Read:
                return job.Recipe.QuestionTranslation?.Directions.Count ?? SourceFile.Of(job).Count;
            case Gather:
                return 1;
            case Duplicates:
                return job.Recipe.Mix?.Settings.Count ?? 1;
            default:
                var (rows, size) = (Lines(await job.PartPathAsync(Gather, 0, ct)).Count(), stage == Vectors ? VectorRows : OverlapRows);
                return (rows + size - 1) / size;
        }
    }

    /// <inheritdoc/>
    protected override async Task WorkAsync(JobContext<BuildRecipe> job, JobWork work, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(work);
        try
        {
            switch (work.Stage)
            {
                case Read:
                    await foreach (var line in ReadAsync(job, work.Part, ct)) await work.WriteAsync(line, ct);
                    break;
                case Gather:
                    await foreach (var line in new RowGatherer(job).ReadAsync(ct)) await work.WriteAsync(line, ct);
                    break;
                case Vectors:
                    await new SemanticFinder(job).EmbedAsync(work, RowsAsync(job, work.Part * VectorRows, ct).Take(VectorRows), ct);
                    break;
                case Duplicates:
                    foreach (var duplicate in await new SemanticFinder(job).FindAsync(job.Recipe.Mix?.Settings[work.Part].Name ?? "", ct)) await work.WriteAsync(duplicate, ct);
                    break;
                default:
                    var finder = await OverlapFinder.OpenAsync(job, ct);
                    await foreach (var (item, row) in RowsAsync(job, work.Part * OverlapRows, ct).Take(OverlapRows))
                    {
                        work.Advance();
                        if (row.Split != DataSplit.Train) continue;
                        foreach (var overlap in finder.Find(item, row)) await work.WriteAsync(overlap, ct);
                    }

                    break;
            }
        }
        catch (TaskRegistryException e)
        {
            throw new JobException(e.Message, e);
        }
    }

    /// <inheritdoc/>
    protected override Task EndAsync(JobContext<BuildRecipe> job, string folder, CancellationToken ct) => new BuildResults(job).WriteAsync(folder, ct);

    /// <summary>The data sets of a job's registries.</summary>
    internal static TaskCatalogue Catalogue(JobContext<BuildRecipe> job) => TaskRegistryFiles.Load(
        job,
        job.Recipe.ShippedRegistries(),
        job.Recipe.RegistryFiles.Index().Select(file => FormattableString.Invariant($"registryFiles.{file.Index}")).Select(role => (job.Input(role), role)));

    /// <summary>What was gathered, each row with its number.</summary>
    internal static IAsyncEnumerable<(int Item, BuildRow Row)> RowsAsync(JobContext<BuildRecipe> job, CancellationToken ct) => RowsAsync(job, 0, ct);

    /// <summary>The rows of a file that was gathered, from a number on. Those before it are passed over without being read: parts of a large job begin far down.</summary>
    internal static IEnumerable<(int Item, BuildRow Row)> Rows(string path, int first) =>
        Lines(path).Skip(first).Select((line, i) => (first + i, JsonSerializer.Deserialize<BuildLine>(line.Span, EventJson.Options)!.Row!));

    private static async IAsyncEnumerable<(int Item, BuildRow Row)> RowsAsync(JobContext<BuildRecipe> job, int first, [EnumeratorCancellation] CancellationToken ct)
    {
        foreach (var row in Rows(await job.PartPathAsync(Gather, 0, ct), first))
        {
            ct.ThrowIfCancellationRequested();
            yield return row;
        }
    }

    /// <summary>The lines of a file that are rows. Among them lie rows that were left out, and counts.</summary>
    internal static IEnumerable<ReadOnlyMemory<byte>> Lines(string path) => LineFile.Read(path).Select(line => line.Line).Where(line => line.Span.StartsWith("{\"row\":"u8));

    /// <summary>Numbers of rows that decontamination leaves out.</summary>
    internal static async Task<HashSet<int>> OverlappingAsync(JobContext<BuildRecipe> job, CancellationToken ct) =>
        job.Recipe.Decontaminate?.Action == OverlapAction.Drop ? await job.ReadAsync<BuildOverlap>(Overlaps, ct).Select(overlap => overlap.Item).ToHashSetAsync(null, ct) : [];

    private static IAsyncEnumerable<BuildLine> ReadAsync(JobContext<BuildRecipe> job, int part, CancellationToken ct)
    {
        var (recipe, catalogue) = (job.Recipe, Catalogue(job));
        if (recipe.QuestionTranslation is { } translation)
            return new TranslationPairs(recipe, catalogue, translation.Directions[part]).ReadAsync(file => job.Input(FormattableString.Invariant($"questionTranslation.files.{file}.path")), ct);
        var source = SourceFile.Of(job)[part];
        return new SourcePrompter(recipe, catalogue, source).ReadAsync(job.Input(source.Role), ct);
    }
}
