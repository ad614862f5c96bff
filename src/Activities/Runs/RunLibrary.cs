using System.Collections.Concurrent;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;

namespace XInstruct.Activities.Runs;

/// <summary>The order of a language's samples, fixed once after ingest: shards are stretches of it.</summary>
/// <param name="Ids">Sample ids in order.</param>
public sealed record SamplePlan(IReadOnlyList<Guid> Ids)
{
    /// <summary>Sample ids of a shard.</summary>
    public IReadOnlyList<Guid> Shard(int number, int size) => [.. Ids.Skip(number * size).Take(size)];

    /// <summary>Number of shards.</summary>
    public int Shards(int size) => (Ids.Count + size - 1) / size;
}

/// <summary>A language's seeds: those that train and those held out before iteration 0.</summary>
public sealed record SeedSet(IReadOnlyList<Seed> Training, IReadOnlyList<Seed> HeldOut);

/// <summary>What many activities of a run share: its recipe, seeds, language profiles and plan. All immutable, so each is read once a process.</summary>
public sealed class RunLibrary(Contents contents, FileStore files, RunReader runs)
{
    private readonly ConcurrentDictionary<string, RecipeDocument> _recipes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Run, int Revision), IReadOnlyDictionary<string, string>> _settings = new();
    private readonly ConcurrentDictionary<string, SeedSet> _seeds = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, LanguageIdentifier> _identifiers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Lazy<Task<SamplePlan>>> _plans = new(StringComparer.Ordinal);

    /// <summary>The run's recipe.</summary>
    public async Task<RecipeDocument> RecipeAsync(RunInput run, CancellationToken ct) =>
        _recipes.TryGetValue(run.Recipe, out var known)
            ? known
            : _recipes.GetOrAdd(run.Recipe, RecipeDocument.Parse(await contents.ReadAsync(run.Recipe, ct)));

    /// <summary>The run's recipe as it holds for a shard: with what was set before it.</summary>
    public async Task<RecipeDocument> RecipeAsync(ShardInput shard, CancellationToken ct)
    {
        var document = await RecipeAsync(shard.Language.Run, ct);
        return shard.Revision == 0 ? document : SteeredRecipe.Of(document, await SettingsAsync(shard, ct));
    }

    /// <summary>What was set over the recipe before a shard.</summary>
    public async Task<IReadOnlyDictionary<string, string>> SettingsAsync(ShardInput shard, CancellationToken ct)
    {
        var key = (shard.Language.Run.Run, shard.Revision);
        if (_settings.TryGetValue(key, out var known)) return known;
        var run = shard.Revision == 0 ? null : await runs.LoadAsync(key.Run, ct);
        return _settings.GetOrAdd(key, SteeredSettings.At(run?.Steered ?? [], shard.Revision));
    }

    /// <summary>A language's seeds.</summary>
    /// <exception cref="Temporalio.Exceptions.ApplicationFailureException">They cannot be used: <see cref="BadInput"/>.</exception>
    public async Task<SeedSet> SeedsAsync(LanguageInput language, CancellationToken ct)
    {
        var key = $"{language.Run.Recipe}/{language.Language}";
        if (_seeds.TryGetValue(key, out var known)) return known;
        var document = await RecipeAsync(language.Run, ct);
        var seeds = await ReadSeedsAsync(document, language.Language, ct);
        var (training, heldOut) = SeedSplit.Of(seeds, document.Recipe.Seeds.HeldOut, document.Recipe.Seed);
        return _seeds.GetOrAdd(key, new SeedSet(training, heldOut));
    }

    /// <summary>Which rows of a language's corpus file are seeds, when both are the same file.</summary>
    public async Task<IReadOnlySet<long>> SeedRowsAsync(LanguageInput language, CancellationToken ct)
    {
        var document = await RecipeAsync(language.Run, ct);
        if (document.Input("corpus", language.Language) != document.Input("seeds", language.Language)) return new HashSet<long>();
        var seeds = await SeedsAsync(language, ct);
        return seeds.Training.Concat(seeds.HeldOut).Select(s => (long)s.Index).ToHashSet();
    }

    /// <summary>Identifier built from the seeds of all the run's languages and the profiles that ship with XInstruct.</summary>
    public async Task<LanguageIdentifier> IdentifierAsync(RunInput run, CancellationToken ct)
    {
        if (_identifiers.TryGetValue(run.Recipe, out var known)) return known;
        var recipe = (await RecipeAsync(run, ct)).Recipe;
        var profiles = new SortedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var (code, texts) in ShippedProfiles.Read()) profiles[code] = texts;
        foreach (var code in recipe.Languages)
        {
            var seeds = await SeedsAsync(new LanguageInput(run, code), ct);
            profiles[code] = [.. seeds.Training.Concat(seeds.HeldOut).Select(s => s.Output)];
        }

        return _identifiers.GetOrAdd(run.Recipe, LanguageIdentifier.Build(profiles));
    }

    /// <summary>The order of a language's samples.</summary>
    /// <exception cref="TamperedException">The plan file is lost.</exception>
    public async Task<SamplePlan> PlanAsync(LanguageInput language, CancellationToken ct)
    {
        // Read once, also when many shards begin together: it may be millions of ids.
        var key = $"{language.Run.Run}/{language.Language}";
        var plan = _plans.GetOrAdd(key, _ => new(() => ReadPlanAsync(language)));
        try
        {
            return await plan.Value.WaitAsync(ct);
        }
        catch when (plan.Value.IsFaulted)
        {
            _plans.TryRemove(new(key, plan));
            throw;
        }
    }

    private async Task<SamplePlan> ReadPlanAsync(LanguageInput language) =>
        await files.ReadWorkAsync<SamplePlan>(language.Run.Run, $"{language.Language}/plan.json", CancellationToken.None)
        ?? throw new TamperedException($"The plan of {language.Run.Run}/{language.Language} is not in {files.Root}. Do all workers share this directory? 'xinstruct doctor' checks it.");

    private async Task<IReadOnlyList<Seed>> ReadSeedsAsync(RecipeDocument document, string language, CancellationToken ct)
    {
        try
        {
            return await SeedReader.ReadAsync(document.Recipe, language, SeedFiles(document, language), ct);
        }
        catch (SeedException e)
        {
            throw BadInput.Failure(e.Message, e);
        }
    }

    private SeedFiles SeedFiles(RecipeDocument document, string language)
    {
        string? PathOf(string role, string? code) => document.Input(role, code) is { } hash ? files.Blob(hash) : null;
        return new SeedFiles(PathOf("seeds", language)!, PathOf("seeds.alignWith", language));
    }
}
