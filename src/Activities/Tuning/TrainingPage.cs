using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using XInstruct.Domain.Texts;
using XInstruct.Training.Tuning;

namespace XInstruct.Activities.Tuning;

/// <summary>
/// The report of a training as one HTML page that needs nothing else: pictures are SVG, there is no script, and its policy allows the style in it by
/// its hash and nothing from anywhere. It is light or dark as the reader's system is.
/// </summary>
internal static class TrainingPage
{
    private const int Width = 960, Height = 300, Left = 64, Right = 16, Top = 16, Bottom = 34, MostPoints = 1000;

    private const string Style = """

        :root { color-scheme: light dark; --paper: #fbfaf7; --card: #ffffff; --ink: #1d2330; --soft: #5c6475; --line: #e2e0d8; --accent: #1f6f8b; --second: #b4562c; }
        @media (prefers-color-scheme: dark) { :root { --paper: #14171d; --card: #1c2028; --ink: #e7e9ee; --soft: #9aa3b3; --line: #2e3440; --accent: #63b7d4; --second: #e3946b; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 1080px; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
        h1 { margin: 0 0 .3rem; font-size: 2rem; line-height: 1.2; overflow-wrap: anywhere; }
        h2 { margin: 0 0 .5rem; font-size: 1.25rem; }
        header p { margin: .1rem 0; color: var(--soft); }
        .kind { font-size: .8rem; letter-spacing: .09em; text-transform: uppercase; }
        code { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .85em; overflow-wrap: anywhere; }
        dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: .75rem; margin: 1.5rem 0 1rem; }
        dl div { padding: .8rem .9rem; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
        dt { color: var(--soft); font-size: .8rem; }
        dd { margin: .1rem 0 0; font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums; }
        section { margin: 0 0 1.25rem; padding: 1.25rem 1.4rem 1.4rem; border: 1px solid var(--line); border-radius: 12px; background: var(--card); }
        svg { width: 100%; height: auto; }
        svg text { fill: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums; }
        .grid { stroke: var(--line); stroke-width: 1; }
        .raw { fill: none; stroke: var(--accent); stroke-width: 1; opacity: .3; }
        .smooth { fill: none; stroke: var(--accent); stroke-width: 2; }
        .held { fill: none; stroke: var(--second); stroke-width: 2; }
        .dot { fill: var(--second); }
        .key { display: inline-block; margin-right: 1.2rem; color: var(--soft); font-size: .9rem; }
        .key b { color: var(--accent); } .key b.h { color: var(--second); }

        """;

