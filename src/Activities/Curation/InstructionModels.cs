using XInstruct.Activities.Encoders;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Models;
using XInstruct.Domain.Recipes;
using XInstruct.Training.Embeddings;
using XInstruct.Training.Scoring;

namespace XInstruct.Activities.Curation;

/// <summary>The models of a curation, which read instructions. The last of each kind stays loaded for the parts that follow.</summary>
public sealed class InstructionModels(ModelLibrary library) : IDisposable
{
    private readonly Lock _gate = new();
    private (string Key, SentenceEncoder Encoder)? _encoder;

    /// <summary>
    /// Perplexity of each instruction: exp(−1/(T−1) Σ log p(token | those before it)) without a token that begins a text, rounded to two decimals. One that is
    /// a single token has none.
    /// </summary>
    internal IReadOnlyList<PerplexityLine> Perplexities(string folder, CurationRecipe recipe, IReadOnlyList<string> instructions, CancellationToken ct)
    {
        lock (_gate)
        {
            var model = Model(folder, recipe);
            var most = recipe.Perplexity.MaxTokens;
            Fits("perplexity", most, model);
            var ids = instructions.Select(text => model.Tokenizer.Encode(text)).Select(ids => ids.Length > most ? ids[..most] : ids).ToList();
            var requests = ids.Where(row => row.Length > 1).Select(row => new ScoreRequest(row[..1], row[1..])).ToList();
            using var scores = SequenceScorer.Score(model.Decoder, requests, recipe.Perplexity.BatchTokens, recipe.Threads, ct).GetEnumerator();
            return [.. ids.Select(row => row.Length > 1 && scores.MoveNext() ? Line(scores.Current) : new PerplexityLine(null, SourceMerger.OneToken))];
        }

        static PerplexityLine Line(SequenceScore score) => Math.Exp(-score.Mean) is var value && double.IsFinite(value)
            ? new PerplexityLine(Math.Round(value, 2))
            : new PerplexityLine(null, SourceMerger.BadPerplexity);
    }

    /// <summary>The vector of each instruction, by a sentence encoder.</summary>
    public IReadOnlyList<float[]> EncoderVectors(string folder, CurationRecipe recipe, IReadOnlyList<string> instructions, CancellationToken ct)
    {
        lock (_gate)
        {
            var encoder = Encoder(folder, recipe);
            return encoder.Embed([.. instructions.Select(encoder.Encode)], ct);
        }
    }

    /// <summary>The vector of each instruction, by a model.</summary>
    public IReadOnlyList<float[]> ModelVectors(string folder, CurationRecipe recipe, IReadOnlyList<string> instructions, CancellationToken ct)
    {
        lock (_gate)
        {
            var (model, options) = (Model(folder, recipe), recipe.Vectors);
            Fits("vectors", options.MaxTokens, model);
            var ids = instructions.Select(text => model.Tokenizer.Encode(options.Prefix + text)).Select(ids => ids.Length > options.MaxTokens ? ids[..options.MaxTokens] : ids).ToList();
            return TextEmbedder.Embed(model.Decoder, ids, options.Normalize, options.BatchTokens, recipe.Threads, ct);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _encoder?.Encoder.Dispose();

    private static void Fits(string section, int tokens, LocalModel model)
    {
        if (tokens > model.Decoder.Config.MaxPositions)
            throw new JobException($"{section}.maxTokens is {tokens}, but the model of {section}.model takes {model.Decoder.Config.MaxPositions} tokens. Set it to that or less.");
    }

    private LocalModel Model(string folder, CurationRecipe recipe)
    {
        // The same numbers on every kind of machine are worth more here than half the memory.
        var model = new ModelFolder(folder, Device: Device(recipe.Device), Type: "float32");
        return library.Load($"{folder} {model.UsedDevice} {model.UsedType}", model.Load);
    }

    private SentenceEncoder Encoder(string folder, CurationRecipe recipe)
    {
        var options = new EncoderOptions { Path = folder, Pooling = recipe.Vectors.Pooling, Normalize = recipe.Vectors.Normalize, MaxTokens = recipe.Vectors.MaxTokens, Prefix = recipe.Vectors.Prefix };
        var device = recipe.Device switch
        {
            ComputeDevice.Cpu => EncoderDevice.Cpu,
            ComputeDevice.Cuda => EncoderDevice.Cuda,
            _ => EncoderDevice.Auto,
        };
        var key = $"{folder}\0{recipe.Threads}\0{device}\0{options.Pooling}\0{options.Normalize}\0{options.MaxTokens}\0{options.Prefix}";
        if (_encoder?.Key == key) return _encoder.Value.Encoder;
        _encoder?.Encoder.Dispose();
        _encoder = null;
        var encoder = SentenceEncoder.Open(folder, options, recipe.Threads, device);
        _encoder = (key, encoder);
        return encoder;
    }

    private static string? Device(ComputeDevice device) => device switch
    {
        ComputeDevice.Cpu => "cpu",
        ComputeDevice.Cuda => "cuda",
        _ => null,
    };
}
