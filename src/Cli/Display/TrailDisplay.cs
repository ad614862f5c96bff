using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using XInstruct.Activities.Audit;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Texts;

namespace XInstruct.Cli.Display;

/// <summary>A history as a page: for each event what it was, the text it brought or changed, who made it with what, and what that cost.</summary>
internal static class TrailDisplay
{
    /// <summary>So many hex digits of a hash are shown; --json has all of them.</summary>
    private const int Digits = 12;

    private const int LongestMember = 240;

    private static readonly string[] Named = ["text", "instruction", "sample"];

    /// <summary>Prints a history.</summary>
    public static void Write(IAnsiConsole console, Trail trail, bool isSample)
    {
        console.MarkupLineInterpolated($"{(isSample ? "sample " : "")}[bold]{(isSample ? $"{trail.Sample}" : trail.Run)}[/]");
        console.MarkupLineInterpolated($"{(isSample ? $"run {trail.Run}, " : "")}stream {trail.Stream}");
        foreach (var entry in trail.Entries) Write(console, entry);
        console.WriteLine();
        console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{trail.Entries.Count} events, {Spent(trail.Cost)}"));
    }

    private static void Write(IAnsiConsole console, TrailEntry entry)
    {
        console.WriteLine();
        console.MarkupLineInterpolated($"[bold]{entry.Version}  {entry.Type}[/]  {Header(entry, EventHeaders.At)}");
        if (entry.Changes is not null) Indent(console, Changes(entry.Changes));
        else if (entry.Text is not null) Indent(console, Markup.Escape($"“{TerminalText.Clean(entry.Text)}”"));
        else if (Named.Take(2).Any(m => entry.Data.TryGetProperty(m, out _))) Indent(console, "[grey]the text is withdrawn[/]");
        if (Members(entry.Data) is { Length: > 0 } members) Indent(console, Markup.Escape(TerminalText.Clean(members)));
        if (By(entry) is { Length: > 0 } by) Indent(console, $"[grey]{Markup.Escape(TerminalText.Clean(by))}[/]");
        if (Where(entry) is { Length: > 0 } where) Indent(console, $"[grey]{Markup.Escape(TerminalText.Clean(where))}[/]");
        if (Header(entry, EventHeaders.Origin) is { Length: > 0 } origin) Indent(console, $"[grey]taken over from the parent's event {Short(origin)}[/]");
        if (entry.Prompt is not null)
        {
            Indent(console, $"[grey]prompt {Short(entry.Act!.Value.GetProperty("prompt").GetString()!)}:[/]");
            console.Write(new Padder(new Text(TerminalText.CleanLines(entry.Prompt)), new Padding(6, 0, 0, 0)));
        }
    }

    /// <summary>What was is between [- and -], what became between {+ and +}: without colours, too, one sees which is which.</summary>
    public static string Changes(IReadOnlyList<DiffPart> parts) => string.Concat(parts.Select(p => p.Kind switch
    {
        DiffKind.Removed => $"[red]{Markup.Escape($"[-{TerminalText.Clean(p.Text)}-]")}[/]",
        DiffKind.Added => $"[green]{Markup.Escape($"{{+{TerminalText.Clean(p.Text)}+}}")}[/]",
        _ => Markup.Escape(TerminalText.Clean(p.Text)),
    }));

    private static string Members(JsonElement data) =>
        data.ValueKind != JsonValueKind.Object ? "" : string.Join(", ", data.EnumerateObject().Where(m => !Named.Contains(m.Name)).Select(m => $"{m.Name} {Value(m.Value)}"));

    private static string Value(JsonElement value)
    {
        var text = value.ToString();
        if (IsHash(text)) return Short(text);
        return text.Length <= LongestMember ? text : DisplayText.Clip(text, LongestMember) + " (--json has it all)";
    }

    private static string By(TrailEntry entry)
    {
        if (entry.Act is not { } act) return "";
        var parts = new List<string>();
        if (Member("stage") is { } stage) parts.Add("by " + stage);
        if (act.TryGetProperty("models", out var models)) parts.Add($"model {string.Join(" and ", models.EnumerateArray().Select(m => Value(m)))}");
        if (Member("device") is { } device) parts.Add(device);
        if (Member("prompt") is { } prompt) parts.Add("prompt " + Short(prompt));
        if (Member("sampling") is { } sampling) parts.Add(sampling);
        if (Header(entry, EventHeaders.Seed) is { Length: > 0 } seed) parts.Add("seed " + seed);
        if (Member("code") is { } code) parts.Add("XInstruct " + code);
        parts.Add("act " + Short(Header(entry, EventHeaders.Act)));
        var cost = Trail.CostOf(entry.Headers);
        if (cost != default) parts.Add(Spent(cost));
        return string.Join(", ", parts);

        string? Member(string name) => act.TryGetProperty(name, out var value) ? value.ToString() : null;
    }

    private static string Where(TrailEntry entry) => Header(entry, EventHeaders.Workflow) is not { Length: > 0 } workflow
        ? ""
        : $"in {workflow}, workflow run {Header(entry, EventHeaders.WorkflowRun)}, activity {Header(entry, EventHeaders.Activity)}, attempt {Header(entry, EventHeaders.Attempt)}, on {Header(entry, EventHeaders.Worker)}";

    private static string Spent(Cost cost) =>
        string.Create(CultureInfo.InvariantCulture, $"{cost.TokensIn:N0} tokens in, {cost.TokensOut:N0} out") + (cost.Usd == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", ${cost.Usd:0.00####}"));

    private static string Header(TrailEntry entry, string name) =>
        entry.Headers.ValueKind == JsonValueKind.Object && entry.Headers.TryGetProperty(name, out var value) ? value.ToString() : "";

    private static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    private static string Short(string hash) => IsHash(hash) ? hash[..Digits] : hash;

    private static void Indent(IAnsiConsole console, string markup) => console.Write(new Padder(new Markup(markup), new Padding(3, 0, 0, 0)));
}
