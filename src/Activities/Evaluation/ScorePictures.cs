using System.Globalization;
using System.Text;
using XInstruct.Activities.Pages;
using XInstruct.Domain.Evaluation;

namespace XInstruct.Activities.Evaluation;

/// <summary>The report's pictures as SVG: colours are classes, so that they follow the page's theme.</summary>
internal static class ScorePictures
{
    /// <summary>Their rules.</summary>
    public static readonly string Style = Rules();

    private const int Label = 92, Row = 30, Line = 15;

    /// <summary>Cells with texts in shades.</summary>
    /// <param name="rows">Names of the rows.</param>
    /// <param name="columns">Names of the columns.</param>
    /// <param name="cell">Text and shade from 0 to 1, or −1 to 1 where it is signed; null for none.</param>
    /// <param name="isSigned">Whether shades are of two colours.</param>
    public static string Heat(IReadOnlyList<string> rows, IReadOnlyList<string> columns, Func<int, int, (string Text, double Shade)?> cell, bool isSigned = false)
    {
        var width = Math.Clamp((960 - Label) / columns.Count, 60, 132);
        var names = columns.Select(column => Lines(column, width / 7)).ToList();
        var head = 14 + (names.Max(lines => lines.Count) * Line);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg class=\"heat\" viewBox=\"0 0 {Label + (columns.Count * width)} {head + (rows.Count * Row)}\" width=\"{Label + (columns.Count * width)}\" role=\"img\">");
        for (var c = 0; c < columns.Count; c++)
        {
            var lines = names[c];
            for (var l = 0; l < lines.Count; l++) svg.Append(CultureInfo.InvariantCulture, $"<text class=\"name\" x=\"{Label + (c * width) + (width / 2)}\" y=\"{head - 10 - ((lines.Count - 1 - l) * Line)}\" text-anchor=\"middle\">{HtmlPage.Encode(lines[l])}</text>");
        }

        for (var r = 0; r < rows.Count; r++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"name\" x=\"{Label - 10}\" y=\"{head + (r * Row) + 20}\" text-anchor=\"end\">{HtmlPage.Encode(rows[r])}</text>");
            for (var c = 0; c < columns.Count; c++)
            {
                if (cell(r, c) is not var (text, shade)) continue;
                var step = (int)Math.Round(Math.Clamp(Math.Abs(shade), 0, 1) * 8);
                var colour = isSigned && shade < 0 ? "w" : "h";
                svg.Append(CultureInfo.InvariantCulture, $"<g class=\"{colour}{step}\"><rect x=\"{Label + (c * width) + 1}\" y=\"{head + (r * Row) + 1}\" width=\"{width - 2}\" height=\"{Row - 2}\" rx=\"4\"/><text x=\"{Label + (c * width) + (width / 2)}\" y=\"{head + (r * Row) + 20}\" text-anchor=\"middle\">{HtmlPage.Encode(text)}</text></g>");
            }
        }

        return svg.Append("</svg>").ToString();
    }

    /// <summary>Differences as points with intervals on a line each, around zero.</summary>
    public static string Whiskers(IReadOnlyList<(string Name, Estimate Difference)> rows)
    {
        const int width = 960, right = 70;
        var ends = rows.SelectMany(row => new[] { row.Difference.Interval.Low, row.Difference.Interval.High, row.Difference.Score }).Where(double.IsFinite).Append(0).ToList();
        var (low, high) = (ends.Min(), ends.Max());
        if (high - low < 1e-9) (low, high) = (-1, 1);
        var margin = (high - low) * 0.05;
        (low, high) = (low - margin, high + margin);
        double X(double value) => Label + ((width - Label - right) * (value - low) / (high - low));
        var svg = new StringBuilder();
        var height = (rows.Count * 26) + 34;
        svg.Append(CultureInfo.InvariantCulture, $"<svg class=\"lines\" viewBox=\"0 0 {width} {height}\" role=\"img\">");
        foreach (var tick in Ticks(low, high))
        {
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"{(tick == 0 ? "zero" : "grid")}\" x1=\"{X(tick):F1}\" x2=\"{X(tick):F1}\" y1=\"4\" y2=\"{height - 26}\"/><text class=\"name\" x=\"{X(tick):F1}\" y=\"{height - 8}\" text-anchor=\"middle\">{tick:+0.##;−0.##;0}</text>");
        }

        for (var r = 0; r < rows.Count; r++)
        {
            var (name, d) = rows[r];
            var y = 17 + (r * 26);
            var kind = d.Interval.Low > 0 ? "up" : d.Interval.High < 0 ? "down" : "open";
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"name\" x=\"{Label - 10}\" y=\"{y + 4}\" text-anchor=\"end\">{HtmlPage.Encode(name)}</text><g class=\"{kind}\"><line x1=\"{X(d.Interval.Low):F1}\" x2=\"{X(d.Interval.High):F1}\" y1=\"{y}\" y2=\"{y}\"/><circle cx=\"{X(d.Score):F1}\" cy=\"{y}\" r=\"5\"/></g><text class=\"value\" x=\"{width - 4}\" y=\"{y + 4}\" text-anchor=\"end\">{d.Score:+0.0;−0.0;0.0}</text>");
        }

        return svg.Append("</svg>").ToString();
    }

    private static IEnumerable<double> Ticks(double low, double high)
    {
        var raw = (high - low) / 6;
        var power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        var step = power * (raw / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 };
        for (var k = Math.Ceiling(low / step); k * step <= high; k++) yield return Math.Round(k * step, 10) + 0.0;
    }

    private static List<string> Lines(string text, int longest)
    {
        var lines = new List<string>();
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (lines.Count > 0 && lines[^1].Length + word.Length < longest) lines[^1] += " " + word;
            else lines.Add(word);
        }

        return lines.Count <= 5 ? lines : [.. lines.Take(4), "…"];
    }

    private static string Rules()
    {
        var style = new StringBuilder("""

            .picture { margin: 0 0 1.2rem; overflow-x: auto; }
            .picture svg { max-width: 100%; height: auto; }
            .picture svg.lines { width: 100%; }
            .picture text { font-size: 13px; font-variant-numeric: tabular-nums; fill: var(--ink); }
            .picture text.name { fill: var(--soft); }
            .lines .grid { stroke: var(--line); }
            .lines .zero { stroke: var(--soft); }
            .lines g line { stroke-width: 3; stroke-linecap: round; }
            .up line { stroke: var(--accent); } .up circle { fill: var(--accent); }
            .down line { stroke: #c2602f; } .down circle { fill: #c2602f; }
            .open line { stroke: var(--mute); } .open circle { fill: var(--soft); }

            """);
        for (var step = 0; step <= 8; step++)
        {
            foreach (var (name, colour) in (ReadOnlySpan<(string, string)>)[("h", "var(--accent)"), ("w", "#c2602f")])
                style.Append(CultureInfo.InvariantCulture, $".{name}{step} rect {{ fill: color-mix(in srgb, {colour} {4 + (step * 9)}%, var(--card)); }}\n");
        }

        // On a dark ground the full colour is light.
        return style.Append(".picture .h7 text, .picture .h8 text { fill: var(--card); }\n.picture .w6 text, .picture .w7 text, .picture .w8 text { fill: #fff; }\n").ToString();
    }
}
