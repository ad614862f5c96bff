using System.Globalization;
using System.Text;
using System.Xml;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace XInstruct.Cli.Display;

/// <summary>What a command printed, as an SVG picture of a terminal: real text, so that it can be read aloud, searched and compared.</summary>
internal sealed class TerminalPicture : IAnsiConsoleEncoder
{
    private const double Advance = 8.4;
    private const int LineHeight = 19;
    private const int Margin = 16;

    /// <summary>Runs <paramref name="print"/> and writes what it printed to a file as well, when one is named.</summary>
    public static async Task<int> RecordAsync(string? path, Func<Task<int>> print)
    {
        if (path is null) return await print();
        var before = AnsiConsole.Console;
        using var recorder = before.CreateRecorder();
        AnsiConsole.Console = recorder;
        int code;
        try
        {
            code = await print();
        }
        finally
        {
            AnsiConsole.Console = before;
        }

        await File.WriteAllTextAsync(path, recorder.Export(new TerminalPicture()), CancellationToken.None);
        return code;
    }

    /// <inheritdoc/>
    public string Encode(IAnsiConsole console, IEnumerable<IRenderable> renderable)
    {
        var lines = Lines(renderable.SelectMany(r => r.GetSegments(console)).Where(s => !s.IsControlCode));
        var columns = lines.Select(l => l.Sum(s => s.CellCount())).DefaultIfEmpty().Max();
        var (width, height) = ((columns * Advance) + (2 * Margin), (lines.Count * LineHeight) + (2 * Margin));
        var svg = new StringBuilder();
        using (var xml = XmlWriter.Create(svg, new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true, IndentChars = " ", NewLineChars = "\n" }))
        {
            xml.WriteStartElement("svg", "http://www.w3.org/2000/svg");
            xml.WriteAttributeString("viewBox", $"0 0 {Number(width)} {height}");
            xml.WriteAttributeString("width", Number(width));
            xml.WriteAttributeString("font-family", "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace");
            xml.WriteAttributeString("font-size", "14");
            xml.WriteStartElement("rect");
            xml.WriteAttributeString("width", "100%");
            xml.WriteAttributeString("height", "100%");
            xml.WriteAttributeString("rx", "8");
            xml.WriteAttributeString("fill", "#14171c");
            xml.WriteEndElement();
            for (var i = 0; i < lines.Count; i++) WriteLine(xml, lines[i], Margin + ((i + 1) * LineHeight) - 5);
            xml.WriteEndElement();
        }

        return svg.Append('\n').ToString();
    }

    private static List<List<Segment>> Lines(IEnumerable<Segment> segments)
    {
        var lines = new List<List<Segment>> { new() };
        foreach (var segment in segments)
        {
            var parts = segment.Text.ReplaceLineEndings("\n").Split('\n');
            for (var i = 0; i < parts.Length; i++)
            {
                if (i > 0) lines.Add([]);
                if (parts[i].Length > 0) lines[^1].Add(new Segment(parts[i], segment.Style));
            }
        }

        return lines[^1].Count == 0 ? lines[..^1] : lines;
    }

    private static void WriteLine(XmlWriter xml, List<Segment> line, int y)
    {
        var column = 0;
        foreach (var segment in line)
        {
            var cells = segment.CellCount();
            if (!string.IsNullOrWhiteSpace(segment.Text)) WriteSegment(xml, segment, Margin + (column * Advance), y, cells * Advance);
            column += cells;
        }
    }

    private static void WriteSegment(XmlWriter xml, Segment segment, double x, int y, double length)
    {
        var style = segment.Style;
        xml.WriteStartElement("text");
        xml.WriteAttributeString("x", Number(x));
        xml.WriteAttributeString("y", y.ToString(CultureInfo.InvariantCulture));
        // Whatever font there is, a cell stays a cell.
        xml.WriteAttributeString("textLength", Number(length));
        xml.WriteAttributeString("fill", Fill(style.Foreground));
        if (style.Decoration.HasFlag(Decoration.Bold)) xml.WriteAttributeString("font-weight", "bold");
        xml.WriteAttributeString("xml", "space", null, "preserve");
        xml.WriteString(segment.Text);
        xml.WriteEndElement();
    }

    /// <summary>The terminal's own colours are made to be read on black; so are these.</summary>
    private static string Fill(Color color) =>
        color == Color.Default ? "#d7dae0" : color == Color.Green ? "#56c271" : color == Color.Yellow ? "#e3b341" : color == Color.Grey ? "#9198a1" : $"#{color.ToHex()}";

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
