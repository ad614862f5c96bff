using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Encoders;

/// <summary>What an input of an encoder is for.</summary>
internal enum EncoderInput
{
    Ids,
    Mask,
    TokenTypes,
}

/// <summary>Inputs (and whether they are 64 bits wide) and the output of an encoder that its pooling reads.</summary>
internal sealed record EncoderShape(IReadOnlyList<(string Name, EncoderInput Role, bool IsWide)> Inputs, string Output)
{
    private static readonly Dictionary<string, EncoderInput> Known = new(StringComparer.Ordinal)
    {
        ["input_ids"] = EncoderInput.Ids,
        ["attention_mask"] = EncoderInput.Mask,
        ["token_type_ids"] = EncoderInput.TokenTypes,
    };

    /// <summary>Looks at what a model takes and gives.</summary>
    /// <exception cref="EncoderException">It takes or gives something else.</exception>
    public static EncoderShape Of(InferenceSession session, EncoderPooling pooling, string path)
    {
        var inputs = new List<(string, EncoderInput, bool)>();
        foreach (var (name, input) in session.InputMetadata)
        {
            if (!Known.TryGetValue(name, out var role)) throw new EncoderException($"{path} has an input '{name}'. A sentence encoder has input_ids, attention_mask and maybe token_type_ids.");
            if (!input.IsTensor || input.ElementDataType is not (TensorElementType.Int64 or TensorElementType.Int32))
                throw new EncoderException($"{path}: the input '{name}' is no tensor of whole numbers of 64 or 32 bits.");
            inputs.Add((name, role, input.ElementDataType == TensorElementType.Int64));
        }

        foreach (var needed in new[] { "input_ids", "attention_mask" })
        {
            // Without a mask the padding of a short row would take part.
            if (!session.InputMetadata.ContainsKey(needed)) throw new EncoderException($"{path} has no input '{needed}'; it has {string.Join(", ", session.InputMetadata.Keys)}.");
        }

        return new EncoderShape(inputs, OutputOf(session, pooling, path));
    }

    // By the names of the common exporters, else the first of the right rank.
    private static string OutputOf(InferenceSession session, EncoderPooling pooling, string path)
    {
        var (names, rank) = pooling == EncoderPooling.Pooler ? (new[] { "pooler_output", "sentence_embedding" }, 2) : (["last_hidden_state", "token_embeddings"], 3);
        var floats = session.OutputMetadata.Where(o => o.Value.IsTensor && o.Value.ElementDataType == TensorElementType.Float).ToList();
        return names.FirstOrDefault(n => floats.Exists(o => o.Key == n))
            ?? floats.Find(o => o.Value.Dimensions.Length == rank).Key
            ?? throw new EncoderException(
                $"{path} has no output of {rank} dimensions in 32-bit floats, which the pooling '{pooling.ToString().ToLowerInvariant()}' needs; it has " +
                $"{string.Join(", ", session.OutputMetadata.Select(o => $"{o.Key} ({(o.Value.IsTensor ? $"{o.Value.ElementDataType}, {o.Value.Dimensions.Length} dimensions" : "no tensor")})"))}.");
    }
}
