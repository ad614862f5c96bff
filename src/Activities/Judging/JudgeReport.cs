using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using XInstruct.Activities.Exports;
using XInstruct.Activities.Pages;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Judging;

/// <summary>Writes what a judging came to: the judged rows under the published names of their columns, tables, and a page.</summary>
internal static class JudgeReport
{
    private const int Examples = 12;
    private const int ExampleLength = 600;

    public static async Task WriteAsync(JudgeRecipe recipe, JudgeResult result, IReadOnlyList<Judgment> judgments, string job, string folder, CancellationToken ct)
    {
        foreach (var group in judgments.Where(j => recipe.Judges.Any(judge => judge.Name == j.Judge)).GroupBy(j => j.Judge))
        {
            var lines = group.Select(j => JsonSerializer.Serialize<object>(recipe.Form == JudgeForm.Pairwise ? PairRow.Of(j) : SingleRow.Of(j, recipe.Compat), EventJson.Options) + "\n");
            await File.WriteAllTextAsync(Path.Combine(folder, $"judgments.{group.Key}.jsonl"), string.Concat(lines), ct);
        }

        await File.WriteAllTextAsync(Path.Combine(folder, "results.json"), JsonSerializer.Serialize(result, EventJson.Indented), ct);
        await File.WriteAllTextAsync(Path.Combine(folder, "leaderboard.csv"), string.Concat(Csv(result).Select(CsvWriter.Line)), ct);
        var page = Page(recipe, result, judgments, job);
        await File.WriteAllTextAsync(Path.Combine(folder, "report.md"), MarkdownPage.Render(page), ct);
        await File.WriteAllTextAsync(Path.Combine(folder, "report.html"), HtmlPage.Render(page), ct);
    }

    private static PageContent Page(JudgeRecipe recipe, JudgeResult result, IReadOnlyList<Judgment> judgments, string job)
    {
        var isPairwise = recipe.Form == JudgeForm.Pairwise;
        var models = judgments.SelectMany(j => new[] { j.Item.Model, j.Item.Other }).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        var judges = judgments.Select(j => j.Judge).Distinct(StringComparer.Ordinal).ToList();
        var unread = judgments.Count(j => j.Score is null);
        return new PageContent(
            "judging",
            recipe.Name,
            [("job", job), ("form", recipe.Form.ToString().ToLowerInvariant())],
            [
                ("models", N(models.Count)), ("judges", N(judges.Count)), ("questions", N(judgments.Select(j => (j.Item.Language, j.Item.Question)).Distinct().Count())), ("judgments", N(judgments.Count)),
                ("without a score", N(unread)), ("not judged", N(result.Issues.Count)),
            ],
            [.. ((PageSection?[])[isPairwise ? PairSection(result) : SingleSection(recipe, result), Slices(result), Agreement(result), Published(recipe, result), Worst(judgments), Unanswered(result), Issues(result)]).OfType<PageSection>()])
        {
            Script = "judging.js",
            Data = new { Pairs = result.Pairs.Where(p => p.Language is null && p.Category is null), Singles = result.Singles.Where(s => s.Language is null && s.Category is null) },
        };
    }

    private static PageSection PairSection(JudgeResult result) => new(
        "pairs", "Pairs", "Each pair of answers is judged in both orders; an answer wins when the sum of its two scores is higher. The win rate counts half of the ties; its interval is a bootstrap over questions, 95%. Where the orders name different winners, the judge went by the place; of answers of unequal length, a fair judge names the longer one in about half.")
    {
        Charts = [("pairs", "Win rates with their intervals")],
        Tables = [PairPart(result, null, p => p.Language is null && p.Category is null ? "" : null)],
    };

    private static PageSection SingleSection(JudgeRecipe recipe, JudgeResult result) => new(
        "scores", "Scores", recipe.Compat ? "Replies are read as komt's published table reads them: the whole reply must be the score, and a reply that is not counts 0. Intervals are a bootstrap over questions, 95%." : "Means of the replies that hold a score; replies without one are counted and never a 0. Intervals are a bootstrap over questions, 95%.")
    {
        Charts = [("scores", "Mean scores with their intervals")],
        Tables = [SinglePart(result, null, s => s.Language is null && s.Category is null ? "" : null)],
    };

