using XInstruct.Activities.Storage;
using XInstruct.Domain.Samples;

namespace XInstruct.Activities.Endpoints;

/// <summary>What a stage asks an endpoint about a sample, and what the answer means.</summary>
/// <param name="name">Name of the stage in acts, budgets and seeds.</param>
/// <param name="role">Role of the model in the recipe.</param>
public abstract class RemoteStage(string name, string role)
{
    /// <summary>Name of the stage.</summary>
    public string Name => name;

    /// <summary>generator or evaluator.</summary>
    public string Role => role;

    /// <summary>The role's endpoint.</summary>
    public abstract EndpointSettings Endpoint(RunSettings settings);

    /// <summary>Whether the stage is about such a sample at all.</summary>
    public virtual bool Takes(Sample sample) => true;

    /// <summary>Whether the sample has its answer of this iteration.</summary>
    public abstract bool IsDone(Sample sample, int iteration);

    /// <summary>Whether the answer that it has is none.</summary>
    public abstract bool HasFailed(Sample sample);

    /// <summary>Why an answer is none, in a word; null when it is one.</summary>
    public abstract string? Reason(ChatOutcome outcome);

    /// <summary>What the answer does to the sample; null when that already happened. Pure.</summary>
    public abstract object? Decide(Sample sample, int iteration, ChatOutcome outcome);

    /// <summary>Content that goes with it.</summary>
    public virtual Content? Written(Sample sample, ChatOutcome outcome) => null;
}
