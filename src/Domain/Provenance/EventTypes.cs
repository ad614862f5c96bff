using XInstruct.Domain.Jobs;
using XInstruct.Domain.Models;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Sources;

namespace XInstruct.Domain.Provenance;

/// <summary>The stored name of every event type. Permanent: a renamed class keeps its stored name.</summary>
public static class EventTypes
{
    /// <summary>Stored name by type.</summary>
    public static IReadOnlyDictionary<Type, string> Names { get; } = new Dictionary<Type, string>
    {
        [typeof(TextAccepted)] = "text_accepted",
        [typeof(InstructionGenerated)] = "instruction_generated",
        [typeof(GenerationFailed)] = "generation_failed",
        [typeof(InstructionRevised)] = "instruction_revised",
        [typeof(SampleRated)] = "sample_rated",
        [typeof(RatingFailed)] = "rating_failed",
        [typeof(SampleRerated)] = "sample_rerated",
        [typeof(FailureReopened)] = "failure_reopened",
        [typeof(SampleRestored)] = "sample_restored",
        [typeof(SampleKept)] = "sample_kept",
        [typeof(SampleRejected)] = "sample_rejected",
        [typeof(SampleSelected)] = "sample_selected",
        [typeof(RowsRejected)] = "rows_rejected",
        [typeof(RunStarted)] = "run_started",
        [typeof(IterationCompleted)] = "iteration_completed",
        [typeof(CheckpointSaved)] = "checkpoint_saved",
        [typeof(ReleaseSealed)] = "release_sealed",
        [typeof(ModelEvaluated)] = "model_evaluated",
        [typeof(RunSteered)] = "run_steered",
        [typeof(RunForked)] = "run_forked",
        [typeof(RunCompleted)] = "run_completed",
        [typeof(TrainingStarted)] = "training_started",
        [typeof(ModelCheckpointSaved)] = "model_checkpoint_saved",
        [typeof(ModelTrained)] = "model_trained",
        [typeof(ModelMerged)] = "model_merged",
        [typeof(JobStarted)] = "job_started",
        [typeof(JobPartDone)] = "job_part_done",
        [typeof(JobReplied)] = "job_replied",
        [typeof(JobStageEnded)] = "job_stage_ended",
        [typeof(JobEnded)] = "job_ended",
    };

    /// <summary>
    /// Whether such an event only says something beside a stream, whenever that happens: the content chain goes on from the event before it, and no root under a seal
    /// counts it, so that a release is the same with it and without. The record chain has it.
    /// </summary>
    /// <param name="type">Stored name.</param>
    public static bool IsBeside(string type) => type == "sample_rerated";

    /// <summary>Type by stored name.</summary>
    public static IReadOnlyDictionary<string, Type> Types { get; } = Names.ToDictionary(n => n.Value, n => n.Key, StringComparer.Ordinal);
}
