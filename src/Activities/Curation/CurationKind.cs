using System.Runtime.InteropServices;
using System.Text.Json;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Models;
using XInstruct.Domain.Curation;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Clustering;
using XInstruct.Workflows;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Activities.Curation;

/// <summary><c>xinstruct curate</c>: chooses a small part of merged instruction data that is as good as all of it (KoQuality).</summary>
public sealed class CurationKind : JobKind<CurationRecipe>
{
    internal const string Merge = "merge", Perplexity = "perplexity", Vectors = "vectors", Clusters = "clusters", Samples = "samples";

    // Labels or rows of a line.
    private const int LineItems = 4096;

    /// <inheritdoc/>
    public override string Name => "curate";

    /// <inheritdoc/>
    public override string Description => "Choose a small part of instruction data that is as good to train on as all of it.";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Examples { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["name"] = "my-curation",
        ["sources.path"] = "data/first.jsonl",
        ["sources.group"] = "first",
        ["perplexity.model"] = "models/polyglot-ko-1.3b",
        ["vectors.encoder"] = "models/encoder",
    };

    /// <inheritdoc/>
    protected override Task CheckAsync(CurationRecipe recipe, RecipeCheck check, CancellationToken ct) => CurationRules.CheckAsync(recipe, check, ct);

    /// <inheritdoc/>
    protected override IReadOnlyList<JobStage> Stages(CurationRecipe recipe)
    {
        // One part at a time on a worker where memory counts: a model, or a length group's vectors.
        JobStage[] perplexity = recipe.Perplexity.Model is null ? [] : [new(Perplexity, TaskQueues.Gpu)];
        return [new(Merge, TaskQueues.Cpu), .. perplexity, new(Vectors, TaskQueues.Gpu), new(Clusters, TaskQueues.Gpu), new(Samples, TaskQueues.Cpu)];
    }

    /// <inheritdoc/>
    protected override async Task<int> PartsAsync(JobContext<CurationRecipe> job, string stage, CancellationToken ct)
    {
        var recipe = job.Recipe;
        switch (stage)
        {
            case Merge:
                return recipe.Sources.Count;
            case Samples:
                return CurationGroups.Cells(recipe).Count;
            case Perplexity:
                using (var merged = await MergedAsync(job, ct)) return Parts(merged.Count, recipe.PartRows);
            default:
                using (var rows = await MeasuredAsync(job, ct))
                {
                    if (rows.Count == 0) throw new JobException("No row is left: every row of the sources was rejected. 'xinstruct curate' writes their reasons when some are left; look at the columns under sources first.");
                    if (CurationGroups.TooSmall(recipe, rows) is { } problem) throw new JobException(problem);
                    return stage == Vectors ? Parts(rows.Count, recipe.PartRows) : CurationGroups.Tasks(recipe, rows).Count;
                }
        }
    }

    /// <inheritdoc/>
    protected override Task WorkAsync(JobContext<CurationRecipe> job, JobWork work, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(work);
        return work.Stage switch
        {
            Merge => MergeAsync(job, work, ct),
            Perplexity => MeasureAsync(job, work, ct),
            Vectors => EmbedAsync(job, work, ct),
            Clusters => ClusterAsync(job, work, ct),
            _ => SampleAsync(job, work, ct),
        };
    }

    /// <inheritdoc/>
    protected override async Task EndAsync(JobContext<CurationRecipe> job, string folder, CancellationToken ct)
    {
        using var merged = await MergedAsync(job, ct);
        using var rows = await MeasuredAsync(job, ct);
        await new CurationResults(job, merged, rows).WriteAsync(folder, ct);
    }

