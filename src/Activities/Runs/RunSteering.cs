using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Steering;

namespace XInstruct.Activities.Runs;

/// <summary>Records interventions in a run, each once, and with it what must change at the same time.</summary>
public sealed class RunSteering(EventWriter writer, RunReader runs, RunLibrary library, RunSettingsTable settings)
{
    /// <summary>Writes an intervention; nothing when its request is recorded already.</summary>
    public Task<int> RecordAsync(string run, RunSteered command, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(command);
        var stream = Identity.RunStream(run);
        return writer.WriteAsync<Run>(
            run,
            new Act("steer", CodeVersion.Current),
            [new Change<Run>(stream, stream, r => Steering.Record(r?.Steered ?? [], command) is { } e ? new Fact(e) : null)],
            ct,
            (session, written) =>
            {
                if (written[0] && command.Set?.ContainsKey("budget") == true) BudgetBook.QueueCap(session, run, (decimal?)command.Usd);
            });
    }

    /// <summary>Writes settings, and returns what holds after them.</summary>
    public async Task<SettingsState> SetAsync(string run, RunSteered command, CancellationToken ct)
    {
        await RecordAsync(run, command, ct);
        return State(await runs.LoadAsync(run, ct));
    }

    /// <summary>What is set over a run's recipe.</summary>
    public static SettingsState State(Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var revision = SteeredSettings.Revision(run.Steered);
        return new SettingsState(revision, SteeredSettings.At(run.Steered, revision));
    }

    /// <summary>Reads what someone wants to set, as the run itself will.</summary>
    /// <exception cref="InvalidOperationException">It cannot be set; the message names the way out.</exception>
    public async Task<IReadOnlyDictionary<string, string>> ParseAsync(Run run, IReadOnlyList<string> sets, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(run);
        var models = (await library.RecipeAsync(new RunInput(run.Name, run.Recipe), ct)).Recipe.Models;
        var values = SteeredSettings.Parse(run.Name, sets, models.Generator.Api is not null, models.Evaluator.Api is not null);
        if (await settings.FindAsync(run.Name, ct) is not { } endpoints) return values;
        var all = State(run).Values.ToDictionary(StringComparer.Ordinal);
        foreach (var (key, value) in values) all[key] = value;
        foreach (var (role, endpoint) in new[] { ("generator", endpoints.Generator), ("evaluator", endpoints.Evaluator) })
        {
            if (endpoint is not null && SteeredRecipe.Price(endpoint, role, all) is null)
                throw new InvalidOperationException($"Nobody knows what {all[$"{role}.model"]} costs, and the budget counts on it. Say it too: --set {role}.usdPerMillionIn=… --set {role}.usdPerMillionOut=…");
        }

        return values;
    }
}
