using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using XInstruct.Domain.Recipes;
using XInstruct.Training.Scoring;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Encoders;

/// <summary>
/// A sentence encoder under ONNX Runtime. Safe for use by several threads. The same texts in the same order give the same numbers on the same
/// kind of machine; the other rows of a batch may change the last bits, so batches depend on the list alone.
/// </summary>
public sealed class SentenceEncoder : IDisposable
{
    // Rows times longest row of a batch.
    private const int BatchTokens = 4096;

    private readonly InferenceSession _session;
    private readonly EncoderShape _shape;
    private readonly EncoderTokenizer _tokenizer;
    private readonly EncoderOptions _options;

    private SentenceEncoder(InferenceSession session, EncoderShape shape, EncoderTokenizer tokenizer, EncoderOptions options) =>
        (_session, _shape, _tokenizer, _options) = (session, shape, tokenizer, options);

    /// <summary>Loads an encoder and has it read one text of the longest length.</summary>
    /// <param name="folder">Folder of <see cref="EncoderFolder.Files"/>.</param>
    /// <param name="options">The recipe's options; its path and device are not looked at.</param>
    /// <param name="threads">CPU threads.</param>
    /// <param name="device">Where it runs.</param>
    /// <exception cref="EncoderException">The model cannot be loaded, lacks what the options ask for, or fails.</exception>
    /// <exception cref="TokenizerFileException">The tokenizer cannot be used.</exception>
    public static SentenceEncoder Open(string folder, EncoderOptions options, int threads, EncoderDevice device)
    {
        var model = Path.Combine(folder, EncoderFolder.Model);
        _ = EncoderFolder.Files(folder);
        var tokenizer = EncoderTokenizer.Load(folder);
        InferenceSession? session = null;
        try
        {
            using var settings = new SessionOptions { IntraOpNumThreads = threads, InterOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
            // Threads that spin while they wait take the machine from the other workers on it.
            settings.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
            if (EncoderDevices.UsesCuda(device)) settings.AppendExecutionProvider_CUDA(0);
            session = new InferenceSession(model, settings);
            var encoder = new SentenceEncoder(session, EncoderShape.Of(session, options.Pooling, model), tokenizer, options);
            // A tokenizer of another model has ids that this one lacks, and positions end somewhere.
            encoder.Run([[.. Enumerable.Repeat(tokenizer.MaxId, options.MaxTokens)]]);
            return encoder;
        }
        catch (Exception e) when (e is OnnxRuntimeException or EncoderException or OutOfMemoryException)
        {
            session?.Dispose();
            throw e as EncoderException ?? new EncoderException(
                string.Create(CultureInfo.InvariantCulture, $"{model} cannot be used with ids up to {tokenizer.MaxId} and {options.MaxTokens} tokens (diversify.encoder.maxTokens): {e.Message}"), e);
        }
        catch
        {
            session?.Dispose();
            throw;
        }
    }

    /// <summary>The ids of a text with the prefix of the options before it.</summary>
    public int[] Encode(string text) => _tokenizer.Encode(_options.Prefix + text, _options.MaxTokens);

    /// <summary>One vector a row, in the order given; all have the model's width.</summary>
    /// <exception cref="EncoderException">The model gives numbers that are none.</exception>
    public IReadOnlyList<float[]> Embed(IReadOnlyList<int[]> rows, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var vectors = new float[rows.Count][];
        foreach (var batch in LengthBatches.Of(rows, row => row.Length, BatchTokens))
        {
            cancellation.ThrowIfCancellationRequested();
            var embedded = Run([.. batch.Select(i => rows[i])]);
            for (var i = 0; i < batch.Length; i++) vectors[batch[i]] = embedded[i];
        }

        return vectors;
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    private float[][] Run(int[][] rows)
    {
        var length = rows.Max(row => row.Length);
        var inputs = new Dictionary<string, OrtValue>(StringComparer.Ordinal);
        try
        {
            foreach (var (name, role, isWide) in _shape.Inputs)
            {
                inputs[name] = isWide ? Filled<long>(rows, length, role, v => v) : Filled(rows, length, role, v => v);
            }

            using var run = new RunOptions();
            using var outputs = _session.Run(run, inputs, [_shape.Output]);
            return Pool(outputs[0], rows, length);
        }
        finally
        {
            foreach (var value in inputs.Values) value.Dispose();
        }
    }

    private OrtValue Filled<T>(int[][] rows, int length, EncoderInput role, Func<int, T> number)
        where T : unmanaged
    {
        var values = new T[rows.Length * length]; // (B, T); token types are all 0
        for (var i = 0; i < rows.Length && role != EncoderInput.TokenTypes; i++)
        {
            for (var t = 0; t < length; t++)
            {
                values[(i * length) + t] = number(role == EncoderInput.Mask ? (t < rows[i].Length ? 1 : 0) : t < rows[i].Length ? rows[i][t] : _tokenizer.PadId);
            }
        }

        return OrtValue.CreateTensorValueFromMemory(values, [rows.Length, length]);
    }

    private float[][] Pool(OrtValue output, int[][] rows, int length)
    {
        var shape = output.GetTensorTypeAndShape().Shape;
        var isWhole = shape.Length == 2;
        if (shape.Length is not (2 or 3) || shape[0] != rows.Length || isWhole != (_options.Pooling == EncoderPooling.Pooler) || (!isWhole && shape[1] != length))
        {
            throw new EncoderException(
                $"The encoder's output '{_shape.Output}' has the shape ({string.Join(", ", shape)}) for {rows.Length} rows of {length} tokens, which the pooling '{_options.Pooling.ToString().ToLowerInvariant()}' cannot use.");
        }

        var values = output.GetTensorDataAsSpan<float>();
        var width = (int)shape[^1];
        var vectors = new float[rows.Length][];
        for (var i = 0; i < rows.Length; i++)
        {
            // (B, D) or (B, T, D); only a mean reads more than the first token.
            var row = values.Slice(i * (isWhole ? width : length * width), isWhole ? width : length * width);
            vectors[i] = Finish(row, width, _options.Pooling == EncoderPooling.Mean ? rows[i].Length : 1);
        }

        return vectors;
    }

    private float[] Finish(ReadOnlySpan<float> hidden, int width, int tokens)
    {
        var sums = new double[width];
        for (var t = 0; t < tokens; t++)
        {
            for (var d = 0; d < width; d++) sums[d] += hidden[(t * width) + d];
        }

        var norm = 0.0;
        for (var d = 0; d < width; d++)
        {
            sums[d] /= tokens;
            norm += sums[d] * sums[d];
        }

        if (!double.IsFinite(norm)) throw new EncoderException($"The encoder's output '{_shape.Output}' has numbers that are none (NaN or infinite).");
        var scale = _options.Normalize && norm > 0 ? 1 / Math.Sqrt(norm) : 1;
        return [.. sums.Select(s => (float)(s * scale))];
    }
}
