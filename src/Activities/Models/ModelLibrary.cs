using TorchSharp;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Models;

/// <summary>A model and the tokenizer that belongs to it.</summary>
public sealed record LocalModel(Decoder Decoder, TextTokenizer Tokenizer);

/// <summary>Checkpoints by hash, loaded once and kept while they are among the last few used.</summary>
public sealed class ModelLibrary(FileStore files) : IDisposable
{
    private const int Kept = 4;

    // Of models that are kept beside the one in use.
    private const long KeptBytes = 2L << 30;

    private readonly LinkedList<(string Key, LocalModel Model, long Bytes)> _recent = [];
    private readonly Lock _gate = new();

    /// <summary>What decides the last bits of a local model's numbers: CPU kind, libtorch version and, with the recipe, the thread count.</summary>
    public static string Device(int threads) =>
        $"{(torch.cuda.is_available() ? "cuda" : "cpu")} {System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture} torch {torch.__version__} threads {threads}";

    /// <summary>The model of a checkpoint.</summary>
    public LocalModel Load(string checkpoint) =>
        Load(checkpoint, () => Read(files.Tree(checkpoint), torch.cuda.is_available() ? torch.CUDA : torch.CPU));

    /// <summary>The model that has a key, e.g. its files' hashes and how they are loaded.</summary>
    /// <param name="key">Two models with one key are the same.</param>
    /// <param name="load">Loads it when it is not there.</param>
    public LocalModel Load(string key, Func<LocalModel> load)
    {
        lock (_gate)
        {
            var node = _recent.First;
            while (node is not null && node.Value.Key != key) node = node.Next;
            if (node is not null)
            {
                _recent.Remove(node);
                _recent.AddFirst(node);
                return node.Value.Model;
            }

            // Room first: two models that fill a GPU each do not fit at once.
            while (_recent.Count >= Kept || _recent.Sum(m => m.Bytes) > KeptBytes)
            {
                _recent.Last!.Value.Model.Decoder.Dispose();
                _recent.RemoveLast();
            }

            var model = load();
            _recent.AddFirst((key, model, model.Decoder.parameters().Sum(p => p.NumberOfElements * p.ElementSize)));
            return model;
        }
    }

    // A base model is the user's; one of our own that does not load is damaged, which no retry mends either.
    private static LocalModel Read(string folder, torch.Device device)
    {
        try
        {
            return new LocalModel(Checkpoint.Load(folder, device), TextTokenizer.Load(folder));
        }
        catch (Exception e) when (BadInput.IsIn(e))
        {
            throw BadInput.Failure(e.Message, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var (_, model, _) in _recent) model.Decoder.Dispose();
            _recent.Clear();
        }
    }
}
