using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Storage;

/// <summary>One file of a tree.</summary>
public sealed record TreeFile(string Name, long Bytes, string Sha256);

/// <summary>
/// The directory that all workers share. Inputs and trees (checkpoints) are named by their hash; work files by run and key; releases by run
/// and number. Every file appears whole, by a rename, or not at all.
/// </summary>
public sealed class FileStore(string root)
{
    /// <summary>The shared directory.</summary>
    public string Root { get; } = Path.GetFullPath(root);

    /// <summary>Folder of a run's releases.</summary>
    public string Releases(string run) => Path.Combine(Root, "releases", run);

    /// <summary>Copies an input file in; the result is its hash and size.</summary>
    public async Task<(string Sha256, long Bytes)> ImportAsync(string path, CancellationToken ct)
    {
        var temporary = Temporary();
        try
        {
            var (hash, bytes) = await CopyAsync(path, temporary, ct);
            var target = BlobPath(hash);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            if (!File.Exists(target)) File.Move(temporary, target, overwrite: true);
            return (hash, bytes);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>A fresh path for a file that will be stored or moved.</summary>
    public string NewFile() => Temporary();

    /// <summary>Stores a file that was written at <see cref="NewFile"/>, under its hash; the same bytes give the same hash.</summary>
    public async Task<(string Sha256, long Bytes)> PutFileAsync(string path, CancellationToken ct)
    {
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite)) RandomAccess.FlushToDisk(file);
        var entry = await EntryAsync(path, "", ct);
        var target = BlobPath(entry.Sha256);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        if (File.Exists(target)) File.Delete(path);
        else File.Move(path, target, overwrite: true);
        return (entry.Sha256, entry.Bytes);
    }

    /// <summary>True when a file is stored.</summary>
    public bool HasBlob(string hash) => File.Exists(BlobPath(hash));

    /// <summary>Path of an imported file.</summary>
    /// <exception cref="TamperedException">It is not there.</exception>
    public string Blob(string hash)
    {
        var path = BlobPath(hash);
        return File.Exists(path)
            ? path
            : throw new TamperedException($"Input {hash} is not in {Root}. Do all workers share this directory? 'xinstruct doctor' checks it.");
    }

    /// <summary>Stores a folder under the hash of its file table; the same content gives the same hash.</summary>
    public async Task<string> PutTreeAsync(string folder, CancellationToken ct)
    {
        Flush(folder);
        var files = await TableAsync(folder, ct);
        var hash = ContentHash.OfCanonical(files);
        var target = TreePath(hash);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        try
        {
            if (!Directory.Exists(target)) Directory.Move(folder, target);
        }
        catch (IOException) when (Directory.Exists(target))
        {
            // Another worker put the same tree there first.
        }

        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Moments.Reached(Moments.Filed);
        return hash;
    }

    /// <summary>Folder of a stored tree.</summary>
    /// <exception cref="TamperedException">It is not there.</exception>
    public string Tree(string hash)
    {
        var path = TreePath(hash);
        return Directory.Exists(path)
            ? path
            : throw new TamperedException($"Checkpoint {hash} is not in {Root}. Do all workers share this directory? 'xinstruct doctor' checks it.");
    }

    /// <summary>True when the tree is stored.</summary>
    public bool HasTree(string hash) => Directory.Exists(TreePath(hash));