    /// <summary>The page.</summary>
    public static string Render(TrainingCard card, IReadOnlyList<StepMetrics> metrics)
    {
        var style = Style.ReplaceLineEndings("\n");
        var hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(style)));
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{hash}'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="referrer" content="no-referrer">
            <title>{Encode(card.Training)}</title>
            <style>{style}</style>
            </head>
            <body>
            <header><p class="kind">training</p><h1>{Encode(card.Training)}</h1><p>{Encode(card.Method)}</p>
            <p>model <code>{card.Model.Model}</code></p><p>started from <code>{card.Model.Base}</code></p>

            """);
        if (card.Release is { } release) page.Append(CultureInfo.InvariantCulture, $"<p>release.sha256 <code>{Encode(release)}</code></p>\n");
        page.Append("</header>\n<dl>");
        foreach (var (name, value) in Figures(card, metrics)) page.Append(CultureInfo.InvariantCulture, $"<div><dt>{name}</dt><dd>{value}</dd></div>");
        page.Append("</dl>\n<main>\n");
        var held = metrics.Where(m => m.EvaluationLoss is not null).Select(m => (m.Step, m.EvaluationLoss!.Value)).ToList();
        Section(page, "Loss", "each step, smoothed, and on the rows held out", [("raw", Points(metrics, m => m.Loss)), ("smooth", Smooth(metrics)), ("held", held)], held.Count > 0);
        Section(page, "Learning rate", "", [("smooth", Points(metrics, m => m.LearningRate))], false);
        Section(page, "Gradient norm", "before clipping", [("raw", Points([.. metrics.Where(m => m.GradientNorm is not null)], m => m.GradientNorm!.Value))], false);
        if (metrics.Any(m => m.Measures?.ContainsKey("accuracy") == true))
            Section(page, "Accuracy", "share of pairs whose preferred completion has the higher reward, a step", [("raw", Points([.. metrics.Where(m => m.Measures is not null)], m => m.Measures!["accuracy"]))], false);
        return page.Append("</main>\n</body>\n</html>\n").ToString();
    }

    private static IEnumerable<(string Name, string Value)> Figures(TrainingCard card, IReadOnlyList<StepMetrics> metrics)
    {
        var seconds = metrics.Count > 0 ? metrics[^1].Seconds : 0;
        yield return ("steps", N($"{card.Model.Steps:N0}"));
        yield return ("tokens", N($"{card.Model.Tokens:N0}"));
        yield return ("loss, last tenth", N($"{card.Model.Loss:F4}"));
        if (card.Model.EvaluationLoss is { } held) yield return ("loss held out", N($"{held:F4}"));
        if (card.Model.BestStep is { } best) yield return (card.Model.StoppedEarly ? "best step, stopped early" : "best step", N($"{best:N0}"));
        yield return ("tokens/s in steps", N($"{(seconds > 0 ? card.Model.Tokens / seconds : 0):N0}"));
        yield return ("time in steps", TimeSpan.FromSeconds(seconds).ToString(@"hh\:mm\:ss", CultureInfo.InvariantCulture));
        yield return ("most memory", N($"{(metrics.Count > 0 ? metrics.Max(m => m.MemoryBytes) : 0) / 1048576:N0} MiB"));

        static string N(FormattableString number) => FormattableString.Invariant(number);
    }

    private static void Section(StringBuilder page, string title, string note, IReadOnlyList<(string Kind, List<(int Step, double Value)> Points)> lines, bool hasHeldOut)
    {
        var all = lines.SelectMany(line => line.Points).ToList();
        if (all.Count == 0) return;
        var (low, high) = (all.Min(p => p.Value), all.Max(p => p.Value));
        if (high - low < 1e-12) (low, high) = (low - Math.Max(1e-9, Math.Abs(low) / 10), high + Math.Max(1e-9, Math.Abs(high) / 10));
        var last = Math.Max(2, all.Max(p => p.Step));
        double X(int step) => Left + ((Width - Left - Right) * (step - 1.0) / (last - 1));
        double Y(double value) => Top + ((Height - Top - Bottom) * (high - value) / (high - low));
        page.Append(CultureInfo.InvariantCulture, $"<section><h2>{title}</h2><svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{title} by step: {note}\">");
        for (var i = 0; i <= 4; i++)
        {
            var value = low + ((high - low) * i / 4);
            page.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(value):F1}\" y2=\"{Y(value):F1}\"/><text x=\"{Left - 8}\" y=\"{Y(value) + 4:F1}\" text-anchor=\"end\">{value:G3}</text>");
            var step = 1 + (int)Math.Round((last - 1) * i / 4.0);
            page.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(step):F1}\" y=\"{Height - 10}\" text-anchor=\"{(i == 0 ? "start" : i == 4 ? "end" : "middle")}\">{step:N0}</text>");
        }

        foreach (var (kind, points) in lines.Where(line => line.Points.Count > 0))
        {
            page.Append(CultureInfo.InvariantCulture, $"<polyline class=\"{kind}\" points=\"").AppendJoin(' ', points.Select(p => string.Create(CultureInfo.InvariantCulture, $"{X(p.Step):F1},{Y(p.Value):F1}"))).Append("\"/>");
            if (kind == "held") foreach (var (step, value) in points) page.Append(CultureInfo.InvariantCulture, $"<circle class=\"dot\" cx=\"{X(step):F1}\" cy=\"{Y(value):F1}\" r=\"3\"/>");
        }

        page.Append("</svg>");
        if (note.Length > 0) page.Append(CultureInfo.InvariantCulture, $"<p><span class=\"key\"><b>━</b> {(hasHeldOut ? "training" : note)}</span>{(hasHeldOut ? "<span class=\"key\"><b class=\"h\">━</b> held out</span>" : "")}</p>");
        page.Append("</section>\n");
    }

    /// <summary>As many points as a picture can show.</summary>
    private static List<(int Step, double Value)> Points(IReadOnlyList<StepMetrics> metrics, Func<StepMetrics, double> value)
    {
        var every = Math.Max(1, metrics.Count / MostPoints);
        return [.. metrics.Where((_, i) => i % every == 0 || i == metrics.Count - 1).Select(m => (m.Step, value(m)))];
    }

    private static List<(int Step, double Value)> Smooth(IReadOnlyList<StepMetrics> metrics)
    {
        // Exponential, over about a twentieth of the steps, without the pull towards 0 of its start.
        var keep = Math.Exp(-1 / Math.Max(1.0, metrics.Count / 20.0));
        var (sum, weight) = (0.0, 0.0);
        var values = new Dictionary<int, double>();
        foreach (var m in metrics)
        {
            (sum, weight) = ((sum * keep) + (m.Loss * (1 - keep)), (weight * keep) + (1 - keep));
            values[m.Step] = sum / weight;
        }

        return Points(metrics, m => values[m.Step]);
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(DisplayText.Clean(text));
}
