using XInstruct.Domain.Judging;
using XInstruct.Domain.Metrics;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Statistics;

namespace XInstruct.Activities.Judging;

/// <summary>Two models in the eyes of one judge. Rates are from 0 to 1; null when there is nothing to divide by.</summary>
/// <param name="Judge">The judge.</param>
/// <param name="Model">Model A.</param>
/// <param name="Other">Model B.</param>
/// <param name="Language">Language; null for all.</param>
/// <param name="Category">Category; null for all.</param>
/// <param name="Count">Pairs of which both orders could be read.</param>
/// <param name="Unread">Other pairs; they count nowhere else.</param>
/// <param name="Wins">Pairs that A wins.</param>
/// <param name="Ties">Pairs with equal sums.</param>
/// <param name="Losses">Pairs that B wins.</param>
/// <param name="WinRate">Wins and half the ties over all pairs.</param>
/// <param name="Low">Lower end of its 95% bootstrap interval.</param>
/// <param name="High">Upper end.</param>
/// <param name="MeanScore">Mean score of A over both orders, 0 to 10.</param>
/// <param name="OtherMeanScore">Mean score of B.</param>
/// <param name="FlipRate">Share of pairs in which the orders name different winners.</param>
/// <param name="LongerWins">Share of decided pairs with answers of unequal length that the longer one wins; 0.5 shows no bias.</param>
public sealed record PairLine(
    string Judge, string Model, string Other, string? Language, string? Category, int Count, int Unread, int Wins, int Ties, int Losses, double? WinRate, double? Low, double? High,
    double? MeanScore, double? OtherMeanScore, double? FlipRate, double? LongerWins);

/// <summary>A model's single answers in the eyes of one judge.</summary>
/// <param name="Judge">The judge.</param>
/// <param name="Model">The model.</param>
/// <param name="Language">Language; null for all.</param>
/// <param name="Category">Category; null for all.</param>
/// <param name="Count">Answers.</param>
/// <param name="Unread">Replies that held no score.</param>
/// <param name="Sum">Sum of the scores.</param>
/// <param name="Mean">Mean of the replies that held a score; with compat over all answers, an unread one counting 0.</param>
/// <param name="Low">Lower end of the 95% bootstrap interval of the mean.</param>
/// <param name="High">Upper end.</param>
/// <param name="Percent">Mean as a percentage of the highest score, cut to two decimals as komt's table has it; null when no reply held a score.</param>
/// <param name="Published">Sum that was published; null when none is given.</param>
public sealed record SingleLine(string Judge, string Model, string? Language, string? Category, int Count, int Unread, int Sum, double? Mean, double? Low, double? High, decimal? Percent, string? Published);

/// <summary>How far judges agree.</summary>
/// <param name="Judges">Names; two for κ, all for α.</param>
/// <param name="Items">What was judged by at least two of them: pairs in both orders, or answers.</param>
/// <param name="Kappa">Cohen's κ of two judges: of win, tie and loss, or of scores.</param>
/// <param name="Alpha">Krippendorff's α: nominal for win, tie and loss, interval for scores.</param>
public sealed record AgreementLine(IReadOnlyList<string> Judges, int Items, double? Kappa, double? Alpha);

