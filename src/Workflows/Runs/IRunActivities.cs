using Temporalio.Activities;
using XInstruct.Domain.Runs;

namespace XInstruct.Workflows.Runs;

/// <summary>Names a run and its recipe to an activity.</summary>
/// <param name="Run">Run id.</param>
/// <param name="Recipe">Hash of the canonical recipe in the contents table.</param>
public sealed record RunInput(string Run, string Recipe);

/// <summary>What the workflow must know of the recipe to lay out the work.</summary>
/// <param name="Languages">In the recipe's order.</param>
/// <param name="Iterations">Iterations after iteration 0.</param>
/// <param name="Generators">1, or 2 for cross-fitting.</param>
/// <param name="Window">Shard activities of a language at once.</param>
/// <param name="NeedsTokenizer">Some model starts from random weights.</param>
/// <param name="RemoteGenerator">The generator is behind an endpoint and is not trained.</param>
/// <param name="RemoteEvaluator">So is the evaluator.</param>
/// <param name="HasEncoder">Instructions are embedded by an encoder of their own.</param>
/// <param name="Paused">Parts that an earlier start left paused: a pause holds until someone resumes it.</param>
public sealed record RunShape(
    IReadOnlyList<string> Languages,
    int Iterations,
    int Generators,
    int Window,
    bool NeedsTokenizer,
    bool RemoteGenerator = false,
    bool RemoteEvaluator = false,
    bool HasEncoder = false,
    IReadOnlyList<RunPart>? Paused = null);

/// <summary>Counts of all languages at the end of an iteration.</summary>
public sealed record IterationInput(RunInput Run, IterationCompleted Iteration);

/// <summary>A steering command to record.</summary>
public sealed record RecordSteeringInput(RunInput Run, RunSteered Command);

/// <summary>The run's own stream.</summary>
public interface IRunActivities
{
    /// <summary>Writes RunStarted and returns the shape of the work.</summary>
    [Activity]
    Task<RunShape> StartRunAsync(RunInput input);

    /// <summary>Writes IterationCompleted.</summary>
    [Activity]
    Task CompleteIterationAsync(IterationInput input);

    /// <summary>Writes RunSteered.</summary>
    [Activity]
    Task RecordSteeringAsync(RecordSteeringInput input);

    /// <summary>Writes RunCompleted.</summary>
    [Activity]
    Task CompleteRunAsync(RunInput input);
}
