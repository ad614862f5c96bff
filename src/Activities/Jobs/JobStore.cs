using Marten;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Jobs;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Activities.Jobs;

/// <summary>Reads jobs and their parts, and takes recipes in.</summary>
public sealed class JobStore(IServiceProvider services, IDocumentStore store, FileStore files, Contents contents, RunSettingsTable settings)
{
    /// <summary>What kinds of jobs may use.</summary>
    internal IServiceProvider Services => services;

    /// <summary>The shared directory.</summary>
    internal FileStore Files => files;

    /// <summary>Takes a recipe's input files into the store and names its job.</summary>
    public async Task<JobInput> PrepareAsync(LoadedJob loaded, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(loaded);
        var inputs = new List<InputContent>();
        foreach (var (role, path) in InputPlace.Of(loaded.Recipe).SelectMany(place => place.Files()))
        {
            var (hash, bytes) = await files.ImportAsync(path, ct);
            inputs.Add(new InputContent(role, null, hash, bytes));
        }

        foreach (var (role, text) in loaded.Kind.ShippedOf(loaded.Recipe))
        {
            var path = files.NewFile();
            await File.WriteAllTextAsync(path, text, ct);
            var (hash, bytes) = await files.PutFileAsync(path, ct);
            inputs.Add(new InputContent(role, null, hash, bytes));
        }

        var document = JobDocument.Of(loaded.Kind, loaded.Recipe, inputs);
        await using var session = store.LightweightSession();
        await contents.QueueAsync(session, [Content.Of(Guid.Empty, document.Json)], ct);
        var input = new JobInput($"{loaded.Recipe.Name}-{document.Hash[..8]}", loaded.Kind.Name, document.Hash);
        if (JobEndpoints.Of(loaded.Recipe) is { } endpoints)
        {
            await settings.WriteAsync(input.Job, endpoints, ct);
            BudgetBook.QueueCap(session, input.Job, (decimal?)(loaded.Recipe as ModelJobRecipe)?.Budget?.Usd);
        }

        await session.SaveChangesAsync(ct);
        return input;
    }

    /// <summary>The canonical recipe of a job.</summary>
    public async Task<JobDocument> DocumentAsync(string recipe, CancellationToken ct) => JobDocument.Parse(await contents.ReadAsync(recipe, ct));

    /// <summary>The job of a recipe; null when it never started.</summary>
    public async Task<Job?> FindAsync(string recipe, CancellationToken ct)
    {
        await using var session = store.QuerySession();
        return await session.LoadAsync<Job>(Identity.JobStream(recipe), ct);
    }

    /// <summary>The job or chain with a name; null when there is none.</summary>
    public async Task<Job?> NamedAsync(string name, CancellationToken ct)
    {
        await using var session = store.QuerySession();
        return await session.Query<Job>().FirstOrDefaultAsync(j => j.Name == name, ct);
    }

    /// <summary>All jobs, by name.</summary>
    public async Task<IReadOnlyList<Job>> ListAsync(CancellationToken ct)
    {
        await using var session = store.QuerySession();
        return [.. (await session.Query<Job>().ToListAsync(ct)).OrderBy(j => j.Name, StringComparer.Ordinal)];
    }

    /// <summary>A part; null when it is not done.</summary>
    public async Task<JobPartDone?> PartAsync(JobPartInput part, CancellationToken ct)
    {
        await using var session = store.QuerySession();
        return (await session.LoadAsync<JobPart>(Identity.JobPartStream(part.Job.Recipe, part.Stage, part.Part), ct))?.Done;
    }

    /// <summary>The parts of a job's stage that are done, by number.</summary>
    public async Task<IReadOnlyList<JobPartDone>> PartsAsync(string job, string stage, CancellationToken ct)
    {
        await using var session = store.QuerySession();
        return [.. (await session.Query<JobPart>().Where(p => p.Run == job && p.Stage == stage).ToListAsync(ct)).Select(p => p.Done!).OrderBy(p => p.Part)];
    }

    /// <summary>Hashes of the files of a stage's parts, in order; null when the stage has not ended.</summary>
    internal async Task<IReadOnlyList<string>?> FilesAsync(string recipe, string stage, CancellationToken ct) =>
        await FindAsync(recipe, ct) is { } job && job.Stages.Any(s => s.Stage == stage) ? [.. (await PartsAsync(job.Name, stage, ct)).Select(p => p.File)] : null;
}
