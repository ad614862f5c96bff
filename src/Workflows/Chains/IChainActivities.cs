using Temporalio.Activities;
using XInstruct.Workflows.Jobs;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Training;

namespace XInstruct.Workflows.Chains;

/// <summary>Names a chain and what it is of.</summary>
/// <param name="Chain">Chain id, which is the workflow id.</param>
/// <param name="Recipe">Hash of the canonical chain in the contents table.</param>
public sealed record ChainInput(string Chain, string Recipe);

/// <summary>A step of a chain, ready to be done: one of the three.</summary>
/// <param name="Name">generate, curate, without, with or evaluate.</param>
/// <param name="Run">Makes data.</param>
/// <param name="Training">Trains.</param>
/// <param name="Job">Curates or evaluates.</param>
public sealed record ChainStep(string Name, RunInput? Run = null, TuneInput? Training = null, JobInput? Job = null);

/// <summary>A step to be made ready.</summary>
/// <param name="Chain">The chain.</param>
/// <param name="Name">Name of the step.</param>
/// <param name="Done">The steps before it.</param>
public sealed record ChainStepInput(ChainInput Chain, string Name, IReadOnlyList<ChainStep> Done);

/// <summary>The end of a chain.</summary>
/// <param name="Chain">The chain.</param>
/// <param name="Done">All steps.</param>
public sealed record ChainEndInput(ChainInput Chain, IReadOnlyList<ChainStep> Done);

/// <summary>What a chain does between its steps.</summary>
public interface IChainActivities
{
    /// <summary>Writes JobStarted and names the steps.</summary>
    [Activity]
    Task<IReadOnlyList<string>> StartChainAsync(ChainInput input);

    /// <summary>Makes a step's recipe of what the steps before it gave.</summary>
    [Activity]
    Task<ChainStep> PrepareStepAsync(ChainStepInput input);

    /// <summary>Writes the report, stores the result and writes JobEnded; returns the hash of the result's file table.</summary>
    [Activity]
    Task<string> EndChainAsync(ChainEndInput input);
}
