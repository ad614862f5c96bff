using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;

namespace XInstruct.Cli.Display;

/// <summary>A moment of long work.</summary>
/// <param name="Share">From 0 to 1.</param>
/// <param name="Text">Where it is, in a line.</param>
/// <param name="Event">The same for scripts.</param>
/// <param name="IsLast">Nothing follows.</param>
internal sealed record WorkMoment(double Share, string Text, object Event, bool IsLast = false);

/// <summary>Shows a training or a job: a live picture in a terminal, lines or JSON lines in a pipe.</summary>
internal abstract class WorkDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>The way that fits where the output goes.</summary>
    public static WorkDisplay For(bool json) => json ? new JsonLines() : Console.IsOutputRedirected ? new Lines() : new Live();

    /// <summary>Shows moments until <paramref name="end"/> ends.</summary>
    public virtual async Task WatchAsync(Func<CancellationToken, Task<WorkMoment?>> read, Task end, CancellationToken ct)
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

    /// <summary>Says something beside the moments.</summary>
    public abstract void Say(string sentence);

    /// <summary>Shows what it came to.</summary>
    /// <param name="sentences">For people.</param>
    /// <param name="summary">For scripts.</param>
    public virtual void End(IEnumerable<string> sentences, object summary)
    {
        foreach (var sentence in sentences) Say(sentence);
    }

    protected abstract void Show(WorkMoment moment);

    private sealed class Live : WorkDisplay
    {
        private LiveDisplayContext? _live;

        public override Task WatchAsync(Func<CancellationToken, Task<WorkMoment?>> read, Task end, CancellationToken ct) =>
            AnsiConsole.Live(new Text("starting … Ctrl-C stops it; the same command goes on.")).StartAsync(live =>
            {
                _live = live;
                return base.WatchAsync(read, end, ct);
            });

        public override void Say(string sentence) => AnsiConsole.WriteLine(sentence);

        protected override void Show(WorkMoment moment)
        {
            const int width = 50;
            var done = (int)Math.Round(width * Math.Clamp(moment.Share, 0, 1));
            _live?.UpdateTarget(new Rows(new Markup($"[green]{new string('━', done)}[/][grey]{new string('━', width - done)}[/]"), new Text(moment.Text)));
        }
    }

    private sealed class Lines : WorkDisplay
    {
        private readonly DateTime _start = DateTime.UtcNow;
        private string? _shown;
        private DateTime _at;

        public override void Say(string sentence) => Console.WriteLine(sentence);

        protected override void Show(WorkMoment moment)
        {
            if (moment.Text == _shown || (DateTime.UtcNow - _at < TimeSpan.FromSeconds(5) && !moment.IsLast)) return;
            (_shown, _at) = (moment.Text, DateTime.UtcNow);
            Say(string.Create(CultureInfo.InvariantCulture, $"[{_at - _start:mm\\:ss}] {moment.Text}"));
        }
    }

    private sealed class JsonLines : WorkDisplay
    {
        private string? _shown;

        public override void Say(string sentence) => Write(new { Event = "message", Message = sentence });

        public override void End(IEnumerable<string> sentences, object summary) => Write(summary);

        protected override void Show(WorkMoment moment)
        {
            if (moment.Text == _shown) return;
            _shown = moment.Text;
            Write(moment.Event);
        }

        private static void Write(object value) => Console.WriteLine(JsonSerializer.Serialize(value, value.GetType(), EventJson.Options));
    }
}
