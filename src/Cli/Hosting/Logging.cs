using System.Globalization;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Extensions.Logging;
using XInstruct.Activities.Serving;

namespace XInstruct.Cli.Hosting;

/// <summary>Serilog to a file, and with --verbose to the console. Neither prompt texts nor keys are logged.</summary>
internal static class Logging
{
    /// <summary>What this process tries again, for those who watch.</summary>
    public static TroubleSink Trouble { get; } = new();

    public static ILoggerFactory Create(DeploymentOptions options)
    {
        var configuration = new LoggerConfiguration().MinimumLevel.Information()
            // A line for each request of serve, which nobody would find at a lower level.
            .MinimumLevel.Override(typeof(ModelServer).Namespace!, LogEventLevel.Debug)
            .MinimumLevel.Override("Microsoft.AspNetCore", LogEventLevel.Warning)
            .WriteTo.Sink(Trouble).WriteTo.File(
            Path.Combine(options.Home, "logs", "xinstruct-.log"),
            rollingInterval: RollingInterval.Day,
            retainedFileCountLimit: 14,
            shared: true,
            formatProvider: CultureInfo.InvariantCulture);
        if (options.Verbose)
        {
            configuration = configuration.WriteTo.Console(
                formatProvider: CultureInfo.InvariantCulture, standardErrorFromLevel: LogEventLevel.Verbose);
        }

        Log.Logger = configuration.CreateLogger();
        return new SerilogLoggerFactory(Log.Logger);
    }
}

/// <summary>Keeps the reason of the last warning: workers try again for as long as it takes, and a watcher should know why.</summary>
internal sealed class TroubleSink : ILogEventSink
{
    private string? _last;

    public void Emit(LogEvent logEvent)
    {
        if (logEvent is not { Level: >= LogEventLevel.Warning, Exception: { } error }) return;
        while (error.InnerException is { } inner) error = inner;
        if (error is not OperationCanceledException) Volatile.Write(ref _last, error.Message.Split('\n')[0]);
    }

    /// <summary>The reason since the last call; null when there was none.</summary>
    public string? Take() => Interlocked.Exchange(ref _last, null);
}
