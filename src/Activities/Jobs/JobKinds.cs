namespace XInstruct.Activities.Jobs;

/// <summary>The kinds of jobs that a process knows.</summary>
public sealed class JobKinds(IReadOnlyList<JobKind> all)
{
    /// <summary>Those of XInstruct.</summary>
    public static JobKinds Standard { get; } = new(
    [
        new Curation.CurationKind(),
        new Building.BuildKind(),
        new Evaluation.EvaluationKind(),
        new Judging.JudgeKind(),
        new Rerating.RerateKind(),
        new Probing.ProbeKind(),
    ]);

    /// <summary>All of them.</summary>
    public IReadOnlyList<JobKind> All { get; } = all;

    /// <summary>The kind of a command; null when there is none.</summary>
    public JobKind? Find(string name) => All.FirstOrDefault(kind => kind.Name == name);
}
