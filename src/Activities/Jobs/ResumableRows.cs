using System.Globalization;
using System.Text;
using System.Text.Json;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Jobs;

/// <summary>
/// The JSONL file that a job writes, in windows of rows. A job that was killed goes on at the first window that is not whole; beside the file lies
/// what decides its bytes, so that going on with something else is refused.
/// </summary>
public sealed class ResumableRows : IDisposable
{
    // Enough of a line to see its number.
    private const int Head = 40;
    private readonly string _statePath;
    private readonly State _state;
    private readonly FileStream _file;

    private ResumableRows(string statePath, State state, FileStream file, long done) => (_statePath, _state, _file, Done) = (statePath, state, file, done);

    /// <summary>Rows of whole windows that are there.</summary>
    public long Done { get; private set; }

    /// <summary>Opens the file, or begins it; nobody else can write it then. Null when it is complete already.</summary>
    /// <param name="path">The file.</param>
    /// <param name="settings">What decides the bytes.</param>
    /// <param name="window">Rows of a window.</param>
    /// <param name="overwrite">Whether what is there goes.</param>
    /// <exception cref="JobOutputException">The file is not of such a job, or of one with other settings, or another process writes it.</exception>
    public static ResumableRows? Open(string path, IReadOnlyDictionary<string, string> settings, int window, bool overwrite)
    {
        var statePath = StatePath(path);
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder)) throw new JobOutputException($"There is no folder {folder} for {path}.");
        var file = OpenAlone(path);
        try
        {
            var before = overwrite ? null : Read(statePath, path);
            if (before is null && file.Length > 0)
            {
                if (!overwrite) throw new JobOutputException($"{path} is there and was not made by such a job: {Path.GetFileName(statePath)} is missing. --overwrite replaces it.");
                File.Delete(statePath);
                file.SetLength(0);
            }

            if (before is not null && Difference(before.Settings, settings) is { } difference)
                throw new JobOutputException($"{path} was begun with other settings: {difference}. Run the command as it was begun to go on, or --overwrite to begin anew.");
            if (before?.Bytes is { } bytes && bytes == file.Length)
            {
                file.Dispose();
                return null;
            }

            var state = new State(settings, null, null);
            if (before != state) Write(statePath, state);
            return new ResumableRows(statePath, state, file, Keep(file, window));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Where what decides a file's bytes lies.</summary>
    public static string StatePath(string path) => path + ".job.json";

    /// <summary>Adds a line; it is in the file when the call returns, so that readers see it and a kill leaves it.</summary>
    public void Add(string line) => _file.Write(Encoding.UTF8.GetBytes(line + "\n"));

    /// <summary>The lines added last are a window, and on the disk when the call returns.</summary>
    public void EndWindow(int rows)
    {
        _file.Flush(flushToDisk: true);
        Done += rows;
    }

    /// <summary>No line follows.</summary>
    public void Complete() => Write(_statePath, _state with { Rows = Done, Bytes = _file.Length });

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static FileStream OpenAlone(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new JobOutputException($"{path} cannot be written: {e.Message}", e);
        }
    }

    // Where the first window begins that is not whole; what follows goes, half a line too.
    private static long Keep(FileStream file, int window)
    {
        var (buffer, head, rows) = (new byte[1 << 16], new List<byte>(), 0L);
        var (position, kept, end) = (0L, 0L, 0L);
        while (file.Read(buffer) is > 0 and var read)
        {
            for (var i = 0; i < read; i++)
            {
                if (buffer[i] != (byte)'\n')
                {
                    if (head.Count < Head) head.Add(buffer[i]);
                    continue;
                }

                // A line that is not the one expected: the power went before all of it was on the disk.
                if (!Encoding.UTF8.GetString([.. head]).StartsWith(string.Create(CultureInfo.InvariantCulture, $"{{\"row\":{rows + 1},"), StringComparison.Ordinal)) return Cut();
                head.Clear();
                if (++rows % window == 0) (kept, end) = (rows, position + i + 1);
            }

            position += read;
        }

        return Cut();

        long Cut()
        {
            file.SetLength(end);
            file.Position = end;
            return kept;
        }
    }

    private static State? Read(string statePath, string path)
    {
        if (!File.Exists(statePath)) return null;
        try
        {
            return JsonSerializer.Deserialize<State>(File.ReadAllBytes(statePath), EventJson.Options) is { Settings: not null } state ? state : throw new JsonException("nothing is there");
        }
        catch (JsonException e)
        {
            throw new JobOutputException($"{statePath} cannot be read: {e.Message}. --overwrite begins {path} anew.", e);
        }
    }

    private static void Write(string path, State state)
    {
        var part = path + ".part";
        using (var file = new FileStream(part, FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, state, EventJson.Options);
            file.Flush(flushToDisk: true);
        }

        File.Move(part, path, overwrite: true);
    }

    private static string? Difference(IReadOnlyDictionary<string, string> before, IReadOnlyDictionary<string, string> now)
    {
        foreach (var name in before.Keys.Union(now.Keys).Order(StringComparer.Ordinal))
        {
            var (then, given) = (before.GetValueOrDefault(name), now.GetValueOrDefault(name));
            if (then != given) return $"{name} was {then ?? "not set"}, now it is {given ?? "not set"}";
        }

        return null;
    }

    private sealed record State(IReadOnlyDictionary<string, string> Settings, long? Rows, long? Bytes);
}

/// <summary>A job's output cannot be written or gone on with.</summary>
public sealed class JobOutputException(string message, Exception? inner = null) : Exception(message, inner);