    private static PageSection? Slices(JudgeResult result)
    {
        var tables = result.Form == JudgeForm.Pairwise
            ? new[] { PairPart(result, "language", p => p.Language), PairPart(result, "category", p => p.Category) }
            : [SinglePart(result, "language", s => s.Language), SinglePart(result, "category", s => s.Category)];
        return tables.All(t => t.Rows.Count == 0) ? null : new PageSection("slices", "By language and category", "The fewer the questions, the wider the interval.") { Tables = tables };
    }

    private static PageSection? Agreement(JudgeResult result) => result.Agreement.Count == 0 ? null : new PageSection(
        "agreement", "Agreement of the judges", "Krippendorff's α of all and Cohen's κ of two: 1 is full agreement, 0 what chance gives.")
    {
        Tables = [new(["judges", "#judged by both", "#κ", "#α"], [.. result.Agreement.Select(a => (IReadOnlyList<string>)[string.Join(", ", a.Judges), N(a.Items), F(a.Kappa), F(a.Alpha)])])],
    };

    private static PageSection? Published(JudgeRecipe recipe, JudgeResult result)
    {
        if (recipe.Published.Count == 0) return null;
        var rows = recipe.Published.Select(p => (p.Key, p.Value, Line: result.Singles.FirstOrDefault(s => s.Model == p.Key && s.Language is null && s.Category is null)));
        return new PageSection("published", "Beside what was published", "Sums as the files give them. A difference is an error of the one or the other.")
        {
            Tables = [new(["model", "#published", "#its file gives", "difference"], [.. rows.Select(r => (IReadOnlyList<string>)
                [r.Key, r.Value, r.Line is { } line ? N(line.Sum) : "", r.Line is null ? "no such file" : r.Line.Sum.ToString(CultureInfo.InvariantCulture) == r.Value ? "" : "they differ"])])],
        };
    }

    private static PageSection? Worst(IReadOnlyList<Judgment> judgments)
    {
        var worst = judgments.Where(j => j.Score is not null && j.Item.Answer.Length > 0).OrderBy(j => j.Score - (j.OtherScore ?? 0)).ThenBy(j => j.Item.Key, StringComparer.Ordinal).Take(Examples).ToList();
        return worst.Count == 0 ? null : new PageSection("worst", "Answers that fared worst", "What the judge said of them; judgments.*.jsonl has all.")
        {
            Tables = [new(["model", "question", "answer", "#score", "said"], [.. worst.Select(j => (IReadOnlyList<string>)
                [j.Item.Other is { } other ? $"{j.Item.Model} against {other}" : j.Item.Model, Cut(j.Item.Text), Cut(j.Item.Answer), j.OtherScore is { } second ? $"{j.Score} : {second}" : $"{j.Score}", Cut(j.Reply ?? "")])])],
        };
    }

    private static PageSection? Unanswered(JudgeResult result) => result.Unanswered.Count == 0 ? null : new PageSection("unanswered", "Judgments without a reply", "By reason; they count nowhere else.")
    {
        Tables = [new(["reason", "#judgments"], [.. result.Unanswered.Select(u => (IReadOnlyList<string>)[u.Key, N(u.Value)])])],
    };

    private static PageSection? Issues(JudgeResult result) => result.Issues.Count == 0 ? null : new PageSection("issues", "Rows that were not judged", "And rows that say something else than was counted; results.json has them too.")
    {
        Tables = [new(["file", "#row", "question", "problem"], [.. result.Issues.Select(i => (IReadOnlyList<string>)[i.File, i.Row is { } row ? N(row) : "", i.Id ?? "", i.Problem])])],
    };

    // The tables of the page: narrower than the CSV, which has each number in a column of its own.
    private static PageTable PairPart(JudgeResult result, string? by, Func<PairLine, string?> part) => new(
        [.. new[] { by, "judge", "model", "other", "#pairs", "#unread", "#won", "#tied", "#lost", "#win rate", "#score", "#other", "#flips", "#longer wins" }.OfType<string>()],
        [.. result.Pairs.Where(p => part(p) is not null).OrderBy(part, StringComparer.Ordinal).ThenBy(p => p.Judge, StringComparer.Ordinal).ThenByDescending(p => p.WinRate).Select(p => (IReadOnlyList<string>)
        [
            .. by is null ? Array.Empty<string>() : [part(p)!], p.Judge, p.Model, p.Other, N(p.Count), N(p.Unread), N(p.Wins), N(p.Ties), N(p.Losses), Interval(p.WinRate, p.Low, p.High), F(p.MeanScore, "0.00"),
            F(p.OtherMeanScore, "0.00"), F(p.FlipRate, "0.00"), F(p.LongerWins, "0.00"),
        ])]);

