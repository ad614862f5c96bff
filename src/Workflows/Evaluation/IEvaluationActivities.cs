using Temporalio.Activities;
using XInstruct.Workflows.Runs;

namespace XInstruct.Workflows.Evaluation;

/// <summary>Names the student before and after training.</summary>
public sealed record EvaluateInput(RunInput Run, string Before, string After);

/// <summary>Evaluates on the held-out seeds.</summary>
public interface IEvaluationActivities
{
    /// <summary>Token loss and rank accuracy per language; writes ModelEvaluated.</summary>
    [Activity]
    Task EvaluateAsync(EvaluateInput input);
}
