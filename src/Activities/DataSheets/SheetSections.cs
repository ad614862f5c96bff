using System.Globalization;
using XInstruct.Activities.Pages;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Statistics;
using XInstruct.Domain.Texts;
using static XInstruct.Activities.Pages.PageText;

namespace XInstruct.Activities.DataSheets;

/// <summary>Puts a data sheet into words and tables.</summary>
internal static class SheetSections
{
    public static PageContent Of(DataSheet sheet) => new(
        "data sheet",
        Title(sheet),
        [("run", sheet.Run.Name), ("languages", string.Join(", ", sheet.Languages.Select(l => l.Language))), ("release.sha256", sheet.Run.Release!.Sha256)],
        Figures(sheet),
        Sections(sheet))
    {
        Data = ChartData.Of(sheet),
        Script = "sheet.js",
    };

    private static IReadOnlyList<PageSection> Sections(DataSheet sheet) =>
    [
        Statistics(sheet), Rejections(sheet), Iterations(sheet), Scores(sheet), Map(sheet), Verbs(sheet),
        .. sheet.Report.Evaluation is null ? (PageSection[])[] : [Evaluation(sheet)],
        Models(sheet), Cost(sheet), Reproduce(sheet), Verify(sheet),
    ];

    /// <summary>The figures at the top.</summary>
    public static IReadOnlyList<(string Name, string Value)> Figures(DataSheet sheet)
    {
        var samples = sheet.Report.Samples;
        return
        [
            ("samples", Count(sheet.Languages.Sum(l => l.Samples))), ("languages", Count(sheet.Languages.Count)), ("rows read", Count(samples.Texts + samples.Rejected)),
            ("kept of the texts", Share(samples.Kept, samples.Texts)), ("tokens", Count(sheet.Report.Ledger.TokensIn + sheet.Report.Ledger.TokensOut)), ("cost", Usd(sheet.Report.Ledger.Usd)),
        ];
    }

    private static PageSection Statistics(DataSheet sheet) => new("statistics", "Statistics", "Lengths in code points, mean ± standard deviation.")
    {
        Tables =
        [
            new(["language", "#samples", "#different instructions", "#instruction length", "#output length", "#mean score", "#clusters"],
                [.. sheet.Languages.Select(l => (IReadOnlyList<string>)[l.Language, Count(l.Samples), Count(l.DistinctInstructions), Length(l.Instruction), Length(l.Output), F3(l.Score), Count(l.Clusters)])]),
        ],
    };

    private static PageSection Rejections(DataSheet sheet) => new(
        "rejections", "What was rejected, and why", "Rows at ingest, then pairs at the end of the refine loop. The example is the first of its kind; sources that can be withdrawn show none.")
    {
        Charts = [("rejections", "Rejected rows and pairs by reason and language")],
        Tables =
        [
            new(["language", "stage", "reason", "#count", "example"],
                [.. sheet.Rejections.Select(r => (IReadOnlyList<string>)[r.Language, r.Stage, r.Reason, Count(r.Count), r.Example ?? ""])]),
        ],
    };

    private static PageSection Iterations(DataSheet sheet)
    {
        var report = sheet.Report;
        var hasTruth = report.Iterations.Any(i => i.Accuracy is not null);
        var rows = new List<IReadOnlyList<string>>();
        foreach (var i in report.Iterations)
        {
            rows.Add([Count(i.Iteration), "all", Count(i.Rated), Count(i.Kept), F3(i.Precision), F3(i.Accuracy)]);
            if (report.Languages.Count > 1) rows.AddRange(i.Languages.Select(l => (IReadOnlyList<string>)[Count(i.Iteration), l.Language, Count(l.Rated), Count(l.Kept), F3(l.Precision), F3(l.Accuracy)]));
        }

        if (report.Baselines is { } b)
        {
            rows.Add(["chance", "all", "", "", "", F3(b.Chance)]);
            rows.Add(["naive Bayes", "all", "", "", "", F3(b.NaiveBayes)]);
        }

        var note = hasTruth
            ? "Precision: right among kept; accuracy: right among all accepted texts, by the recipe's truth. Chance draws a seed's instruction; naive Bayes learns from the same seeds."
            : "This sheet was written without a truth, so nobody knows which instructions are right: the picture shows what was kept. 'xinstruct report' with --recipe adds the truth of a recipe.";
        return new PageSection("iterations", "The refine loop", note)
        {
            Charts = [("iterations", "Precision and accuracy by iteration")],
            Tables = [new(["iteration", "language", "#rated", "#kept in all", "#precision", "#accuracy"], rows)],
        };
    }

