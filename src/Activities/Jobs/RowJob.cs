using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using XInstruct.Activities.Models;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Jobs;

/// <summary>From where to where a job goes.</summary>
/// <param name="Input">JSONL; a JSON array, CSV and Parquet too, plain or gzip.</param>
/// <param name="Output">JSONL, a row for each row of the input, in its order.</param>
/// <param name="Window">Rows worked on as one: what they give is decided by them alone, and a killed job redoes at most so many.</param>
/// <param name="Overwrite">Whether an output that is there goes.</param>
public sealed record JobFiles(string Input, string Output, int Window = 256, bool Overwrite = false);

/// <summary>How far a job is.</summary>
/// <param name="Done">Rows done, those of an earlier start included.</param>
/// <param name="Total">Rows of the input.</param>
/// <param name="Fresh">Rows done by this start.</param>
/// <param name="Errors">Rows of this start that got an error.</param>
/// <param name="PromptTokens">Tokens read by this start.</param>
/// <param name="NewTokens">Tokens generated or scored by this start.</param>
/// <param name="Elapsed">Since the work began; loading is not counted.</param>
public sealed record JobProgress(long Done, long Total, long Fresh, long Errors, long PromptTokens, long NewTokens, TimeSpan Elapsed)
{
    /// <summary>New tokens a second.</summary>
    public double TokensPerSecond => Elapsed > TimeSpan.Zero ? NewTokens / Elapsed.TotalSeconds : 0;

    /// <summary>How long the rest takes at this pace; null as long as nothing is known.</summary>
    public TimeSpan? Left => Fresh > 0 ? Elapsed / Fresh * (Total - Done) : null;
}

/// <summary>What a row gave.</summary>
/// <param name="Line">Its JSON, from the member after the row number on.</param>
/// <param name="IsError">Whether it is an error.</param>
public sealed record JobRow(IReadOnlyDictionary<string, object?> Line, bool IsError = false)
{
    /// <summary>A row that could not be worked on.</summary>
    public static JobRow Failed(string error, string? message = null)
    {
        var line = new Dictionary<string, object?>(StringComparer.Ordinal) { ["error"] = error };
        if (message is not null) line["message"] = message;
        return new JobRow(line, IsError: true);
    }
}

/// <summary>
/// Rows in, rows out, with a local model. The input is cut into windows by row numbers; a window's rows are worked on together and with none of
/// another window, so that a job that was killed and started again, wherever that was, ends with the bytes of one that was not.
/// </summary>
public abstract class RowJob : IDisposable
{
    private long _promptTokens;
    private long _newTokens;

