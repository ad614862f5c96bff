namespace XInstruct.Training.Models;

/// <summary>Names and shapes of a model's parameters, in their order, told from its configuration alone: a checkpoint is compared with them before anything is allocated.</summary>
internal static class ParameterTable
{
    public static IEnumerable<(string Name, long[] Shape)> Of(DecoderConfig config)
    {
        var names = config.Names;
        yield return ($"{names.Body}.{names.Embedding}.weight", [config.VocabularySize, config.HiddenSize]);
        for (var i = 0; i < config.Layers; i++)
        {
            foreach (var (name, shape) in Layer(config)) yield return ($"{names.Body}.layers.{i}.{name}", shape);
        }

        foreach (var part in Norm(names.FinalNorm, config)) yield return ($"{names.Body}.{part.Name}", part.Shape);
        if (!config.TiesEmbeddings) yield return ($"{names.Head}.weight", [config.VocabularySize, config.HiddenSize]);
    }

    private static IEnumerable<(string Name, long[] Shape)> Layer(DecoderConfig config)
    {
        var names = config.Names;
        long hidden = config.HiddenSize, inner = config.IntermediateSize, size = config.HeadSize;
        long query = config.Heads * size, keys = config.KeyValueHeads * size;
        IEnumerable<(string Name, long[] Shape)> parts = names.Fused is { } fused
            ? Matrix($"{names.Attention}.{fused}", hidden, 3 * query, config.QueryKeyValueBias)
            :
            [
                .. Matrix($"{names.Attention}.q_proj", hidden, query, config.QueryKeyValueBias),
                .. Matrix($"{names.Attention}.k_proj", hidden, keys, config.QueryKeyValueBias),
                .. Matrix($"{names.Attention}.v_proj", hidden, keys, config.QueryKeyValueBias),
            ];
        return
        [
            .. parts,
            .. Matrix($"{names.Attention}.{names.Output}", query, hidden, config.OutputBias),
            .. names.Gate is { } gate ? Matrix("mlp." + gate, hidden, inner, config.FeedForwardBias) : [],
            .. Matrix("mlp." + names.Up, hidden, inner, config.FeedForwardBias),
            .. Matrix("mlp." + names.Down, inner, hidden, config.FeedForwardBias),
            .. Norm("input_layernorm", config),
            .. Norm("post_attention_layernorm", config),
        ];
    }

    private static IEnumerable<(string Name, long[] Shape)> Matrix(string name, long input, long output, bool bias)
    {
        yield return (name + ".weight", [output, input]);
        if (bias) yield return (name + ".bias", [output]);
    }

    private static IEnumerable<(string Name, long[] Shape)> Norm(string name, DecoderConfig config)
    {
        yield return (name + ".weight", [config.HiddenSize]);
        if (config.Norm == NormKind.Layer) yield return (name + ".bias", [config.HiddenSize]);
    }
}
