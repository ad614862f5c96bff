using System.Globalization;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Extensions.Logging;

namespace XInstruct.Cli.Hosting;

/// <summary>Serilog to a file, and with --verbose to the console. Neither prompt texts nor keys are logged.</summary>
internal static class Logging
{
    public static ILoggerFactory Create(DeploymentOptions options)
    {
        var configuration = new LoggerConfiguration().MinimumLevel.Information().WriteTo.File(
            Path.Combine(options.Home, "logs", "xinstruct-.log"),
            rollingInterval: RollingInterval.Day,
            retainedFileCountLimit: 14,
            shared: true,
            formatProvider: CultureInfo.InvariantCulture);
        if (options.Verbose)
        {
            configuration = configuration.WriteTo.Console(
                formatProvider: CultureInfo.InvariantCulture, standardErrorFromLevel: Serilog.Events.LogEventLevel.Verbose);
        }

        Log.Logger = configuration.CreateLogger();
        return new SerilogLoggerFactory(Log.Logger);
    }
}