    /// <summary>Labels of all rows in a clustering, and its inertia.</summary>
    internal static async Task<(int[] Labels, double Inertia)> LabelsAsync(JobContext<CurationRecipe> job, RowTable rows, int lengthGroups, int clusters, CancellationToken ct)
    {
        var (labels, inertia) = (new int[rows.Count], 0.0);
        foreach (var (task, part) in CurationGroups.Tasks(job.Recipe, rows).Select((task, part) => (task, part)).Where(p => p.task.LengthGroups == lengthGroups && p.task.Clusters == clusters))
        {
            var at = task.Range.First;
            await foreach (var line in job.ReadPartAsync<ClusterLine>(Clusters, part, ct))
            {
                inertia += line.Inertia ?? 0;
                foreach (var label in line.Labels ?? []) labels[at++] = label;
            }
        }

        return (labels, inertia);
    }

    private static int Parts(int rows, int size) => (rows + size - 1) / size;

    // The files of the stages before are asked for only where a table is not there: every part opens one.
    private static async Task<RowTable> MergedAsync(JobContext<CurationRecipe> job, CancellationToken ct)
    {
        var path = job.Scratch("merged.jsonl");
        return RowTable.Find(path) ?? RowTables.Merged(path, await PathsAsync(job, Merge, ct), job.Recipe.DropDuplicates);
    }

    private static async Task<RowTable> MeasuredAsync(JobContext<CurationRecipe> job, CancellationToken ct)
    {
        var path = job.Scratch("measured.jsonl");
        if (RowTable.Find(path) is { } known) return known;
        using var merged = await MergedAsync(job, ct);
        var parts = job.Recipe.Perplexity.Model is null ? null : await PathsAsync(job, Perplexity, ct);
        return RowTables.Measured(path, merged, parts is null ? null :
            [.. parts.SelectMany(LineFile.Read).Select(line => JsonSerializer.Deserialize<PerplexityLine>(line.Line.Span, EventJson.Options)!.Ppl)]);
    }

    internal static async Task<IReadOnlyList<string>> PathsAsync(JobContext<CurationRecipe> job, string stage, CancellationToken ct)
    {
        var paths = new List<string>();
        for (var part = 0; part < await job.CountAsync(stage, ct); part++) paths.Add(await job.PartPathAsync(stage, part, ct));
        return paths;
    }

    private static async Task MergeAsync(JobContext<CurationRecipe> job, JobWork work, CancellationToken ct)
    {
        await foreach (var row in SourceMerger.ReadAsync(job.Recipe, job.Recipe.Sources[work.Part], job.Input($"sources.{work.Part}.path"), ct))
        {
            if (row is MergedRow merged) await work.WriteAsync(merged, ct);
            else await work.WriteAsync((RejectedRow)row, ct);
        }
    }

    private static async Task MeasureAsync(JobContext<CurationRecipe> job, JobWork work, CancellationToken ct)
    {
        using var merged = await MergedAsync(job, ct);
        var instructions = Instructions(merged, job.Recipe.PartRows, work.Part, row => merged.Read<MergedRow>(row).Instruction);
        var (models, folder) = (job.Get<InstructionModels>(), job.Folder("perplexity.model"));
        foreach (var line in await ComputeAsync(job, work, () => models.Perplexities(folder, job.Recipe, instructions, ct), ct)) await work.WriteAsync(line, ct);
    }

    private static async Task EmbedAsync(JobContext<CurationRecipe> job, JobWork work, CancellationToken ct)
    {
        using var rows = await MeasuredAsync(job, ct);
        var instructions = Instructions(rows, job.Recipe.PartRows, work.Part, row => rows.Read<MeasuredRow>(row).Instruction);
        var models = job.Get<InstructionModels>();
        var vectors = await ComputeAsync(
            job,
            work,
            () => job.Has("vectors.encoder")
                ? models.EncoderVectors(job.Folder("vectors.encoder"), job.Recipe, instructions, ct)
                : models.ModelVectors(job.Folder("vectors.model"), job.Recipe, instructions, ct),
            ct);
        foreach (var vector in vectors) work.Stream.Write(MemoryMarshal.AsBytes(vector.AsSpan()));
        work.Rows = vectors.Count;
    }