    private static PageSection Scores(DataSheet sheet)
    {
        var bins = sheet.Scores.Count == 0 ? 0 : sheet.Scores[0].Rated.Count;
        var rows = new List<IReadOnlyList<string>>();
        for (var i = 0; i < bins; i++)
        {
            var (rated, released) = (sheet.Scores.Sum(s => s.Rated[i]), sheet.Scores.Sum(s => s.Released[i]));
            if (rated > 0) rows.Add([string.Create(CultureInfo.InvariantCulture, $"{(double)i / bins:F2}–{(i + 1.0) / bins:F2}"), Count(rated), Count(released)]);
        }

        return new PageSection("scores", "Scores", "P(level 2) by the evaluator: every pair by its last rating, and those in the release.")
        {
            Charts = [("scores", "Histogram of scores, rated and released")],
            Tables = [new(["P(level 2)", "#rated", "#released"], rows)],
        };
    }

    private static PageSection Map(DataSheet sheet) => new(
        "map", "Clusters", sheet.Maps.Count == 0
            ? "The vectors of the instructions, which are work files, are gone: there is no map."
            : "Released instructions on the two strongest principal components of their vectors, coloured by cluster: near points are alike, far ones differ at least in what the plane shows.")
    {
        Charts = sheet.Maps.Count == 0 ? [] : [("map", "Instructions on a plane, coloured by cluster")],
        Tables =
        [
            new(["language", "#clusters", "#points", "#of samples", "#variance shown"],
                [.. sheet.Maps.Select(m => (IReadOnlyList<string>)[m.Language, Count(m.Points.Select(p => p.Cluster).Distinct().Count()), Count(m.Points.Count), Count(m.Of), Percent(m.Explained)])]),
        ],
    };

    private static PageSection Verbs(DataSheet sheet) => new(
        "verbs", "Verbs and objects", "By a rule, not a parser: the verb is the first word behind courtesies, the object the last word of the first run of words without function words. The 16 most frequent verbs, four objects each.")
    {
        Charts = [("verbs", "Sunburst of verbs and their objects")],
        Tables =
        [
            new(["verb", "#instructions", "objects"],
                [.. sheet.Verbs.Select(v => (IReadOnlyList<string>)[v.Verb, Count(v.Count), string.Join(", ", v.Objects.Select(o => $"{o.Object} {Count(o.Count)}"))])]),
        ],
    };

    private static PageSection Evaluation(DataSheet sheet) => new("evaluation", "The model trained on it", "Held-out seeds before → after training, with the 95% bootstrap interval of the latter.")
    {
        Tables =
        [
            new(["language", "#token loss", $"#right instruction of {sheet.Report.Evaluation!.Candidates}", $"#right response of {sheet.Report.Evaluation.Candidates}"],
                [.. sheet.Report.Evaluation.Languages.Select(l => (IReadOnlyList<string>)
                    [l.Language, Change(l.LossBefore, l.LossAfter), Change(l.InstructionRankBefore, l.InstructionRankAfter), Change(l.ResponseRankBefore, l.ResponseRankAfter)])]),
        ],
    };

    private static PageSection Models(DataSheet sheet) => new("models", "Models and prompts", null)
    {
        Tables =
        [
            new(["role", "checkpoint", "#steps", "#tokens", "#loss"],
                [.. sheet.Run.Checkpoints.Select(c => (IReadOnlyList<string>)[c.Role, c.Checkpoint, Count(c.Steps), Count(c.Tokens), F3(c.Loss)])]),
        ],
        Listings = [.. sheet.Prompts.Select(p => ($"{string.Join(", ", sheet.Deeds.Where(d => d.Act.Prompt == p.Key).Select(d => d.Act.Stage).Distinct(StringComparer.Ordinal))} prompt {p.Key}", p.Value))],
    };

