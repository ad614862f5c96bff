namespace XInstruct.Activities.Audit;

/// <summary>A place where what is stored is not what its hash says.</summary>
/// <param name="Place">Table, stream and version, or file.</param>
/// <param name="Problem">What is wrong, with what was expected and found.</param>
public sealed record Finding(string Place, string Problem);

/// <summary>What an audit saw.</summary>
public sealed record AuditReport(string Run, long Events, long Streams, long Contents, int Files, IReadOnlyList<Finding> Findings)
{
    /// <summary>True when nothing was found.</summary>
    public bool IsClean => Findings.Count == 0;
}