    private static PageTable SinglePart(JudgeResult result, string? by, Func<SingleLine, string?> part) => new(
        [.. new[] { by, "judge", "model", "#answers", "#unread", "#sum", "#mean", "#percent" }.OfType<string>()],
        [.. result.Singles.Where(s => part(s) is not null).OrderBy(part, StringComparer.Ordinal).ThenBy(s => s.Judge, StringComparer.Ordinal).ThenByDescending(s => s.Percent).ThenBy(s => s.Model, StringComparer.Ordinal).Select(s => (IReadOnlyList<string>)
            [.. by is null ? Array.Empty<string>() : [part(s)!], s.Judge, s.Model, N(s.Count), N(s.Unread), N(s.Sum), Interval(s.Mean, s.Low, s.High), Percent(s)])]);

    private static IEnumerable<IReadOnlyList<string>> Csv(JudgeResult result) => result.Form == JudgeForm.Pairwise
        ? result.Pairs.Select(p => (IReadOnlyList<string>)
        [
            p.Judge, p.Model, p.Other, p.Language ?? "", p.Category ?? "", N(p.Count), N(p.Unread), N(p.Wins), N(p.Ties), N(p.Losses), F(p.WinRate), F(p.Low), F(p.High), F(p.MeanScore), F(p.OtherMeanScore),
            F(p.FlipRate), F(p.LongerWins),
        ]).Prepend(["judge", "model", "other", "language", "category", "pairs", "unread", "wins", "ties", "losses", "win_rate", "low", "high", "score", "other_score", "flips", "longer_wins"])
        : result.Singles.Select(s => (IReadOnlyList<string>)
            [s.Judge, s.Model, s.Language ?? "", s.Category ?? "", N(s.Count), N(s.Unread), N(s.Sum), F(s.Mean), F(s.Low), F(s.High), Percent(s)])
            .Prepend(["judge", "model", "language", "category", "answers", "unread", "sum", "mean", "low", "high", "percent"]);

    private static string Interval(double? mean, double? low, double? high) => low is null ? F(mean, "0.00") : $"{F(mean, "0.00")} [{F(low, "0.00")}, {F(high, "0.00")}]";

    private static string Percent(SingleLine line) => line.Percent?.ToString("0.00", CultureInfo.InvariantCulture) ?? "";

    private static string N(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string F(double? number, string format = "0.000") => number?.ToString(format, CultureInfo.InvariantCulture) ?? "";

    private static string Cut(string text) => text.Length <= ExampleLength ? text : text[..(char.IsHighSurrogate(text[ExampleLength - 1]) ? ExampleLength - 1 : ExampleLength)] + " …";

    /// <summary>A judged pair with the published columns first.</summary>
    private sealed record PairRow(
        [property: JsonPropertyName("question_id")] string QuestionId,
        string Category,
        [property: JsonPropertyName("score_1")] int? Score1,
        [property: JsonPropertyName("score_2")] int? Score2,
        [property: JsonPropertyName("gpt4_eval")] string? Eval,
        string Answer1,
        string Answer2,
        string Language,
        string Model1,
        string Model2,
        string? Reason)
    {
        public static PairRow Of(Judgment j) =>
            new(j.Item.Question, j.Item.Category, j.Score, j.OtherScore, j.Reply, j.Item.Answer, j.Item.OtherAnswer!, j.Item.Language, j.Item.Model, j.Item.Other!, j.Reason);
    }

    /// <summary>A judged answer with the published columns first.</summary>
    private sealed record SingleRow(string Id, string Instruction, string Answer, string? Chatgpt, int? Score, string Category, string Language, string Model, string? Reason)
    {
        public static SingleRow Of(Judgment j, bool isCompat) =>
            new(j.Item.Question, j.Item.Text, j.Item.Answer, j.Reply, isCompat ? j.Score ?? 0 : j.Score, j.Item.Category, j.Item.Language, j.Item.Model, j.Reason);
    }
}
