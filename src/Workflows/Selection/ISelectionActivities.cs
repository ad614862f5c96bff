using Temporalio.Activities;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Languages;

namespace XInstruct.Workflows.Selection;

/// <summary>Names an iteration whose pairs are to be kept.</summary>
/// <param name="IsLast">What is not kept now is rejected.</param>
public sealed record KeepInput(LanguageInput Language, int Iteration, bool IsLast);

/// <summary>Keeps the best pairs of a language.</summary>
public interface ISelectionActivities
{
    /// <summary>Appends SampleKept, and SampleRejected after the last iteration.</summary>
    [Activity]
    Task<LanguageIteration> KeepAsync(KeepInput input);
}
