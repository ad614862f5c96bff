using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Models;
using XInstruct.Cli.Display;
using XInstruct.Domain.Provenance;

namespace XInstruct.Cli.Commands;

/// <summary>What the commands take that bring the rows of a file through a local model.</summary>
internal sealed class JobOptions
{
    private readonly Argument<string> _model = new("model") { Description = "Model folder in Hugging Face's layout." };
    private readonly Option<string> _input = new("--in") { Description = "Rows: JSONL, a JSON array, CSV or Parquet, plain or gzip.", Required = true };
    private readonly Option<string> _output = new("--out") { Description = "JSONL, a row for each row, in their order. Started again after a kill, the command goes on where it was.", Required = true };
    private readonly Option<string?> _adapter = new("--adapter") { Description = "Folder of an adapter in PEFT's layout that is put on the model." };
    private readonly Option<string?> _device = new("--device") { Description = "Where the model lies. Default: the GPU where there is one." };
    private readonly Option<string?> _type = new("--type") { Description = "Type of the weights. Default: float32 on the CPU, bfloat16 on a GPU." };
    private readonly Option<string?> _quantize = new("--quantize") { Description = "Hold the layers' matrices in 4 or 8 bits." };
    private readonly Option<int> _window = Number("--window", 256, 1, 1 << 20, "Rows worked on as one, and redone at most after a kill. Part of what decides the last bits.");
    private readonly Option<int> _threads = Number("--threads", Environment.ProcessorCount, 1, 1024, "Threads of the tensor library. Part of what decides the last bits. Default: one a core.");
    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "Begin anew, whatever the output is." };

    public JobOptions()
    {
        _device.AcceptOnlyFromAmong([.. ModelFolder.Devices]);
        _type.AcceptOnlyFromAmong([.. ModelFolder.Types]);
        _quantize.AcceptOnlyFromAmong([.. ModelFolder.Quantizations]);
    }

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Arguments.Add(_model);
        foreach (var option in (Option[])[_input, _output, _adapter, _device, _type, _quantize, _window, _threads, _overwrite]) command.Options.Add(option);
    }

    public int Threads(ParseResult result) => result.GetValue(_threads);

    public ModelFolder Model(ParseResult result) => new(
        result.GetValue(_model)!, result.GetValue(_adapter), result.GetValue(_device), result.GetValue(_type), result.GetValue(_quantize));

    /// <summary>Does the job, showing how far it is.</summary>
    public async Task<int> RunAsync(ParseResult result, RowJob job, CancellationToken ct)
    {
        var files = new JobFiles(result.GetValue(_input)!, result.GetValue(_output)!, result.GetValue(_window), result.GetValue(_overwrite));
        if (!File.Exists(files.Input)) throw new UsageException($"There is no file {files.Input}.");
        var display = new JobDisplay(Console.Error, !Console.IsErrorRedirected);
        JobProgress end;
        try
        {
            end = await job.RunAsync(files, display.Show, ct);
        }
        finally
        {
            display.End();
        }

        if (result.GetValue(CommonOptions.Json))
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new { Rows = end.Total, end.Fresh, end.Errors, end.PromptTokens, end.NewTokens, Seconds = Math.Round(end.Elapsed.TotalSeconds, 2), TokensPerSecond = Math.Round(end.TokensPerSecond, 1), Output = files.Output },
                EventJson.Options));
        }
        else if (end.Fresh == 0)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{files.Output} has all {end.Total:N0} rows already."));
        }
        else
        {
            var errors = end.Errors > 0 ? string.Create(CultureInfo.InvariantCulture, $", {end.Errors:N0} of them with an error") : "";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{end.Fresh:N0} rows{errors}, {end.NewTokens:N0} tokens, {end.TokensPerSecond:N0} tokens/s: {files.Output} has {end.Total:N0} rows."));
        }

        return ExitCodes.Ok;
    }

    /// <summary>An option that is a whole number within limits.</summary>
    public static Option<int> Number(string name, int value, int least, int most, string description)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result => Within(result, name, least, most, r => r.GetValue(option)));
        return option;
    }

    /// <summary>An option that is a number within limits.</summary>
    public static Option<double> Share(string name, double value, double least, double most, string description)
    {
        var option = new Option<double>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result => Within(result, name, least, most, r => r.GetValue(option)));
        return option;
    }

    /// <summary>The option that names columns to copy.</summary>
    public static Option<string[]> Keep() => new("--keep") { Description = "Columns that are copied, such as an id.", AllowMultipleArgumentsPerToken = true };

    /// <summary>The columns to copy, none of which the output has itself.</summary>
    public static IReadOnlyList<string> Kept(string[]? given, IReadOnlySet<string> taken)
    {
        var columns = (given ?? []).SelectMany(k => k.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Distinct(StringComparer.Ordinal).ToList();
        return columns.FirstOrDefault(taken.Contains) is { } name ? throw new UsageException($"--keep {name}: the output has a column of that name. Rename it in the input.") : columns;
    }

    private static void Within<T>(OptionResult result, string name, T least, T most, Func<OptionResult, T> read)
        where T : struct, IComparable<T>, IFormattable
    {
        if (result.Tokens.Count == 0) return;
        T value;
        try
        {
            value = read(result);
        }
        catch (InvalidOperationException)
        {
            // No number at all: the parser says so.
            return;
        }

        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; it must be from {least} to {most}."));
    }
}
