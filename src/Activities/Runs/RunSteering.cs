using Npgsql;
using Temporalio.Activities;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tuning;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Jobs;
using XInstruct.Domain.Models;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Steering;

namespace XInstruct.Activities.Runs;

/// <summary>Records interventions, each once, and with it what must change at the same time.</summary>
public sealed class RunSteering(
    EventWriter writer, RunReader runs, JobStore jobs, ModelReader trainings, RunLibrary library, SampleReader samples, RunSettingsTable settings, NpgsqlDataSource database)
{
    /// <summary>Writes an intervention in whatever has a name: a run, a job, a chain or a training; nothing when it has not begun.</summary>
    public async Task RecordAnyAsync(string name, RunSteered command, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(command);
        if (await runs.FindAsync(name, ct) is not null) await RecordAsync(name, command, ct);
        else if (await jobs.NamedAsync(name, ct) is { } job) await WriteAsync<Job>(job, j => j.Steered);
        else if (await trainings.NamedAsync(name, ct) is { } model) await WriteAsync<Model>(model, m => m.Steered);

        Task WriteAsync<T>(T subject, Func<T, IReadOnlyList<RunSteered>> steered)
            where T : class, IChained =>
            writer.WriteAsync<T>(name, new Act("steer", CodeVersion.Current), [new Change<T>(subject.Id, subject.Id, s => Steering.Record(s is null ? [] : steered(s), command) is { } e ? new Fact(e) : null)], ct);
    }

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

    /// <summary>Opens failed samples of an iteration again and writes who wanted that; once a request.</summary>
    /// <param name="run">The run.</param>
    /// <param name="command">Which ones.</param>
    /// <param name="alive">Called after each stretch of samples.</param>
    /// <param name="ct">Cancellation.</param>
    /// <returns>How many.</returns>
    public async Task<int> ReopenAsync(RunInput run, RunSteered command, Action<long> alive, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(alive);
        if ((await runs.LoadAsync(run.Run, ct)).Steered.FirstOrDefault(s => s.Request == command.Request) is { Samples: { } known }) return known;
        var recipe = (await library.RecipeAsync(run, ct)).Recipe;
        var act = new Act("retry", CodeVersion.Current);
        var reopened = 0;
        foreach (var language in command.Language is { } one ? [one] : recipe.Languages)
        {
            var plan = await library.PlanAsync(new LanguageInput(run, language), ct);
            foreach (var ids in plan.Ids.Chunk(recipe.Plan.ShardSize))
            {
                var failed = (await samples.LoadAsync(run.Run, ids, ct)).Where(s => s.Reopen(command.Iteration!.Value, command.Stage, command.Reason) is not null);
                var changes = failed.Select(s => new Change<Sample>(
                    Identity.Stream(run.Run, s.SampleId), s.SampleId, c => c?.Reopen(command.Iteration!.Value, command.Stage, command.Reason) is { } e ? new Fact(e) : null)).ToList();
                if (changes.Count > 0) reopened += await writer.WriteAsync(run.Run, act, changes, ct);
                alive(ids.Length);
            }
        }

        if (ActivityExecutionContext.HasCurrent && ActivityExecutionContext.Current.Info is { Attempt: > 1 } info) reopened = await ReopenedAsync(info, ct);
        await RecordAsync(run.Run, command with { Samples = reopened }, ct);
        return reopened;
    }

    /// <summary>What all attempts of an activity have opened again: the earlier ones died with their count.</summary>
    private async Task<int> ReopenedAsync(ActivityInfo activity, CancellationToken ct)
    {
        await using var command = database.CreateCommand($"""
            select count(*) from {StoreConfiguration.Schema}.mt_events where type = $1
            and headers ->> '{EventHeaders.Workflow}' = $2 and headers ->> '{EventHeaders.WorkflowRun}' = $3 and headers ->> '{EventHeaders.Activity}' = $4
            """);
        foreach (var value in new[] { EventTypes.Names[typeof(FailureReopened)], activity.WorkflowId, activity.WorkflowRunId, activity.ActivityId }) command.Parameters.Add(new NpgsqlParameter { Value = value ?? "" });
        return (int)(long)(await command.ExecuteScalarAsync(ct))!;
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
