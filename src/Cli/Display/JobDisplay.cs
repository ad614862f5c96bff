using System.Globalization;
using XInstruct.Activities.Jobs;

namespace XInstruct.Cli.Display;

/// <summary>A job's progress on standard error: one line that changes where there is a terminal, else one each ten seconds.</summary>
internal sealed class JobDisplay(TextWriter output, bool isTerminal)
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Blink = TimeSpan.FromSeconds(0.2);
    private TimeSpan? _last;
    private int _width;

    public void Show(JobProgress progress)
    {
        if (_last is { } last && progress.Elapsed - last < (isTerminal ? Blink : Quiet)) return;
        _last = progress.Elapsed;
        var line = Line(progress);
        if (isTerminal) output.Write("\r" + line.PadRight(_width));
        else output.WriteLine(line);
        _width = line.Length;
    }

    public void End()
    {
        if (isTerminal && _last is not null) output.Write("\r" + new string(' ', _width) + "\r");
    }

    private static string Line(JobProgress p)
    {
        var left = p.Left is { } time && p.Done < p.Total ? $", {Spoken(time)} left" : "";
        var errors = p.Errors > 0 ? string.Create(CultureInfo.InvariantCulture, $", {p.Errors:N0} with an error") : "";
        return string.Create(CultureInfo.InvariantCulture, $"[{p.Elapsed:hh\\:mm\\:ss}] {p.Done:N0}/{p.Total:N0} rows, {p.TokensPerSecond:N0} tokens/s{left}{errors}");
    }

    private static string Spoken(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:F1} h")
        : time.TotalMinutes >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:F0} min") : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:F0} s");
}