    /// <summary>Does the job.</summary>
    /// <param name="files">From where to where.</param>
    /// <param name="progress">Told of progress, from the job's thread.</param>
    /// <param name="ct">Stops it; what is done stays.</param>
    /// <exception cref="JobOutputException">The output cannot be written or gone on with.</exception>
    public async Task<JobProgress> RunAsync(JobFiles files, Action<JobProgress> progress, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(progress);
        if (Target(files.Input) == Target(files.Output)) throw new JobOutputException($"{files.Output} is the input too. Name another file for the output.");
        var total = await TableReader.ReadAsync(files.Input, new TableReadOptions(), ct).LongCountAsync(ct);
        var settings = new SortedDictionary<string, string>((await SettingsAsync(ct)).ToDictionary(), StringComparer.Ordinal)
        {
            ["input"] = await HashAsync(files.Input, ct),
            ["window"] = FormattableString.Invariant($"{files.Window}"),
        };
        using var output = ResumableRows.Open(files.Output, settings, files.Window, files.Overwrite);
        if (output is null) return new JobProgress(total, total, 0, 0, 0, 0, TimeSpan.Zero);
        Load();
        var (started, before, errors) = (Stopwatch.StartNew(), output.Done, 0L);
        JobProgress Now(long inWindow) => new(output.Done + inWindow, total, output.Done + inWindow - before, errors, _promptTokens, _newTokens, started.Elapsed);
        progress(Now(0));
        await foreach (var window in WindowsAsync(files, before, ct))
        {
            // The tensor library counts its threads by the thread that calls it.
            await Task.Factory.StartNew(
                () =>
                {
                    var written = 0;
                    Work(
                        [.. window],
                        row =>
                        {
                            var line = new Dictionary<string, object?>(StringComparer.Ordinal) { ["row"] = window[written++].Number + 1 };
                            foreach (var (name, value) in row.Line) line[name] = value;
                            output.Add(JsonSerializer.Serialize(line, EventJson.Options));
                            if (row.IsError) errors++;
                            progress(Now(written));
                        },
                        (promptTokens, newTokens) =>
                        {
                            (_promptTokens, _newTokens) = (_promptTokens + promptTokens, _newTokens + newTokens);
                            progress(Now(written));
                        },
                        ct);
                },
                ct,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
            output.EndWindow(window.Length);
        }

        output.Complete();
        return Now(0);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>What decides the bytes beside the input.</summary>
    protected abstract Task<IReadOnlyDictionary<string, string>> SettingsAsync(CancellationToken ct);

    /// <summary>Loads the model.</summary>
    protected abstract void Load();

    /// <summary>Works on a window.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="done">Takes what each row gave, in their order.</param>
    /// <param name="tokens">Told of prompt tokens and new tokens since the last call.</param>
    /// <param name="ct">Stops it.</param>
    protected abstract void Work(IReadOnlyList<TableRow> rows, Action<JobRow> done, Action<long, long> tokens, CancellationToken ct);

    /// <summary>Frees the model.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>What decides the last bits of what a model gives.</summary>
    protected static async Task<Dictionary<string, string>> ModelSettingsAsync(ModelFolder model, int threads, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (!Directory.Exists(model.Path)) throw new ModelFolderException($"There is no folder {model.Path}. A model is a folder with config.json, model.safetensors and a tokenizer.");
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["model"] = ContentHash.OfCanonical(await FileStore.TableAsync(model.Path, ct)),
            ["type"] = model.UsedType,
            ["device"] = model.UsedDevice,
            ["machine"] = ModelLibrary.Device(threads),
        };
        if (model.Quantization is { } codes) settings["quantization"] = codes;
        if (model.Adapter is null) return settings;
        if (!Directory.Exists(model.Adapter)) throw new ModelFolderException($"There is no folder {model.Adapter}. An adapter is a folder with adapter_config.json and adapter_model.safetensors.");
        settings["adapter"] = ContentHash.OfCanonical(await FileStore.TableAsync(model.Adapter, ct));
        return settings;
    }

    /// <summary>Adds the members of options one by one, so that the one that differs can be named; the model's are those of <see cref="ModelSettingsAsync"/>.</summary>
    protected static void Flatten<T>(T options, Dictionary<string, string> settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        foreach (var member in JsonSerializer.SerializeToElement(options, EventJson.Options).EnumerateObject().Where(member => member.Name != "model")) Flatten(member.Name, member.Value);

        void Flatten(string path, JsonElement value)
        {
            if (value.ValueKind == JsonValueKind.Object)
            {
                foreach (var member in value.EnumerateObject()) Flatten($"{path}.{member.Name}", member.Value);
            }
            else
            {
                settings[path] = value.ToString();
            }
        }
    }

    private static string Target(string path) => new FileInfo(path) is var file && file.Exists && file.ResolveLinkTarget(returnFinalTarget: true) is { } target ? target.FullName : file.FullName;

    private static async Task<string> HashAsync(string path, CancellationToken ct)
    {
        await using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, ct));
    }

    private static async IAsyncEnumerable<TableRow[]> WindowsAsync(JobFiles files, long skip, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        var window = new List<TableRow>(files.Window);
        await foreach (var row in TableReader.ReadAsync(files.Input, new TableReadOptions(), ct))
        {
            if (row.Number < skip) continue;
            window.Add(row);
            if (window.Count < files.Window) continue;
            yield return [.. window];
            window.Clear();
        }

        if (window.Count > 0) yield return [.. window];
    }
}
