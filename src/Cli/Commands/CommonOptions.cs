using System.CommandLine;
using System.Globalization;
using XInstruct.Cli.Hosting;

namespace XInstruct.Cli.Commands;

/// <summary>Options that many commands take.</summary>
internal static class CommonOptions
{
    public static readonly Option<bool> Json = new("--json") { Description = "Print JSON for scripts; the last line is the result.", Recursive = true };
    public static readonly Option<bool> Verbose = new("--verbose") { Description = "Log to the console as well as to the file.", Recursive = true };
    public static readonly Option<string?> Postgres = new("--postgres") { Description = "Npgsql connection string of the event store. Default: the launcher's private PostgreSQL.", Recursive = true };
    public static readonly Option<string?> Temporal = new("--temporal") { Description = "host:port of a Temporal cluster. Default: the embedded engine.", Recursive = true };
    public static readonly Option<string?> Profile = new("--profile") { Description = "Temporal client profile of temporal.toml, which says address, namespace, TLS and key. Default: $TEMPORAL_PROFILE.", Recursive = true };
    public static readonly Option<string?> Namespace = new("--namespace") { Description = "Temporal namespace. Default: the profile's, or default.", Recursive = true };
    public static readonly Option<string?> Home = new("--home") { Description = "Directory for files, models, releases and logs that all workers share. Default: $XINSTRUCT_HOME or .xinstruct.", Recursive = true };

    /// <summary>Of commands whose end is worth a picture.</summary>
    public static readonly Option<string?> Svg = new("--svg") { Description = "Also write what is printed at the end to this file, as a picture. Not with --json." };

    /// <summary>Of commands that also tell what was.</summary>
    public static readonly Option<DateTimeOffset?> AsOf = new("--as-of")
    {
        Description = "As things stood at this time, e.g. 2026-11-22T01:30:00Z; without a zone it is UTC.",
        CustomParser = result =>
        {
            if (ParseTime(result.Tokens[0].Value) is { } time) return time;
            result.AddError($"'{result.Tokens[0].Value}' is no time. Write it as 2026-11-22T01:30:00Z.");
            return null;
        },
    };

    public static IEnumerable<Option> All => [Json, Verbose, Postgres, Temporal, Profile, Namespace, Home];

    public static DeploymentOptions Deployment(ParseResult result) => new(
        result.GetValue(Postgres) ?? Environment.GetEnvironmentVariable("XINSTRUCT_POSTGRES"),
        result.GetValue(Temporal) ?? Environment.GetEnvironmentVariable("XINSTRUCT_TEMPORAL"),
        result.GetValue(Profile) ?? (Environment.GetEnvironmentVariable("TEMPORAL_PROFILE") is { Length: > 0 } named ? named : null),
        result.GetValue(Namespace),
        Path.GetFullPath(result.GetValue(Home) ?? Environment.GetEnvironmentVariable("XINSTRUCT_HOME") ?? ".xinstruct"),
        result.GetValue(Verbose));

    /// <summary>A time in UTC, unless it names another zone; null when the text is none.</summary>
    public static DateTimeOffset? ParseTime(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : null;

    /// <summary>Adds worked examples below a command's help.</summary>
    public static T WithExamples<T>(this T command, params string[] examples)
        where T : Command
    {
        command.Description += "\n\nExamples:\n" + string.Join('\n', examples.Select(e => "  " + e));
        return command;
    }
}
