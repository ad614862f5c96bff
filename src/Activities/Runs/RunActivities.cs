using Temporalio.Activities;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Runs;

namespace XInstruct.Activities.Runs;

/// <summary>Activities over the run's own stream.</summary>
public sealed class RunActivities(EventWriter writer, RunLibrary library, RunReader runs, BudgetBook budget) : IRunActivities
{
    /// <inheritdoc/>
    [Activity]
    public async Task<RunShape> StartRunAsync(RunInput input)
    {
        var ct = ActivityExecutionContext.Current.CancellationToken;
        var document = await library.RecipeAsync(input, ct);
        var recipe = document.Recipe;
        var started = new RunStarted(recipe.Name, input.Recipe, document.SettingsHash, recipe.Languages, document.Inputs);
        await WriteAsync(input, "start", r => Run.Start(r, started), ct);
        var models = recipe.Models;
        var (generator, evaluator) = (models.Generator.Api is not null, models.Evaluator.Api is not null);
        // What an earlier start left under way is over.
        if (generator || evaluator) await budget.EndRunAsync(input.Run, ct);
        // The generator's shape also serves when both are remote and no encoder embeds the instructions.
        var local = new ModelOptions?[] { generator && (!evaluator || recipe.Diversify.Encoder is not null) ? null : models.Generator, evaluator ? null : models.Evaluator, models.Student };
        return new RunShape(
            recipe.Languages,
            recipe.Refine.Iterations,
            recipe.Refine.Generators,
            recipe.Plan.Window,
            local.Any(m => m is { Base: null }),
            generator,
            evaluator,
            recipe.Diversify.Encoder is not null,
            [.. Steering.Paused((await runs.LoadAsync(input.Run, ct)).Steered).Select(p => p.Part())]);
    }

    /// <inheritdoc/>
    [Activity]
    public Task CompleteIterationAsync(IterationInput input) =>
        WriteAsync(input.Run, "keep", r => r?.Complete(input.Iteration), ActivityExecutionContext.Current.CancellationToken);

    /// <inheritdoc/>
    [Activity]
    public Task RecordSteeringAsync(RecordSteeringInput input) =>
        WriteAsync(input.Run, "steer", r => Steering.Record(r?.Steered ?? [], input.Command), ActivityExecutionContext.Current.CancellationToken);

    /// <inheritdoc/>
    [Activity]
    public Task CompleteRunAsync(RunInput input) =>
        WriteAsync(input, "complete", r => r?.Complete(), ActivityExecutionContext.Current.CancellationToken);

    private Task<int> WriteAsync(RunInput input, string stage, Func<Run?, object?> decide, CancellationToken ct)
    {
        var stream = Identity.RunStream(input.Run);
        return writer.WriteAsync<Run>(
            input.Run,
            new Act(stage, CodeVersion.Current),
            [new Change<Run>(stream, stream, r => decide(r) is { } e ? new Fact(e) : null)],
            ct);
    }
}

/// <summary>Version of this build, for the audit trail.</summary>
public static class CodeVersion
{
    /// <summary>Informational version of the activities' assembly.</summary>
    public static string Current { get; } =
        typeof(CodeVersion).Assembly.GetCustomAttributes(typeof(System.Reflection.AssemblyInformationalVersionAttribute), false)
            .OfType<System.Reflection.AssemblyInformationalVersionAttribute>().FirstOrDefault()?.InformationalVersion ?? "0";
}
