using Marten;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Runs;

namespace XInstruct.Activities.Runs;

/// <summary>An earlier, unfinished run of the same recipe was made from other input files.</summary>
public sealed class InputsChangedException(string run, InputContent before, InputContent? now, string? path) : Exception(
    $"The input {before.Role}{(before.Language is null ? "" : $" ({before.Language})")}{(path is null ? "" : $", {path},")} changed since run {run} began: " +
    $"its SHA-256 was {before.Sha256}, it is {now?.Sha256 ?? "missing"}. " +
    $"Put the file back to go on with {run}, or start a new run of the new data with --new.")
{
    /// <summary>The unfinished run.</summary>
    public string Run { get; } = run;
}

/// <summary>Takes a recipe's input files into the store and names its run.</summary>
public sealed class RunStarter(
    IDocumentStore store, FileStore files, Contents contents, RunReader runs, RunSettingsTable settings, BudgetBook budget, EventWriter writer)
{
    /// <summary>Imports inputs, stores the canonical recipe and returns the run's name.</summary>
    /// <param name="loaded">A valid recipe.</param>
    /// <param name="id">Run id; null for the default.</param>
    /// <param name="isNew">Go ahead although an earlier run was made from other files.</param>
    /// <exception cref="InputsChangedException">An unfinished run of the same settings has other inputs.</exception>
    public async Task<RunInput> PrepareAsync(LoadedRecipe loaded, string? id, bool isNew, CancellationToken ct)
    {
        var inputs = new List<InputContent>();
        var sources = RecipeInputs.Of(loaded);
        foreach (var file in sources)
        {
            var (hash, bytes) = await files.ImportAsync(file.FullPath, ct);
            inputs.Add(new InputContent(file.Role, file.Language, hash, bytes));
        }

        var document = RecipeDocument.Of(loaded.Recipe, inputs);
        if (!isNew) await RefuseChangedInputsAsync(document, sources, ct);
        await using var session = store.LightweightSession();
        await contents.QueueAsync(session, [Content.Of(Guid.Empty, document.Json)], ct);
        await session.SaveChangesAsync(ct);
        var run = new RunInput(id ?? await NameAsync(document, isNew, ct), document.Hash);
        if (id is not null && await runs.FindAsync(id, ct) is { } known) await RefuseAnotherRecipeAsync(known, document, sources, ct);
        if (RunSettings.Of(loaded.Recipe) is { } endpoints)
        {
            await settings.WriteAsync(run.Run, endpoints, ct);
            await SetBudgetAsync(run.Run, loaded.Recipe.Budget?.Usd, ct);
        }

        return run;
    }

    /// <summary>Sets what the run may spend; when it is under way, a change is an event. What was set by 'xinstruct steer' holds, unless the recipe allows more now.</summary>
    private async Task SetBudgetAsync(string run, double? usd, CancellationToken ct)
    {
        if (await runs.FindAsync(run, ct) is { } known && SteeredSettings.At(known.Steered, int.MaxValue).ContainsKey("budget"))
        {
            var cap = (await budget.StateAsync(run, ct)).Cap;
            if (cap is null || usd is null || (decimal)usd <= cap) return;
        }

        var before = (await budget.StateAsync(run, ct)).Cap;
        var stream = Identity.RunStream(run);
        var steered = new RunSteered("budget", Environment.UserName, null, usd);
        await writer.WriteAsync<Run>(
            run,
            new Act("steer", CodeVersion.Current),
            [new Change<Run>(stream, stream, r => r is null || before == (decimal?)usd ? null : new Fact(steered))],
            ct,
            (session, _) => BudgetBook.QueueCap(session, run, (decimal?)usd));
    }

    /// <summary>Refuses a recipe whose settings changed while its run is under way.</summary>
    /// <param name="recipe">The recipe as it is now.</param>
    /// <param name="isUnderWay">Whether a run is.</param>
    /// <param name="ct">Cancellation.</param>
    /// <exception cref="RecipeChangedException">A run of a recipe of this name is under way and was begun with other settings.</exception>
    public async Task RefuseChangedSettingsAsync(Recipe recipe, Func<string, Task<bool>> isUnderWay, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(isUnderWay);
        var now = RecipeDocument.Of(recipe, []);
        var others = (await runs.ListAsync(ct)).Where(r => !r.IsCompleted && r.RecipeName == recipe.Name).ToList();
        // One that is as this one is, and there is nothing to refuse.
        if (others.Any(r => r.Settings == now.SettingsHash)) return;
        foreach (var run in others)
        {
            if (await isUnderWay(run.Name)) throw new RecipeChangedException(run.Name, RecipeDifference.Between((await DocumentAsync(run, ct)).Recipe, now.Recipe), isNamed: false);
        }
    }

    private async Task RefuseAnotherRecipeAsync(Run run, RecipeDocument document, IReadOnlyList<InputFile> sources, CancellationToken ct)
    {
        if (run.Recipe == document.Hash) return;
        if (run.Settings != document.SettingsHash) throw new RecipeChangedException(run.Name, RecipeDifference.Between((await DocumentAsync(run, ct)).Recipe, document.Recipe), isNamed: true);
        throw Changed(run, document, sources);
    }

    private async Task<RecipeDocument> DocumentAsync(Run run, CancellationToken ct) => RecipeDocument.Parse(await contents.ReadAsync(run.Recipe, ct));

    private static InputsChangedException Changed(Run run, RecipeDocument document, IReadOnlyList<InputFile> sources)
    {
        var changed = run.Inputs.First(i => document.Inputs.All(n => n != i));
        return new InputsChangedException(
            run.Name,
            changed,
            document.Inputs.FirstOrDefault(n => n.Role == changed.Role && n.Language == changed.Language),
            sources.FirstOrDefault(f => f.Role == changed.Role && f.Language == changed.Language)?.FullPath);
    }

    private async Task RefuseChangedInputsAsync(RecipeDocument document, IReadOnlyList<InputFile> sources, CancellationToken ct)
    {
        foreach (var run in await runs.ListAsync(ct))
        {
            if (run.IsCompleted || run.RecipeName != document.Recipe.Name || run.Settings != document.SettingsHash || run.Recipe == document.Hash) continue;
            throw Changed(run, document, sources);
        }
    }

    /// <summary>The default name; with --new, the first free one after it.</summary>
    private async Task<string> NameAsync(RecipeDocument document, bool isNew, CancellationToken ct)
    {
        if (!isNew) return document.RunId;
        for (var number = 1; ; number++)
        {
            var name = number == 1 ? document.RunId : $"{document.RunId}-{number}";
            if (await runs.FindAsync(name, ct) is null) return name;
        }
    }
}
