
namespace XInstruct.Training.Models;

/// <summary>A config.json that cannot be used.</summary>
public sealed class ModelConfigException(string file, string field, string problem) : Exception($"{file}: {field}: {problem}")
{
    /// <summary>File that was read.</summary>
    public string File { get; } = file;

    /// <summary>Field that is wrong.</summary>
    public string Field { get; } = field;
}

/// <summary>Scaling of rotary frequencies.</summary>
/// <param name="Kind">linear, dynamic or llama3.</param>
/// <param name="Factor">By how much the context is stretched.</param>
/// <param name="LowFactor">llama3: low_freq_factor.</param>
/// <param name="HighFactor">llama3: high_freq_factor.</param>
/// <param name="OriginalPositions">llama3: original_max_position_embeddings; dynamic: the positions that need no stretching.</param>
public sealed record RopeScaling(string Kind, double Factor, double LowFactor, double HighFactor, int OriginalPositions);

/// <summary>How a layer brings its input to one size.</summary>
public enum NormKind
{
    /// <summary>Root mean square, times a weight.</summary>
    Rms,

    /// <summary>Root mean square, times one plus a weight.</summary>
    RmsOnePlus,

    /// <summary>Mean 0 and variance 1, times a weight, plus a bias.</summary>
    Layer,
}

/// <summary>The function between the matrices of the feed-forward.</summary>
public enum Activation
{
    /// <summary>x σ(x).</summary>
    Silu,

    /// <summary>x Φ(x) by the error function.</summary>
    Gelu,

    /// <summary>x Φ(x) by its tanh approximation (Hendrycks and Gimpel 2016).</summary>
    GeluTanh,

    /// <summary>max(x, 0).</summary>
    Relu,
}

/// <summary>Shape and parts of a decoder; the words are those of Hugging Face's config.json.</summary>
public sealed record DecoderConfig
{
    /// <summary>model_type: which names the parameters carry.</summary>
    public string Family { get; init; } = "llama";

    public required int VocabularySize { get; init; }

    public required int HiddenSize { get; init; }

    public required int IntermediateSize { get; init; }

    public required int Layers { get; init; }

    public required int Heads { get; init; }

    public required int KeyValueHeads { get; init; }

    public required int HeadSize { get; init; }

    public NormKind Norm { get; init; } = NormKind.Rms;

    public double NormEpsilon { get; init; } = 1e-5;

    public Activation Activation { get; init; } = Activation.Silu;

    /// <summary>Biases of the query, key and value matrices.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>Bias of the matrix after attention.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Biases of the feed-forward.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>Attention and feed-forward see the same input and are added together.</summary>
    public bool ParallelResidual { get; init; }

    /// <summary>Embeddings are multiplied by √HiddenSize.</summary>
    public bool ScalesEmbedding { get; init; }

    /// <summary>Share of a head's values that positions rotate; the first ones.</summary>
    public double RotaryShare { get; init; } = 1;

    public double RopeTheta { get; init; } = 10_000;

    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Tokens a position sees, itself included; null for all before it.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>The first layer with a sliding window.</summary>
    public int WindowFromLayer { get; init; }

    public int MaxPositions { get; init; } = 2048;

    public bool TiesEmbeddings { get; init; }

    public double InitStd { get; init; } = 0.02;

    public int? EndId { get; init; }

    public int? PadId { get; init; }

    /// <summary>Values of a head that positions rotate.</summary>
    internal int RotarySize => (int)(HeadSize * RotaryShare);

    /// <summary>Names of this family's parts.</summary>
    internal FamilyNames Names => FamilyNames.Of(Family);

    /// <summary>Shape of a small model that starts from random weights; output and input embeddings are tied.</summary>
    public static DecoderConfig Llama(int vocabulary, int hidden, int layers, int heads, int intermediate, double initStd, int endId, int padId) => new()
    {
        VocabularySize = vocabulary,
        HiddenSize = hidden,
        IntermediateSize = intermediate,
        Layers = layers,
        Heads = heads,
        KeyValueHeads = heads,
        HeadSize = hidden / heads,
        TiesEmbeddings = true,
        InitStd = initStd,
        EndId = endId,
        PadId = padId,
    };

    /// <summary>Names of the linear layers, which adapters can be put on.</summary>
    public IReadOnlyList<string> LinearLayers =>
        [.. ParameterTable.Of(this).Where(p => p.Shape.Length == 2 && !p.Name.EndsWith($"{Names.Embedding}.weight", StringComparison.Ordinal)).Select(p => p.Name[..^".weight".Length])];

    /// <summary>Reads a folder's config.json.</summary>
    /// <exception cref="ModelConfigException">A field is missing, unknown or inconsistent; the message names it.</exception>
    public static DecoderConfig Load(string folder)
    {
        var path = Path.Combine(folder, "config.json");
        return ConfigFields.Read(path, root => new ConfigReader(path, root).Read());
    }

    /// <summary>config.json as transformers reads it.</summary>
    public string ToJson() => ConfigWriter.Write(this);
}
