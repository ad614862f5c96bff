using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using XInstruct.Activities.Encoders;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Jobs;

/// <summary>A job as its kind sees it: its inputs, and what its parts gave.</summary>
public abstract class JobContext
{
    private readonly JobStore _store;
    private readonly Dictionary<string, IReadOnlyList<string>> _parts = new(StringComparer.Ordinal);

    private protected JobContext(string id, JobDocument document, JobStore store) => (Id, Document, _store) = (id, document, store);

    /// <summary>Job id.</summary>
    public string Id { get; }

    /// <summary>The canonical recipe.</summary>
    public JobDocument Document { get; }

    /// <summary>A registered service, e.g. a library of models.</summary>
    public T Get<T>()
        where T : notnull => _store.Services.GetRequiredService<T>();

    /// <summary>Whether there is an input of that role.</summary>
    public bool Has(string role) => Document.Inputs.Any(i => i.Role == role || i.Role.StartsWith(role + "/", StringComparison.Ordinal));

    /// <summary>Path of the stored bytes of an input file; it has no extension.</summary>
    /// <param name="role">Dotted key of its path in the recipe, and of a folder's file its name: <c>models.0.path/config.json</c>.</param>
    public string Input(string role) => _store.Files.Blob(Hash(role));

    /// <summary>SHA-256 of an input file.</summary>
    public string Hash(string role) => Document.Inputs.FirstOrDefault(i => i.Role == role)?.Sha256 ?? throw new KeyNotFoundException($"Job {Id} has no input {role}.");

    /// <summary>Names of a folder's files, relative to it.</summary>
    public IReadOnlyList<string> Names(string key) => [.. Document.Inputs.Where(i => i.Role.StartsWith(key + "/", StringComparison.Ordinal)).Select(i => i.Role[(key.Length + 1)..])];

    /// <summary>A folder that has the files of an input folder under their names. They are links to what is stored, an encoder's are copies: nobody writes there.</summary>
    public string Folder(string key)
    {
        var target = _store.Files.Work(Id, $"folders/{key}");
        if (Directory.Exists(target)) return target;
        var folder = _store.Files.NewFolder();
        foreach (var name in Names(key))
        {
            var path = Path.Combine(folder, name.Replace('/', Path.DirectorySeparatorChar));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            // ONNX Runtime reads no weights that lie outside the folder of their model, wherever links say they are.
            if (Names(key).Contains(EncoderFolder.Model)) File.Copy(Input($"{key}/{name}"), path);
            else File.CreateSymbolicLink(path, Input($"{key}/{name}"));
        }

        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        try
        {
            Directory.Move(folder, target);
        }
        catch (IOException) when (Directory.Exists(target))
        {
            // Another part put the same folder there.
            Directory.Delete(folder, recursive: true);
        }

        return target;
    }

    /// <summary>Hash of an input folder's files and names: what a model or encoder is.</summary>
    public string FolderHash(string key) => ContentHash.OfCanonical(Names(key).Select(name => new { Name = name, Sha256 = Hash($"{key}/{name}") }).ToList());

    /// <summary>Path for derived data that may be lost and is made again. Workers share it: what appears there must appear whole.</summary>
    public string Scratch(string name) => _store.Files.Work(Id, $"scratch/{name}");

    /// <summary>How many parts a stage that has ended has.</summary>
    public async Task<int> CountAsync(string stage, CancellationToken ct) => (await PartsAsync(stage, ct)).Count;

    /// <summary>Path of what a part of a stage that has ended gave.</summary>
    public async Task<string> PartPathAsync(string stage, int part, CancellationToken ct) => _store.Files.Blob((await PartsAsync(stage, ct))[part]);

    /// <summary>Rows of a part of a stage that has ended.</summary>
    public async IAsyncEnumerable<T> ReadPartAsync<T>(string stage, int part, [EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var line in File.ReadLinesAsync(await PartPathAsync(stage, part, ct), ct)) yield return JsonSerializer.Deserialize<T>(line, EventJson.Options)!;
    }

    /// <summary>Some rows of a part of a stage that has ended. Those before them are passed over as bytes: windows of a large part begin far down.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="part">Number of the part.</param>
    /// <param name="first">Number of the first row, from 0.</param>
    /// <param name="count">Rows at most.</param>
    /// <param name="ct">Cancellation.</param>
    public async Task<IReadOnlyList<T>> ReadPartAsync<T>(string stage, int part, int first, int count, CancellationToken ct) =>
        [.. LineFile.Read(await PartPathAsync(stage, part, ct)).Skip(first).Take(count).Select(line => JsonSerializer.Deserialize<T>(line.Line.Span, EventJson.Options)!)];

    /// <summary>Rows of all parts of a stage that has ended, in order.</summary>
    public async IAsyncEnumerable<T> ReadAsync<T>(string stage, [EnumeratorCancellation] CancellationToken ct)
    {
        for (var part = 0; part < await CountAsync(stage, ct); part++)
        {
            await foreach (var row in ReadPartAsync<T>(stage, part, ct)) yield return row;
        }
    }

    private async Task<IReadOnlyList<string>> PartsAsync(string stage, CancellationToken ct)
    {
        if (_parts.TryGetValue(stage, out var known)) return known;
        return _parts[stage] = await _store.FilesAsync(Document.Hash, stage, ct) ?? throw new InvalidOperationException($"Stage {stage} of job {Id} has not ended.");
    }
}

/// <summary>A job with its recipe.</summary>
public sealed class JobContext<TRecipe> : JobContext
    where TRecipe : JobRecipe
{
    internal JobContext(string id, JobDocument document, TRecipe recipe, JobStore store)
        : base(id, document, store) => Recipe = recipe;

    /// <summary>Settings; paths are empty.</summary>
    public TRecipe Recipe { get; }
}
