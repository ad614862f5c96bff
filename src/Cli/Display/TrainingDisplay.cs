using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using XInstruct.Activities.Recipes;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;
using XInstruct.Training.Tuning;
using XInstruct.Workflows.Training;

namespace XInstruct.Cli.Display;

/// <summary>Shows a training: a live picture in a terminal, lines or JSON lines in a pipe.</summary>
internal abstract class TrainingDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>The way that fits where the output goes.</summary>
    public static TrainingDisplay For(string training, bool json)
    {
        TrainingDisplay display = json ? new JsonLines() : Console.IsOutputRedirected ? new Lines() : new Live();
        display.Say($"Training {training}");
        return display;
    }

    /// <summary>Shows moments until <paramref name="end"/> ends.</summary>
    public virtual async Task WatchAsync(Func<CancellationToken, Task<TuningProgress?>> read, Task end, CancellationToken ct)
    {
        string? said = null;
        while (!end.IsCompleted)
        {
            if (Logging.Trouble.Take() is { } trouble && trouble != said) Say($"Trying again: {TerminalText.Clean(said = trouble)}");
            if (await read(ct) is { } moment) Show(moment);
            await Task.WhenAny(end, Task.Delay(Interval, ct));
            ct.ThrowIfCancellationRequested();
        }

        if (await read(ct) is { } last) Show(last);
    }

    /// <summary>Shows what it came to.</summary>
    public virtual void End(string training, LoadedTraining recipe, TunedModel model, string folder, TimeSpan took)
    {
        var held = model.EvaluationLoss is { } loss ? Shown($", {loss:F4} on the rows held out (step {model.BestStep}{(model.StoppedEarly ? ", stopped early" : "")})") : "";
        Say(Shown($"Training {training} has ended: {model.Steps:N0} steps, {model.Tokens:N0} tokens, loss {model.Loss:F4}{held}."));
        Say(Path.Combine(folder, "report.html") is var report && File.Exists(report) ? $"Result: {folder} (report.html shows the loss)" : $"Result: {folder}");
    }

    protected abstract void Show(TuningProgress moment);

    protected abstract void Say(string sentence);

    protected static string Text(TuningProgress p)
    {
        var m = p.Metrics;
        var held = p.BestLoss is { } best ? Shown($" · held out {best:F4}") : "";
        var accuracy = m.Measures is not null && m.Measures.TryGetValue("accuracy", out var share) ? Shown($" · accuracy {share:P0}") : "";
        return Shown($"step {m.Step:N0}/{p.Steps:N0} · loss {m.Loss:F4}{held}{accuracy} · rate {m.LearningRate:G3} · {m.TokensPerSecond:N0} tokens/s · {m.MemoryBytes / 1048576:N0} MiB · {p.Left:hh\\:mm\\:ss} left");
    }

    private static string Shown(FormattableString text) => FormattableString.Invariant(text);

    private sealed class Live : TrainingDisplay
    {
        private LiveDisplayContext? _live;

        public override Task WatchAsync(Func<CancellationToken, Task<TuningProgress?>> read, Task end, CancellationToken ct) =>
            AnsiConsole.Live(new Text("starting … Ctrl-C stops it; the same command goes on.")).StartAsync(live =>
            {
                _live = live;
                return base.WatchAsync(read, end, ct);
            });

        protected override void Show(TuningProgress moment)
        {
            const int width = 50;
            var done = (int)Math.Round(width * (double)moment.Metrics.Step / moment.Steps);
            _live?.UpdateTarget(new Rows(new Markup($"[green]{new string('━', done)}[/][grey]{new string('━', width - done)}[/]"), new Text(Text(moment))));
        }

        protected override void Say(string sentence) => AnsiConsole.WriteLine(sentence);
    }

    private sealed class Lines : TrainingDisplay
    {
        private readonly DateTime _start = DateTime.UtcNow;
        private int _step;
        private DateTime _at;

        protected override void Show(TuningProgress moment)
        {
            if (moment.Metrics.Step == _step || (DateTime.UtcNow - _at < TimeSpan.FromSeconds(5) && moment.Metrics.Step < moment.Steps)) return;
            (_step, _at) = (moment.Metrics.Step, DateTime.UtcNow);
            Say(string.Create(CultureInfo.InvariantCulture, $"[{_at - _start:mm\\:ss}] {Text(moment)}"));
        }

        protected override void Say(string sentence) => Console.WriteLine(sentence);
    }

    private sealed class JsonLines : TrainingDisplay
    {
        private int _step;

        public override void End(string training, LoadedTraining recipe, TunedModel model, string folder, TimeSpan took) => Write(new
        {
            Training = training,
            Status = "completed",
            model.Model,
            model.Base,
            model.Steps,
            model.Tokens,
            model.Loss,
            model.BestStep,
            model.EvaluationLoss,
            model.StoppedEarly,
            Output = folder,
            Seconds = Math.Round(took.TotalSeconds, 1),
        });

        protected override void Show(TuningProgress moment)
        {
            if (moment.Metrics.Step == _step) return;
            _step = moment.Metrics.Step;
            Write(new { Event = "progress", moment.Metrics.Step, moment.Steps, moment.Metrics.Loss, moment.Metrics.LearningRate, moment.Metrics.GradientNorm, moment.Metrics.TokensPerSecond, moment.Metrics.MemoryBytes, moment.Metrics.Measures, moment.BestLoss, SecondsLeft = Math.Round(moment.Left.TotalSeconds, 1) });
        }

        protected override void Say(string sentence) => Write(new { Event = "message", Message = sentence });

        private static void Write<T>(T value) => Console.WriteLine(JsonSerializer.Serialize(value, EventJson.Options));
    }
}