    private static PageSection Cost(DataSheet sheet) => new("cost", "Cost", $"Tokens and money as they stand on the events; {sheet.Report.Seconds.ToString("N0", CultureInfo.InvariantCulture)} s from the first event to the last.")
    {
        Tables =
        [
            new(["stage", "by", "#events", "#tokens in", "#tokens out", "#cost"],
                [
                    .. sheet.Deeds.GroupBy(d => (d.Act.Stage, d.Act.Device)).Select(g => (IReadOnlyList<string>)
                        [g.Key.Stage, g.Key.Device ?? "", Count(g.Sum(d => d.Events)), Count(g.Sum(d => d.TokensIn)), Count(g.Sum(d => d.TokensOut)), Usd(g.Sum(d => d.Usd))]),
                    ["all", "", Count(sheet.Deeds.Sum(d => d.Events)), Count(sheet.Report.Ledger.TokensIn), Count(sheet.Report.Ledger.TokensOut), Usd(sheet.Report.Ledger.Usd)],
                ]),
        ],
    };

    private static PageSection Reproduce(DataSheet sheet)
    {
        var inputs = string.Concat(sheet.Run.Inputs.Select(i => i.Role).Where(r => r is "corpus" or "seeds").Distinct(StringComparer.Ordinal).Select(r => $" --set {r}.path=…"));
        return new PageSection("reproduce", "How to make it again", $"Save the settings as {sheet.Run.RecipeName}.yaml (JSON is YAML), name the files that have these hashes, and run. With local models the same kind of processor, libtorch and number of threads give the same release.sha256.")
        {
            Tables =
            [
                new(["what", "language", "SHA-256", "#bytes"],
                    [["recipe and inputs", "", sheet.Run.Recipe, ""], .. sheet.Run.Inputs.Select(i => (IReadOnlyList<string>)[i.Role, i.Language ?? "", i.Sha256, Count(i.Bytes)])]),
                new(["built with", "version"], [["XInstruct", sheet.Deeds.Select(d => d.Act.Code).Distinct(StringComparer.Ordinal).DefaultIfEmpty("").Aggregate((a, b) => $"{a}, {b}")], .. sheet.Report.Packages.Select(p => (IReadOnlyList<string>)[p.Key, p.Value])]),
            ],
            Listings =
            [
                ("Command", $"./xinstruct run {sheet.Run.RecipeName}.yaml{inputs} --json | tail -1"),
                ("Settings", sheet.Settings),
            ],
        };
    }

    private static PageSection Verify(DataSheet sheet) => new(
        "verify", "How to verify it", "The first command recomputes both hash chains, every content, the Merkle roots and the release's files from the store, and names any changed byte's place; the second needs the release's folder only.")
    {
        Tables =
        [
            new(["hash", "SHA-256"], [["release.sha256 (manifest.json)", sheet.Run.Release!.Sha256], ["content root", sheet.Run.Release.ContentRoot], ["record root", sheet.Run.Release.RecordRoot], .. sheet.Run.Release.Files.Select(f => (IReadOnlyList<string>)[f.Name, f.Sha256])]),
        ],
        Listings = [("Commands", $"./xinstruct audit verify {sheet.Run.Name}\necho \"{sheet.Run.Release.Sha256}  manifest.json\" | sha256sum -c")],
    };

    private static string Length(Summary s) => s.Count == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{s.Mean:N1} ± {s.StandardDeviation:N1}");

    private static string Change(Estimate before, Estimate after) => string.Create(
        CultureInfo.InvariantCulture, $"{before.Mean:F2} → {after.Mean:F2} ({after.Low:F2}–{after.High:F2})");

    private static string F3(double? value) => value is { } v && !double.IsNaN(v) ? v.ToString("F3", CultureInfo.InvariantCulture) : "";

    private static string Share(long part, long whole) => whole == 0 ? "" : Percent((double)part / whole);

    private static string Usd(decimal value) => "$" + value.ToString(value is 0 or >= 1 ? "N2" : "0.00####", CultureInfo.InvariantCulture);

    /// <summary>Title of the sheet.</summary>
    public static string Title(DataSheet sheet) => DisplayText.Clean($"{sheet.Run.RecipeName}, release {sheet.Run.Release!.Number.ToString(CultureInfo.InvariantCulture)}");
}