    /// <summary>Brings a folder's files to the disk: what is moved in place and then named by an event must outlive a power cut.</summary>
    public static void Flush(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
            RandomAccess.FlushToDisk(file);
        }
    }

    /// <summary>An empty file without a name on this machine: it is gone with its stream, and with the process, however that ends.</summary>
    public static Stream Unnamed()
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.Delete });
        File.Delete(path);
        return file;
    }

    /// <summary>File table of a folder: names with forward slashes, sizes and hashes, by name.</summary>
    public static async Task<IReadOnlyList<TreeFile>> TableAsync(string folder, CancellationToken ct)
    {
        var files = new List<TreeFile>();
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            files.Add(await EntryAsync(path, Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/'), ct));
        }

        return [.. files.OrderBy(f => f.Name, StringComparer.Ordinal)];
    }

    /// <summary>A file as a table has it.</summary>
    public static async Task<TreeFile> EntryAsync(string path, string name, CancellationToken ct)
    {
        await using var stream = File.OpenRead(path);
        return new TreeFile(name, stream.Length, Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, ct)));
    }

    /// <summary>A fresh folder for something that will be stored or moved.</summary>
    public string NewFolder()
    {
        var path = Temporary();
        Directory.CreateDirectory(path);
        return path;
    }

    /// <summary>Path of a work file: a run's derived data, made again when it is lost.</summary>
    public string Work(string run, string key) => Path.Combine(Root, "work", run, key.Replace('/', Path.DirectorySeparatorChar));

    /// <summary>Writes a work file as JSON.</summary>
    public async Task WriteWorkAsync<T>(string run, string key, T value, CancellationToken ct)
    {
        await using var pending = await CreateAsync(Work(run, key), ct);
        await JsonSerializer.SerializeAsync(pending.Stream, value, EventJson.Options, ct);
        await pending.CommitAsync(ct);
    }

    /// <summary>Reads a work file; null when it is missing.</summary>
    public async Task<T?> ReadWorkAsync<T>(string run, string key, CancellationToken ct)
        where T : class
    {
        var path = Work(run, key);
        if (!File.Exists(path)) return null;
        await using var stream = File.OpenRead(path);
        return await JsonSerializer.DeserializeAsync<T>(stream, EventJson.Options, ct);
    }

    /// <summary>A file that appears at <paramref name="path"/> when it is committed.</summary>
    public Task<PendingFile> CreateAsync(string path, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        return Task.FromResult(new PendingFile(Temporary(), path));
    }

    /// <summary>Writes a file outside the store: it appears whole or stays as it was, also when several write it at once.</summary>
    public static async Task ReplaceAsync(string path, Func<Stream, Task> write)
    {
        var pending = $"{path}.{Path.GetRandomFileName()}.part";
        try
        {
            await using (var stream = File.Create(pending)) await write(stream);
            File.Move(pending, path, overwrite: true);
        }
        finally
        {
            File.Delete(pending);
        }
    }

    private string BlobPath(string hash) => Path.Combine(Root, "inputs", hash[..2], hash);

    private string TreePath(string hash) => Path.Combine(Root, "trees", hash[..2], hash);

    private string Temporary()
    {
        var folder = Path.Combine(Root, "tmp");
        Directory.CreateDirectory(folder);
        return Path.Combine(folder, Path.GetRandomFileName());
    }

    private static async Task<(string Sha256, long Bytes)> CopyAsync(string from, string to, CancellationToken ct)
    {
        await using var input = new FileStream(from, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, useAsync: true);
        await using var output = new FileStream(to, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16, useAsync: true);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
        try
        {
            long total = 0;
            int read;
            while ((read = await input.ReadAsync(buffer, ct)) > 0)
            {
                hash.AppendData(buffer, 0, read);
                await output.WriteAsync(buffer.AsMemory(0, read), ct);
                total += read;
            }

            await output.FlushAsync(ct);
            output.Flush(flushToDisk: true);
            return (Convert.ToHexStringLower(hash.GetHashAndReset()), total);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

/// <summary>A file being written. Nothing is seen at its final path until <see cref="CommitAsync"/>.</summary>
public sealed class PendingFile : IAsyncDisposable
{
    private readonly string _temporary;
    private readonly string _path;
    private readonly FileStream _stream;

    internal PendingFile(string temporary, string path)
    {
        (_temporary, _path) = (temporary, path);
        _stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16, useAsync: true);
    }

    /// <summary>Where to write.</summary>
    public Stream Stream => _stream;

    /// <summary>Flushes to the disk and renames.</summary>
    public async Task CommitAsync(CancellationToken ct)
    {
        await _stream.FlushAsync(ct);
        _stream.Flush(flushToDisk: true);
        await _stream.DisposeAsync();
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        File.Move(_temporary, _path, overwrite: true);
        Moments.Reached(Moments.Filed);
    }

    /// <summary>Writes one line of UTF-8.</summary>
    public async Task WriteLineAsync(string line, CancellationToken ct)
    {
        await _stream.WriteAsync(Encoding.UTF8.GetBytes(line), ct);
        _stream.WriteByte((byte)'\n');
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        File.Delete(_temporary);
    }
}
