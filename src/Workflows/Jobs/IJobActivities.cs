using Temporalio.Activities;
using XInstruct.Domain.Runs;

namespace XInstruct.Workflows.Jobs;

/// <summary>Names a job and its recipe.</summary>
/// <param name="Job">Job id, which is the workflow id.</param>
/// <param name="Kind">The command: curate, build, evaluate, judge, probe.</param>
/// <param name="Recipe">Hash of the canonical recipe in the contents table.</param>
public sealed record JobInput(string Job, string Kind, string Recipe);

/// <summary>A stage of a job.</summary>
/// <param name="Name">What is done, e.g. <c>perplexity</c>.</param>
/// <param name="Queue">Where: one of <see cref="TaskQueues"/>.</param>
public sealed record JobStage(string Name, string Queue);

/// <summary>One stage of one job.</summary>
public sealed record JobStageInput(JobInput Job, string Stage);

/// <summary>One part of one stage.</summary>
/// <param name="Part">Number of the part, from 0.</param>
public sealed record JobPartInput(JobInput Job, string Stage, int Part);

/// <summary>A steering command to record.</summary>
public sealed record JobSteeringInput(JobInput Job, RunSteered Command);

/// <summary>What a stage is about to do.</summary>
/// <param name="Parts">Parts of the stage.</param>
/// <param name="Done">So many of the first are done already.</param>
public sealed record JobStageState(int Parts, int Done);

/// <summary>The stages of a job, whatever its kind.</summary>
public interface IJobActivities
{
    /// <summary>Writes JobStarted and names the stages.</summary>
    [Activity]
    Task<IReadOnlyList<JobStage>> StartJobAsync(JobInput input);

    /// <summary>Counts a stage's parts, those that are done among them.</summary>
    [Activity]
    Task<JobStageState> OpenStageAsync(JobStageInput input);

    /// <summary>Does a part and writes JobPartDone; nothing when it is done.</summary>
    [Activity]
    Task WorkOnPartAsync(JobPartInput input);

    /// <summary>Writes JobStageEnded.</summary>
    [Activity]
    Task EndStageAsync(JobStageInput input);

    /// <summary>Puts the result together, writes JobEnded and returns the hash of the result's file table.</summary>
    [Activity]
    Task<string> EndJobAsync(JobInput input);

    /// <summary>Writes RunSteered, for a job or a chain.</summary>
    [Activity]
    Task RecordJobSteeringAsync(JobSteeringInput input);
}
