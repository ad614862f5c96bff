using Temporalio.Exceptions;
using XInstruct.Activities.Encoders;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Models;
using XInstruct.Activities.Tables;
using XInstruct.Activities.Tuning;
using XInstruct.Training.Chat;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;
using XInstruct.Workflows;

namespace XInstruct.Activities.Runs;

/// <summary>Input that no retry can mend stops the run with what is wrong with it.</summary>
public static class BadInput
{
    /// <summary>Whether an exception is about what the user gave.</summary>
    public static bool IsIn(Exception e) => e is SeedException or CheckpointException or ModelConfigException or TokenizerFileException or EncoderException or TrainingDataException or JobException or ModelFolderException or ChatTemplateException or TableFileException;

    /// <summary>The failure that says so to the workflow.</summary>
    public static ApplicationFailureException Failure(string message, Exception? inner = null) =>
        new(message, inner, errorType: FailureTypes.BadInput, nonRetryable: true);
}
