using System.Globalization;
using XInstruct.Activities.Pages;
using XInstruct.Domain.Probing;
using XInstruct.Domain.Recipes;
using static XInstruct.Activities.Pages.PageText;

namespace XInstruct.Activities.Probing;

/// <summary>The report of a probe.</summary>
internal static class ProbeReport
{
    private const int MostColumns = 14, MostPoints = 150;

    private static readonly IReadOnlyList<(string Name, Func<LensLayer, LensMean?> Of)> Measures =
        [("right, English", l => l.GoldEnglish), ("right, own", l => l.GoldLocal), ("any, English", l => l.AllEnglish), ("any, own", l => l.AllLocal), ("entropy (bits)", l => l.Entropy)];

    public static PageContent Page(ProbeRecipe recipe, ProbeResult result, string job, string settings, IReadOnlyList<(string Role, string Sha256)> inputs)
    {
        var languages = result.Curves.Select(c => c.Language).Concat(result.Components.SelectMany(c => c.Points.Select(p => p.Language))).Distinct(StringComparer.Ordinal).ToList();
        return new PageContent(
            "probe",
            recipe.Name,
            [("job", job)],
            [
                ("models", Count(recipe.Models.Count)), ("tasks", Count(recipe.Tasks.Count)), ("languages", Count(languages.Count)), ("items under the lens", Count(result.Curves.Sum(c => c.Used))),
                ("dropped", Count(result.Curves.Sum(c => c.WithoutIds + c.SharedIds))), ("not asked", Count(result.Curves.Sum(c => c.Unread))),
            ],
            [.. ((PageSection?[])[Lens(result), Dropped(result), Pearson(result), Components(result), Reproduce(settings, inputs)]).OfType<PageSection>()])
        {
            Lead = Lead(result),
            Script = "probing.js",
            Data = new
            {
                Curves = result.Curves.Where(c => c.Used > 0),
                Pairs = result.Pairs.Select(p => new { p.Model, p.Task, Pair = Title(p.Pair), p.Layer, p.R }),
                Components = result.Components.Select(c => new
                {
                    c.Model,
                    c.Task,
                    c.Layer,
                    c.Explained,
                    Languages = c.Points.GroupBy(p => p.Language, StringComparer.Ordinal).Select(g => new { Language = g.Key, Points = g.Take(MostPoints).Select(p => new[] { p.X, p.Y, p.Row }) }),
                }),
            },
        };
    }

    // What a reader wants to know first: does the model think in English?
    private static string? Lead(ProbeResult result)
    {
        var told = new List<string>();
        foreach (var model in result.Curves.Where(c => c.Layers.Count > 0 && c.Layers[0].AllLocal is not null).GroupBy(c => c.Model, StringComparer.Ordinal))
        {
            var layers = Enumerable.Range(0, model.First().Layers.Count).ToList();
            var english = layers.Where(i => model.Average(c => c.Layers[i].AllEnglish!.Mean) > model.Average(c => c.Layers[i].AllLocal!.Mean)).ToList();
            told.Add(FormattableString.Invariant($"Asked in other languages, {model.Key} finds English labels likelier than the language's own in {english.Count} of its {layers.Count} layers{(english.Count is 0 || english.Count == layers.Count ? "" : $" ({string.Join(", ", english.Select(i => Count(i + 1)))})")}."));
        }

        foreach (var model in result.Pairs.Where(p => p.R is not null).GroupBy(p => p.Model, StringComparer.Ordinal))
        {
            var best = model.GroupBy(p => p.Layer).Select(g => (Layer: g.Key, R: g.Average(p => p.R!.Value))).MaxBy(l => l.R);
            told.Add(FormattableString.Invariant($"Parallel texts lie most alike in {Named(best.Layer)} of {model.Key} (mean r {best.R:F2})."));
        }

        return told.Count == 0 ? null : string.Join(" ", told);
    }

    private static PageSection? Lens(ProbeResult result) => result.Curves.Count == 0 ? null : new(
        "lens", "Logit lens", "What each layer would say next, were it the last: the probability that the next token begins the right label, or any label, in English and in the question's language, as a mean over items with its 95% interval (1.96 standard errors). The strip below is the entropy of all that could come next: the stronger its colour, the less decided. Of English questions, and where labels are the English ones, these alone are shown.")
    {
        Charts = [("lens", "Probability of the labels in English and in the question's language, layer by layer")],
        Tables = [.. result.Curves.Where(c => c.Used > 0).GroupBy(c => (c.Model, c.Task)).Select(group =>
        {
            var layers = Picked([.. group.First().Layers.Select(l => l.Layer)]);
            return new PageTable(
                [$"{group.Key.Model}, {group.Key.Task}", "probability of", .. layers.Select(l => $"#layer {l}")],
                [.. group.SelectMany(c => Measures.Where(m => m.Of(c.Layers[0]) is not null).Select(m => (IReadOnlyList<string>)
                    [c.Language, m.Name, .. layers.Select(l => m.Of(c.Layers[l - 1])!.Mean.ToString("G3", CultureInfo.InvariantCulture))]))]);
        })],
    };

