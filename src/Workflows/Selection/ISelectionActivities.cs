using Temporalio.Activities;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Languages;

namespace XInstruct.Workflows.Selection;

/// <summary>Names an iteration whose pairs are to be kept.</summary>
/// <param name="IsLast">What is not kept now is rejected.</param>
/// <param name="IsApproved">The iteration is completed and approved: only the rejections are left.</param>
public sealed record KeepInput(LanguageInput Language, int Iteration, bool IsLast, bool IsApproved = false);

/// <summary>Keeps the best pairs of a language.</summary>
public interface ISelectionActivities
{
    /// <summary>Appends SampleKept, and SampleRejected after the last iteration.</summary>
    [Activity]
    Task<LanguageIteration> KeepAsync(KeepInput input);

    /// <summary>Appends SampleRestored: undoes what a rejected iteration did to a language.</summary>
    [Activity]
    Task<int> RestoreAsync(KeepInput input);
}