    // The tensor library counts its threads by the thread that calls it.
    private static Task<T> ComputeAsync<T>(JobContext<CurationRecipe> job, JobWork work, Func<T> compute, CancellationToken ct)
    {
        work.Device = ModelLibrary.Device(job.Recipe.Threads);
        return Task.Factory.StartNew(compute, ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private static List<string> Instructions(RowTable rows, int size, int part, Func<int, string> read) =>
        [.. Enumerable.Range(part * size, Math.Min(size, rows.Count - (part * size))).Select(read)];

    private static async Task ClusterAsync(JobContext<CurationRecipe> job, JobWork work, CancellationToken ct)
    {
        using var rows = await MeasuredAsync(job, ct);
        var task = CurationGroups.Tasks(job.Recipe, rows)[work.Part];
        var paths = await PathsAsync(job, Vectors, ct);
        using var vectors = new VectorFiles(paths, (int)(paths.Sum(path => new FileInfo(path).Length) / sizeof(float) / rows.Count));
        var points = vectors.Range(task.Range.First, task.Range.Count);
        var result = await ComputeAsync(job, work, () => Cluster(points, task.Clusters, job.Recipe, ct), ct);
        await work.WriteAsync(new ClusterLine(result.Inertia, result.Iterations), ct);
        foreach (var labels in result.Labels.Chunk(LineItems)) await work.WriteAsync(new ClusterLine(Labels: labels), ct);
    }

    /// <summary>Clusters the vectors of a length group.</summary>
    internal static KMeansResult Cluster(PointSource<float> points, int clusters, CurationRecipe recipe, CancellationToken ct)
    {
        var (options, seed) = (recipe.Clusters, (ulong)recipe.Seed);
        return options.BatchRows == 0
            ? KMeans.Fit(points, new KMeansOptions { Clusters = clusters, Seed = seed, Starts = options.Starts, MaxIterations = options.MaxIterations, Tolerance = options.Tolerance, Threads = recipe.Threads }, ct)
            : MiniBatchKMeans.Fit(points, new MiniBatchOptions { Clusters = clusters, BatchSize = options.BatchRows, Seed = seed, Starts = options.Starts, MaxPasses = options.MaxIterations, Tolerance = options.Tolerance, Threads = recipe.Threads }, ct);
    }

    private static async Task SampleAsync(JobContext<CurationRecipe> job, JobWork work, CancellationToken ct)
    {
        using var rows = await MeasuredAsync(job, ct);
        var cell = CurationGroups.Cells(job.Recipe)[work.Part];
        var (labels, _) = await LabelsAsync(job, rows, cell.LengthGroups, cell.Clusters, ct);
        foreach (var kept in Sample(rows, CurationGroups.Ranges(rows, cell.LengthGroups), labels, cell, job.Recipe.Seed).Chunk(LineItems)) await work.WriteAsync(new SampleLine(kept), ct);
    }

    /// <summary>The rows that a cell keeps: by length group, cluster, perplexity and length.</summary>
    internal static List<int> Sample(RowTable rows, IReadOnlyList<GroupRange> ranges, int[] labels, CurationCell cell, int seed)
    {
        var kept = new List<int>();
        foreach (var range in ranges.Where(range => range.Count > 0))
        {
            var clusters = Enumerable.Range(range.First, range.Count).ToLookup(row => labels[row]);
            foreach (var cluster in clusters.OrderBy(cluster => cluster.Key))
            {
                var candidates = cluster.Select(row => new SampleCandidate(row, rows.Rows[row].Perplexity, rows.Rows[row].Instruction)).ToArray();
                var lot = DeterministicRandom.SeedOf(FormattableString.Invariant($"curate/{seed}/{cell.LengthGroups}/{cell.Clusters}/{range.Group}/{cluster.Key}"));
                kept.AddRange(QualitySample.Of(candidates, cell.Method, cell.Share, lot).Select(row => (int)row.Index).OrderBy(row => rows.Rows[row].Perplexity).ThenBy(row => rows.Rows[row].Length).ThenBy(row => row));
            }
        }

        return kept;
    }
}
