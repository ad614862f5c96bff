using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;
using XInstruct.Activities.Reports;
using XInstruct.Workflows.Languages;

namespace XInstruct.Cli.Display;

/// <summary>The live table of a terminal: stages and languages with rates, time left, tokens and the last reasons of rejection.</summary>
internal sealed class TableDisplay(LiveDisplayContext live) : IRunDisplay
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Stale = TimeSpan.FromMinutes(2);
    private string? _sentence;

    public void Show(RunView view) => live.UpdateTarget(Render(view, _sentence));

    public void Say(string sentence) => _sentence = sentence;

    /// <summary>A moment of a run.</summary>
    /// <param name="view">The moment.</param>
    /// <param name="sentence">What was said last.</param>
    public static Rows Render(RunView view, string? sentence)
    {
        var p = view.Progress;
        var head = new Markup(string.Create(CultureInfo.InvariantCulture,
            $"[bold]{Markup.Escape(p.Phase)}[/]{(p.Iteration is { } i ? $" · iteration {i}" : "")}{(RunView.Paused(p) is { } paused ? $" · [yellow]{Markup.Escape(paused)}[/]" : "")} · {view.Elapsed:hh\\:mm\\:ss} · tokens {view.TokensIn:N0} in, {view.TokensOut:N0} out"));
        var parts = new List<IRenderable> { head, Stages(view) };
        if (EndpointText.Money(view) is { } money) parts.Add(new Text(money));
        parts.AddRange(EndpointText.Paces(view).Select(pace => new Text(pace)));
        if (view.Pulse.Workers.Count > 0) parts.Add(Workers(view.Pulse.Workers));
        if (p.Iterations.Count > 0) parts.Add(Iterations(view));
        if (sentence is not null) parts.Add(new Text(sentence));
        return new Rows(parts);
    }

    private static Table Stages(RunView view)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("stage", "language", "done", "rows", "rows/s", "left", "rejected", "last reason");
        // What is done with is summed up in one line a stage, so that the table keeps its height.
        foreach (var group in view.Stages.GroupBy(s => (s.Entry.Stage, s.Entry.Iteration)))
        {
            if (group.All(s => s.IsDone)) AddRow(table, group.Key.Stage, group.Key.Iteration, $"{group.Count()} languages", [.. group]);
            else foreach (var stage in group) AddRow(table, stage.Entry.Stage, stage.Entry.Iteration, stage.Entry.Language, [stage]);
        }

        return table;
    }

    private static void AddRow(Table table, Stage stage, int iteration, string who, IReadOnlyList<StageView> views)
    {
        var (done, shards) = (views.Sum(v => v.ShardsDone), views.Sum(v => v.Entry.Shards));
        var result = views.Select(v => v.Result).Aggregate((a, b) => a.Add(b));
        var name = stage.ToString().ToLowerInvariant() + (stage is Stage.Generate or Stage.Rate ? $" {iteration}" : "");
        var running = views.All(v => v.IsDone) ? "green" : "yellow";
        table.AddRow(
            new Markup($"[{running}]{name}[/]"),
            new Text(who),
            new Text(string.Create(CultureInfo.InvariantCulture, $"{done}/{shards}")),
            new Text(result.Done.ToString("N0", CultureInfo.InvariantCulture)),
            new Text(views.Count == 1 && views[0].Rate is { } rate ? rate.ToString("N0", CultureInfo.InvariantCulture) : ""),
            new Text(views.Count == 1 && views[0].Left is { } left ? left.ToString("mm\\:ss", CultureInfo.InvariantCulture) : ""),
            new Text(result.Failed.ToString("N0", CultureInfo.InvariantCulture)),
            new Text(result.LastReason ?? ""));
    }

    private static Table Workers(IReadOnlyList<WorkerPulse> workers)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("worker", "events/s", "last event");
        foreach (var w in workers)
        {
            table.AddRow(
                new Text(TerminalText.Clean(w.Worker)),
                new Text(w.Rate.ToString("N0", CultureInfo.InvariantCulture)),
                new Text(w.Quiet < Fresh ? "now" : string.Create(CultureInfo.InvariantCulture, $"{w.Quiet:mm\\:ss} ago"), w.Quiet > Stale ? new Style(Color.Yellow) : null));
        }

        return table;
    }

    private static Table Iterations(RunView view)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("iteration", "language", "rated", "kept", "levels 0 / 1 / 2");
        foreach (var iteration in view.Progress.Iterations)
        {
            foreach (var language in iteration.Languages)
            {
                table.AddRow(
                    iteration.Iteration.ToString(CultureInfo.InvariantCulture),
                    language.Language,
                    language.Rated.ToString(CultureInfo.InvariantCulture),
                    language.KeptInAll.ToString(CultureInfo.InvariantCulture),
                    string.Join(" / ", language.Levels));
            }
        }

        return table;
    }
}
