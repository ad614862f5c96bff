namespace XInstruct.Activities.Storage;

/// <summary>The folder in which a user finds a result. It appears whole; one that has the same result already gets only what is missing.</summary>
public static class ResultFolder
{
    /// <summary>Why a result cannot be put into a folder; null when it can: it is empty, is not there, or has this result.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="hasResult">Whether a folder has this result already.</param>
    public static string? Problem(string folder, Func<string, bool> hasResult)
    {
        ArgumentNullException.ThrowIfNull(hasResult);
        if (File.Exists(folder)) return $"{folder} is a file.";
        var isFree = !Directory.Exists(folder) || !Directory.EnumerateFileSystemEntries(folder).Any() || hasResult(folder);
        return isFree ? null : $"{folder} has something else in it. Name another folder (output), or empty it.";
    }

    /// <summary>Writes the folder. What else lies in one that has this result already stays.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="hasResult">Whether a folder has this result already.</param>
    /// <param name="write">Writes the result into an empty folder.</param>
    /// <exception cref="IOException">Something else is there.</exception>
    public static async Task WriteAsync(string folder, Func<string, bool> hasResult, Func<string, Task> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        if (Problem(folder, hasResult) is { } problem) throw new IOException(problem);
        var part = $"{Path.TrimEndingDirectorySeparator(folder)}.{Path.GetRandomFileName()}.part";
        Directory.CreateDirectory(part);
        try
        {
            await write(part);
            FileStore.Flush(part);
            if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any()) Directory.Delete(folder);
            try
            {
                Directory.Move(part, folder);
            }
            catch (IOException) when (Directory.Exists(folder))
            {
                // This result, put there before or by another process just now.
                Transfer(part, folder, (from, to) => File.Move(from, to, overwrite: true));
            }
        }
        finally
        {
            if (Directory.Exists(part)) Directory.Delete(part, recursive: true);
        }
    }

    /// <summary>Copies a folder's files, and those of the folders in it.</summary>
    public static void Copy(string from, string to) => Transfer(from, to, (source, target) => File.Copy(source, target));

    private static void Transfer(string from, string to, Action<string, string> put)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).ToList())
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            put(file, target);
        }
    }
}
