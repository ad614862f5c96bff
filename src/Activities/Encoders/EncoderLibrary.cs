using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Encoders;

/// <summary>The encoder of the run that is embedding, loaded once and shared by all its activities in this process.</summary>
public sealed class EncoderLibrary(FileStore files) : IDisposable
{
    private const string Role = "diversify.encoder/";
    private readonly SemaphoreSlim _gate = new(1, 1);
    private string? _key;
    private SentenceEncoder? _encoder;

    /// <summary>Hash of a run's encoder: of the names, sizes and hashes of its files.</summary>
    public static string Hash(RecipeDocument document) => ContentHash.OfCanonical(Table(document));

    /// <summary>The encoder that a recipe names.</summary>
    /// <exception cref="Temporalio.Exceptions.ApplicationFailureException">It cannot be used: <see cref="BadInput"/>.</exception>
    public async Task<SentenceEncoder> LoadAsync(RecipeDocument document, CancellationToken ct)
    {
        var (options, threads) = (document.Recipe.Diversify.Encoder!, document.Recipe.Threads);
        var key = ContentHash.OfCanonical(new { Encoder = Hash(document), Options = options, Threads = threads });
        await _gate.WaitAsync(ct);
        try
        {
            if (_key == key) return _encoder!;
            var folder = await FolderAsync(document, ct);
            // The one before belongs to a run whose activities on this queue, one at a time, are over.
            (_key, var last) = (null, _encoder);
            last?.Dispose();
            _encoder = SentenceEncoder.Open(folder, options, threads, options.Device);
            _key = key;
            return _encoder;
        }
        catch (Exception e) when (BadInput.IsIn(e))
        {
            throw BadInput.Failure(e.Message, e);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoder?.Dispose();
        _gate.Dispose();
    }

    private static List<TreeFile> Table(RecipeDocument document) => [.. document.Inputs
        .Where(i => i.Role.StartsWith(Role, StringComparison.Ordinal))
        .Select(i => new TreeFile(i.Role[Role.Length..], i.Bytes, i.Sha256))
        .OrderBy(f => f.Name, StringComparer.Ordinal)];

    /// <summary>The encoder's files under their own names, as ONNX Runtime looks for weights beside the model.</summary>
    private async Task<string> FolderAsync(RecipeDocument document, CancellationToken ct)
    {
        var table = Table(document);
        var hash = ContentHash.OfCanonical(table);
        if (files.HasTree(hash)) return files.Tree(hash);
        var folder = files.NewFolder();
        foreach (var file in table) File.Copy(files.Blob(file.Sha256), Path.Combine(folder, file.Name));
        return files.Tree(await files.PutTreeAsync(folder, ct));
    }
}
