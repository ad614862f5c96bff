using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using XInstruct.Domain.Provenance;

namespace XInstruct.Training.Tuning;

/// <summary>What a checkpoint says beside its tensors. It holds nothing that is not determined by inputs and seeds.</summary>
/// <param name="Training">What is trained: another training's checkpoints are refused.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Tokens">Tokens read.</param>
/// <param name="Counters">Numbers of the optimiser and its schedule.</param>
/// <param name="Dropout">Where the sequences of dropout masks are.</param>
/// <param name="BestStep">Step of the best evaluation so far.</param>
/// <param name="BestLoss">Its loss.</param>
/// <param name="Misses">Evaluations since then.</param>
/// <param name="Files">SHA-256 of the files beside it.</param>
internal sealed record TuningState(
    string Training, int Step, long Tokens, SessionCounters Counters, ulong[] Dropout, int? BestStep, double? BestLoss, int Misses, SortedDictionary<string, string> Files);

/// <summary>
/// The checkpoints of one training in a folder: checkpoint-N and best-N, each put together under another name, brought to the disk and renamed, so
/// that it is there whole or not at all. Several may write at once: of the same step all write the same.
/// </summary>
internal sealed class TuningCheckpoints(string folder, string training, int kept)
{
    /// <summary>Optimiser state.</summary>
    public const string Tensors = "training.safetensors";

    /// <summary>What <see cref="TuningState"/> says.</summary>
    public const string State = "state.json";

    /// <summary>Every step so far; times in it differ from sitting to sitting, so no hash covers it.</summary>
    public const string Metrics = "metrics.jsonl";

    private const string Checkpoint = "checkpoint-";
    private const string Best = "best-";

    /// <summary>The newest whole checkpoint.</summary>
    /// <exception cref="InvalidOperationException">It belongs to another training.</exception>
    public (string Folder, TuningState State, List<StepMetrics> Metrics)? Latest()
    {
        foreach (var path in Folders(Checkpoint).Reverse())
        {
            if (Read(path) is not var (state, metrics)) continue;
            if (state.Training != training) throw new InvalidOperationException($"{path} belongs to another training ({state.Training}, not {training}). Name another folder.");
            return (path, state, metrics);
        }

        return null;
    }

    /// <summary>A checkpoint's hash: of its state.json, which names the hash of every other file but the metrics.</summary>
    public static string HashOf(string checkpoint) => FileHash(Path.Combine(checkpoint, State));

    /// <summary>Folder of the best weights of a step.</summary>
    public string BestOf(int step) => Name(Best, step);

    /// <summary>Saves a checkpoint and drops those that are older than the last few.</summary>
    /// <returns>Its folder and hash.</returns>
    public (string Folder, string Hash) Save(TuningState state, IEnumerable<StepMetrics> metrics, Action<string> write)
    {
        var target = Name(Checkpoint, state.Step);
        var part = Part(target);
        write(part);
        foreach (var file in Directory.EnumerateFiles(part)) state.Files[Path.GetFileName(file)] = FileHash(file);
        var json = JsonSerializer.SerializeToUtf8Bytes(state, EventJson.Options);
        File.WriteAllBytes(Path.Combine(part, State), json);
        File.WriteAllLines(Path.Combine(part, Metrics), metrics.Select(line => JsonSerializer.Serialize(line, EventJson.Options)), new UTF8Encoding(false));
        Place(part, target);
        foreach (var old in Folders(Checkpoint).SkipLast(Math.Max(1, kept)).Where(path => Number(path) < state.Step)) Drop(old);
        foreach (var old in Folders(Best).Where(path => Number(path) < state.BestStep)) Drop(old);
        return (target, Convert.ToHexStringLower(SHA256.HashData(json)));
    }

    /// <summary>Saves the best weights so far. Those before stay until a checkpoint names these.</summary>
    public void SaveBest(int step, Action<string> write)
    {
        var target = Name(Best, step);
        var part = Part(target);
        write(part);
        Place(part, target);
    }

    private static (TuningState State, List<StepMetrics> Metrics)? Read(string path)
    {
        try
        {
            var state = JsonSerializer.Deserialize<TuningState>(File.ReadAllBytes(Path.Combine(path, State)), EventJson.Options)!;
            if (state.Files.Any(file => FileHash(Path.Combine(path, file.Key)) != file.Value)) return null;
            return (state, [.. File.ReadLines(Path.Combine(path, Metrics)).Select(line => JsonSerializer.Deserialize<StepMetrics>(line, EventJson.Options)!)]);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            // Damaged, or dropped by another process just now: the one before it will do.
            return null;
        }
    }

    private static string FileHash(string file)
    {
        using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static void Place(string part, string target)
    {
        foreach (var path in Directory.EnumerateFiles(part))
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
            RandomAccess.FlushToDisk(file);
        }

        var before = Part(target, create: false);
        try
        {
            // One that is there already is damaged, or was left by a sitting that did not come to name it: the new one is as good.
            if (Directory.Exists(target)) Directory.Move(target, before);
            Directory.Move(part, target);
        }
        catch (IOException) when (Directory.Exists(target))
        {
            // Another process put the same there.
            Drop(part);
        }

        if (Directory.Exists(before)) Drop(before);
        // Another process may be writing the same just now; what is older was left by one that was killed.
        foreach (var left in Directory.EnumerateDirectories(Path.GetDirectoryName(target)!, "*.part"))
        {
            if (DateTime.UtcNow - Directory.GetLastWriteTimeUtc(left) > TimeSpan.FromHours(1)) Drop(left);
        }
    }

    private static string Part(string target, bool create = true)
    {
        var part = $"{target}.{Path.GetRandomFileName()}.part";
        if (create) Directory.CreateDirectory(part);
        return part;
    }

    private static void Drop(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (IOException)
        {
            // Another process drops it too.
        }
    }

    private static int Number(string path) => int.TryParse(Path.GetFileName(path).Split('-')[^1], out var number) ? number : -1;

    private string Name(string kind, int step) => Path.Combine(folder, $"{kind}{step:D8}");

    private IEnumerable<string> Folders(string kind) => !Directory.Exists(folder)
        ? []
        : Directory.EnumerateDirectories(folder, kind + "*").Where(path => Number(path) >= 0).OrderBy(Number);
}