    private static PageSection? Dropped(ProbeResult result) => result.Curves.Count == 0 ? null : new(
        "items", "Items under the lens", "An item is dropped where no token of the vocabulary begins its label in one of the languages, or where a token begins the label in both: such a token cannot tell them apart. Not asked are rows that are no question or too long for the model. Tokens of two labels begin two of all labels, in one language or both: what is said of any label, or of one of these, is no sharper than that.")
    {
        Tables = [new(["model", "task", "language", "#items", "#used", "#dropped: no token", "#dropped: shared token", "#not asked", "#tokens of two labels"], [.. result.Curves.Select(c => (IReadOnlyList<string>)
            [c.Model, c.Task, c.Language, Count(c.Items), Count(c.Used), Count(c.WithoutIds), Count(c.SharedIds), Count(c.Unread), Count(c.Ambiguous)])])],
    };

    private static PageSection? Pearson(ProbeResult result) => result.Pairs.Count == 0 ? null : new(
        "pairs", "Parallel texts", "Pearson's r between the places of parallel rows in two languages along the first principal component of a layer's states, which is fitted to all languages together. 1: the layer orders the same texts alike in both languages. Layer 0 is the embedding.")
    {
        Charts = [("pairs", "Correlation of parallel rows, layer by layer")],
        Tables = [.. result.Pairs.GroupBy(p => (p.Model, p.Task)).Select(group =>
        {
            var layers = Picked([.. group.Select(p => p.Layer).Distinct()]);
            return new PageTable(
                [$"{group.Key.Model}, {group.Key.Task}", "#rows", .. layers.Select(l => $"#{Named(l)}")],
                [.. group.GroupBy(p => p.Pair).Select(p => (IReadOnlyList<string>)[Title(p.Key), Count(p.First().Rows), .. layers.Select(l => p.First(x => x.Layer == l).R?.ToString("F3", CultureInfo.InvariantCulture) ?? "–")])]);
        })],
    };

    private static PageSection? Components(ProbeResult result) => result.Components.Count == 0 ? null : new(
        "components", "Principal components", FormattableString.Invariant($"Each text is the mean of a layer's states over its tokens, in the plane in which the texts of all languages vary most; languages that part here the layer keeps apart. At most {MostPoints} texts a language are drawn; pca.csv has all."))
    {
        Charts = [("components", "Texts in the plane of the first two components of each layer, by language")],
        Tables = [new(["model", "task", "layer", "#texts", "#first component", "#second component"], [.. result.Components.Where(c => c.Explained.Count > 0).Select(c => (IReadOnlyList<string>)
            [c.Model, c.Task, Named(c.Layer), Count(c.Points.Count), Percent(c.Explained[0]), Percent(c.Explained[1])])])],
    };

    private static PageSection Reproduce(string settings, IReadOnlyList<(string Role, string Sha256)> inputs) => new(
        "reproduce", "How to reproduce", "The same recipe over the same inputs gives the same bytes on one kind of machine. All numbers are in lens.csv, pearson.csv, pca.csv and results.json.")
    {
        Listings = [("Command", "xinstruct probe RECIPE.yaml"), ("Settings; paths are told by what the inputs hold", settings)],
        Tables = [new PageTable(["input", "sha256"], [.. inputs.Select(i => (IReadOnlyList<string>)[i.Role, i.Sha256])]) { IsLong = true }],
    };

    // Of a deep model's layers some that are as far apart, with the first and the last.
    private static IReadOnlyList<int> Picked(IReadOnlyList<int> layers) =>
        layers.Count <= MostColumns ? layers : [.. Enumerable.Range(0, MostColumns).Select(i => layers[(int)Math.Round(i * (layers.Count - 1.0) / (MostColumns - 1))])];

    private static string Named(int layer) => layer == 0 ? "embedding" : FormattableString.Invariant($"layer {layer}");

    private static string Title(LanguagePair pair) => $"{pair.First}–{pair.Second}";
}
