using System.Text.Json;
using XInstruct.Domain.Provenance;
using XInstruct.Workflows.Languages;

namespace XInstruct.Cli.Display;

/// <summary>Plain lines, or JSON lines, for pipes and logs: one when something changed, one each few seconds of long work, and in JSON a last one with the final figures.</summary>
internal sealed class LineDisplay(TextWriter output, bool json) : IRunDisplay
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);
    private string? _last;
    private TimeSpan _lastAt;

    public void Show(RunView view)
    {
        var active = view.Stages.Where(s => !s.IsDone).ToList();
        var done = view.Stages.Where(s => s.IsDone).Select(s => s.Entry.Workflow).ToList();
        var key = $"{view.Progress.Phase}|{view.Progress.Iteration}|{RunView.Paused(view.Progress)}|{done.Count}";
        if (key == _last && view.Elapsed - _lastAt < Quiet && !(view.IsLast && json)) return;
        (_last, _lastAt) = (key, view.Elapsed);
        if (json)
        {
            WriteJson(new
            {
                Event = "progress",
                Seconds = Math.Round(view.Elapsed.TotalSeconds, 1),
                view.Progress.Phase,
                view.Progress.Iteration,
                Paused = view.Progress.IsPaused,
                PausedParts = view.Progress.Paused,
                Stages = view.Stages.Select(s => new { s.Entry.Language, s.Entry.Stage, s.Entry.Iteration, s.Entry.Shards, s.ShardsDone, s.Result.Done, s.Result.Failed }),
                view.TokensIn,
                view.TokensOut,
                view.Pulse.Budget,
                Endpoints = view.Pulse.Endpoints.Select(e => new { e.Role, e.Model, e.Rate?.RequestsPerMinute, PauseSeconds = e.Rate?.Pause.TotalSeconds, QueueSeconds = e.Rate?.Queue.TotalSeconds }),
                Workers = view.Pulse.Workers.Select(w => new { w.Worker, EventsPerSecond = Math.Round(w.Rate, 1), QuietSeconds = Math.Round(w.Quiet.TotalSeconds) }),
            });
            return;
        }

        var iteration = view.Progress.Iteration is { } i ? $" (iteration {i})" : "";
        var work = string.Join("; ", active.Select(s => $"{s.Entry.Language} {s.ShardsDone}/{s.Entry.Shards} shards, {s.Result.Done} rows{Reason(s.Result)}"));
        output.WriteLine($"[{view.Elapsed:mm\\:ss}] {(RunView.Paused(view.Progress) is { } paused ? $"({paused}) " : "")}{view.Progress.Phase}{iteration}{(work.Length > 0 ? ": " + work : "")}{EndpointText.Line(view)}");
    }

    public void Say(string sentence)
    {
        if (json) WriteJson(new { Event = "message", Message = sentence });
        else output.WriteLine(sentence);
    }

    private void WriteJson<T>(T value) => output.WriteLine(JsonSerializer.Serialize(value, EventJson.Options));

    private static string Reason(ShardResult result) => result.Failed > 0 ? $", {result.Failed} rejected (last: {result.LastReason})" : "";
}