/// <summary>What a judging came to.</summary>
/// <param name="Form">How it was judged.</param>
/// <param name="Pairs">Of pairwise: by judge and pair, in all, by language and by category.</param>
/// <param name="Singles">Else: by judge and model, likewise.</param>
/// <param name="Agreement">When there are two judges or more.</param>
/// <param name="Unanswered">Judgments without a reply, by reason.</param>
/// <param name="Issues">Rows that were not judged, and files that say something else.</param>
public sealed record JudgeResult(
    JudgeForm Form, IReadOnlyList<PairLine> Pairs, IReadOnlyList<SingleLine> Singles, IReadOnlyList<AgreementLine> Agreement, IReadOnlyDictionary<string, int> Unanswered, IReadOnlyList<JudgeIssue> Issues)
{
    /// <summary>Sums judgments up.</summary>
    public static JudgeResult Of(JudgeRecipe recipe, IReadOnlyList<Judgment> judgments, IReadOnlyList<JudgeIssue> issues)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var unanswered = new SortedDictionary<string, int>(judgments.Where(j => j.Reason is not null).CountBy(j => j.Reason!).ToDictionary(), StringComparer.Ordinal);
        var judges = judgments.Select(j => j.Judge).Distinct(StringComparer.Ordinal).ToList();
        if (recipe.Form != JudgeForm.Pairwise)
        {
            var scores = judgments.Where(j => j.Score is not null).ToLookup(j => (j.Item.Language, j.Item.Question, j.Item.Model), j => (j.Judge, j.Score!.Value));
            return new JudgeResult(recipe.Form, [], SingleLines(recipe, judgments), Agreements(judges, scores, ScaleKind.Interval), unanswered, issues);
        }

        var pairs = Comparisons(recipe, judgments);
        var outcomes = pairs.Where(p => p.Pair.Outcome is not null).ToLookup(p => (p.Language, p.Pair.Question, $"{p.Model}/{p.Other}"), p => (p.Judge, p.Pair.Outcome!.Value));
        return new JudgeResult(recipe.Form, PairLines(recipe, pairs), [], Agreements(judges, outcomes, ScaleKind.Nominal), unanswered, issues);
    }

    private static List<Comparison> Comparisons(JudgeRecipe recipe, IReadOnlyList<Judgment> judgments)
    {
        var models = recipe.Answers.Select(a => a.Model).Distinct(StringComparer.Ordinal).ToList();
        // The baseline is always B; else who comes first in the recipe is A.
        bool IsForward(JudgeItem item) => item.Other == recipe.Baseline || (item.Model != recipe.Baseline && models.IndexOf(item.Model) < models.IndexOf(item.Other!));
        var backward = judgments.Where(j => !IsForward(j.Item)).ToDictionary(j => (j.Judge, j.Item.Language, j.Item.Question, j.Item.Other!, j.Item.Model));
        return [.. judgments.Where(j => IsForward(j.Item)).Select(f => new Comparison(
            f.Judge, f.Item.Model, f.Item.Other!, f.Item.Language, f.Item.Category,
            new JudgedPair(
                f.Item.Question,
                f.Item.Language,
                f.Scores,
                backward.GetValueOrDefault((f.Judge, f.Item.Language, f.Item.Question, f.Item.Model, f.Item.Other!))?.Scores,
                JudgeFiles.Length(f.Item.Answer),
                JudgeFiles.Length(f.Item.OtherAnswer!))))];
    }

    private static List<PairLine> PairLines(JudgeRecipe recipe, List<Comparison> all) =>
        [.. all.GroupBy(c => (c.Judge, c.Model, c.Other)).SelectMany(group => Slices(group, c => c.Language, c => c.Category).Select(slice =>
        {
            var s = PairwiseScores.Of([.. slice.Items.Select(c => c.Pair)], DeterministicRandom.SeedOf($"judge/{recipe.Seed}"));
            return new PairLine(
                group.Key.Judge, group.Key.Model, group.Key.Other, slice.Language, slice.Category, s.Count, s.Unread, s.Wins, s.Ties, s.Losses, Number(s.WinRate),
                s.Interval?.Low, s.Interval?.High, Number(s.MeanA), Number(s.MeanB), Number(s.FlipRate), Number(s.LongerWins));
        }))];

    private static List<SingleLine> SingleLines(JudgeRecipe recipe, IReadOnlyList<Judgment> judgments) =>
        [.. judgments.GroupBy(j => (j.Judge, j.Item.Model)).SelectMany(group => Slices(group, j => j.Item.Language, j => j.Item.Category).Select(slice =>
        {
            var s = SingleScores.Of([.. slice.Items.Select(j => j.Score)]);
            var values = slice.Items.OrderBy(j => j.Item.Key, StringComparer.Ordinal).Select(j => (double?)(j.Score ?? (recipe.Compat ? 0 : null))).OfType<double>().ToArray();
            var interval = values.Length > 0 ? Bootstrap.Interval(values, 1000, DeterministicRandom.SeedOf($"judge/{recipe.Seed}")) : ((double Low, double High)?)null;
            var isAll = slice.Language is null && slice.Category is null;
            return new SingleLine(
                group.Key.Judge, group.Key.Model, slice.Language, slice.Category, s.Count, s.Unread, s.Sum, Number(recipe.Compat ? s.CompatMean : s.Mean), interval?.Low, interval?.High, recipe.Compat ? s.CompatPercent : s.Percent,
                isAll && recipe.Published.TryGetValue(group.Key.Model, out var published) ? published : null);
        }))];

    // In all, then by language, then by category: where there is more than one.
    private static IEnumerable<(string? Language, string? Category, IReadOnlyList<T> Items)> Slices<T>(IEnumerable<T> all, Func<T, string> language, Func<T, string> category)
    {
        var items = all.ToList();
        yield return (null, null, items);
        foreach (var group in Parts(language)) yield return (group.Key, null, group.ToList());
        foreach (var group in Parts(category)) yield return (null, group.Key, group.ToList());

        IEnumerable<IGrouping<string, T>> Parts(Func<T, string> by) =>
            items.GroupBy(by).Where(g => g.Key.Length > 0).OrderBy(g => g.Key, StringComparer.Ordinal).ToList() is { Count: > 1 } groups ? groups : [];
    }

    private static List<AgreementLine> Agreements(List<string> judges, ILookup<(string, string, string), (string Judge, int Value)> items, ScaleKind scale)
    {
        if (judges.Count < 2) return [];
        var shared = items.Where(item => item.Count() > 1).ToList();
        var all = new AgreementLine(judges, shared.Count, null, Number(Domain.Judging.Agreement.Alpha(shared.Select(item => (IReadOnlyList<double>)[.. item.Select(v => (double)v.Value)]), scale)));
        var lines = new List<AgreementLine> { all };
        for (var a = 0; a < judges.Count; a++)
        {
            for (var b = a + 1; b < judges.Count; b++)
            {
                var both = shared.Select(item => item.ToDictionary(v => v.Judge, v => v.Value)).Where(v => v.ContainsKey(judges[a]) && v.ContainsKey(judges[b])).ToList();
                if (both.Count == 0) continue;
                var classes = both.SelectMany(v => new[] { v[judges[a]], v[judges[b]] }).Distinct().Order().ToList();
                var kappa = Number(new Classification([.. both.Select(v => classes.IndexOf(v[judges[a]]))], [.. both.Select(v => classes.IndexOf(v[judges[b]]))], classes.Count).Kappa);
                if (judges.Count == 2) lines[0] = all with { Kappa = kappa };
                else lines.Add(new AgreementLine([judges[a], judges[b]], both.Count, kappa, null));
            }
        }

        return lines;
    }

    private static double? Number(double value) => double.IsFinite(value) ? value : null;

    private sealed record Comparison(string Judge, string Model, string Other, string Language, string Category, JudgedPair Pair);
}
