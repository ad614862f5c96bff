using System.Globalization;
using XInstruct.Activities.Pages;
using XInstruct.Domain.Recipes;
using static XInstruct.Activities.Pages.PageText;

namespace XInstruct.Activities.Building;

/// <summary>The card for people: card.md and report.html.</summary>
internal static class BuildPage
{
    public static PageContent Of(BuildCard card, string job) => new(
        "data",
        card.Name,
        [("job", job), ("kind", card.Kind), ("seed", card.Seed.ToString(CultureInfo.InvariantCulture)), ("registries", string.Join(", ", card.Registries)), .. card.HeldOut.Count == 0 ? [] : new[] { ("held out", string.Join(", ", card.HeldOut)) }],
        [
            ("rows read", Count(card.Sources.Sum(s => s.Rows))), ("to train on", Rows(card, DataSplit.Train)), ("dev", Rows(card, DataSplit.Dev)), ("test", Rows(card, DataSplit.Test)),
            ("data sets", Count(card.Files.SelectMany(f => f.Datasets).Select(d => d.Dataset).Distinct(StringComparer.Ordinal).Count())), ("left out", Count(card.LeftOut.Sum(l => l.Rows))),
        ],
        [.. card.Files.Select(File), .. ((PageSection?[])[Cut(card), Sources(card), LeftOut(card), Overlaps(card)]).OfType<PageSection>()]);

    private static PageSection File(SplitCount file) => new(
        $"{(file.Mix.Length > 0 ? $"{file.Mix}-" : "")}{Name(file.Split)}", $"{(file.Mix.Length > 0 ? $"{file.Mix}, " : "")}{Name(file.Split)}: {Count(file.Rows)} rows", null)
    {
        Tables =
        [
            new(["data set", "cluster", "language", "licence", "#rows", "templates"], [.. file.Datasets.Select(d => (IReadOnlyList<string>)
                [d.Dataset, d.Cluster, d.Lang, d.Licence, Count(d.Rows), string.Join(", ", d.Templates.Select(t => $"{(t.Key.Length > 0 ? t.Key : "as it was")}: {Count(t.Value)}"))])]),
            new(["cluster", "#rows"], [.. file.Clusters.Select(c => (IReadOnlyList<string>)[c.Key, Count(c.Value)])]),
            new(["licence", "#rows"], [.. file.Licences.Select(l => (IReadOnlyList<string>)[l.Key, Count(l.Value)])]),
        ],
    };

    private static PageSection? Cut(BuildCard card) => card.Cut is not { } cut ? null : new("cut", "Files that are cut", "They end in the middle of a row; whatever stood behind it is missing here.")
    {
        Tables = [new(["source", "#row"], [.. cut.Select(c => (IReadOnlyList<string>)[c.Source, Count(c.Row)])])],
    };

    private static PageSection Sources(BuildCard card) => new("sources", "Read", null)
    {
        Tables = [new(["source", "data set", "for", "#rows"], [.. card.Sources.Select(s => (IReadOnlyList<string>)[s.Source, s.Dataset, Name(s.Split), Count(s.Rows)])])],
    };

    private static PageSection LeftOut(BuildCard card) => new(
        "left-out",
        "Left out",
        card.LeftOut.Count == 0 ? "Nothing." : "By source, data set and reason, in every mix. drops.jsonl names each row that something is wrong with; rows that a recipe does not ask for are counted."
            + (card.SemanticThreshold is { } threshold ? FormattableString.Invariant($" means-the-same: the cosine with an earlier row is {threshold} or more; duplicates.csv has the pairs.") : ""))
    {
        Tables = [new(["source", "data set", "licence", "for", "reason", "#rows"], [.. card.LeftOut.Select(l => (IReadOnlyList<string>)[l.Source, l.Dataset ?? "?", l.Licence ?? "?", Name(l.Split), l.Reason, Count(l.Rows)])])],
    };

    private static PageSection? Overlaps(BuildCard card) => card.Overlaps is not { } overlaps ? null : new(
        "overlaps", "Evaluation sets", $"{(card.OverlapAction == OverlapAction.Drop ? "Rows that are in them were left out" : "Rows that are in them were left in")}; overlaps.csv has every pair.")
    {
        Tables =
        [
            new(["evaluation set", "#rows", "#unreadable", "#too short to find", "#found", "#pairs"], [.. overlaps.Select(o => (IReadOnlyList<string>)
                [o.Against, Count(o.Rows), Count(o.Unreadable), Count(o.TooShort), Count(o.Found), Count(o.Pairs)])]),
        ],
    };

    private static string Rows(BuildCard card, DataSplit split) => Count(card.Files.Where(f => f.Split == split).Sum(f => f.Rows));

    private static string Name(DataSplit split) => split.ToString().ToLowerInvariant();
}
