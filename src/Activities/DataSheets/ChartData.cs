using XInstruct.Activities.Reports;

namespace XInstruct.Activities.DataSheets;

/// <summary>What the page's script draws.</summary>
internal sealed record ChartData(
    IReadOnlyList<string> Languages,
    IReadOnlyList<ChartRejection> Rejections,
    IReadOnlyList<IterationReport> Iterations,
    BaselineReport? Baselines,
    IReadOnlyList<ScoreHistogram> Scores,
    IReadOnlyList<ClusterMap> Maps,
    IReadOnlyList<VerbCount> Verbs)
{
    public static ChartData Of(DataSheet sheet) => new(
        [.. sheet.Languages.Select(l => l.Language)],
        [.. sheet.Rejections.Select(r => new ChartRejection(r.Language, r.Reason, r.Count))],
        sheet.Report.Iterations,
        sheet.Report.Baselines,
        sheet.Scores,
        sheet.Maps,
        sheet.Verbs);
}

/// <summary>A bar's part.</summary>
internal sealed record ChartRejection(string Language, string Reason, long Count);
