namespace XInstruct.Tests;

/// <summary>
/// A sentence encoder of width 2 whose vectors are worked out by hand. A word is cut into its letters: [CLS] 2, [SEP] 3, a–z 4–29, ##a–##z 30–55.
/// A token with id n in a row of T unmasked tokens whose ids sum to S has the vector (n + S, 1 + T), in which a masked token would show.
/// </summary>
public static class TinyEncoder
{
    private const int Pieces = 56;

    /// <summary>Name of the file with the weights when they lie outside.</summary>
    public const string WeightsFile = "weights.bin";

    /// <summary>Writes model.onnx and tokenizer.json.</summary>
    /// <param name="folder">Created when it is not there.</param>
    /// <param name="weights">Name of a file for the embeddings; null: inside.</param>
    /// <param name="type">Number type of the inputs.</param>
    public static string Write(string folder, string? weights = null, int type = OnnxWriter.Int64)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), Model(weights, type));
        if (weights == WeightsFile) File.WriteAllBytes(Path.Combine(folder, weights), OnnxWriter.Raw(Embedding));
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), Tokenizer());
        return folder;
    }

    /// <summary>The ids of ASCII words: the answer of another, simpler tokenizer.</summary>
    public static int[] Ids(string text) =>
        [2, .. text.ToLowerInvariant().Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).SelectMany(w => w.Select((c, i) => (i == 0 ? 4 : 30) + c - 'a')), 3];

    /// <summary>The mean of a text's token vectors.</summary>
    public static float[] Mean(int[] ids) => [(float)(ids.Average() + ids.Sum()), 1 + ids.Length];

    /// <summary>tokenizer.json, with pieces beyond the model's when asked.</summary>
    public static string Tokenizer(int more = 0)
    {
        var letters = Enumerable.Range('a', 26).Select(c => (char)c).ToList();
        string[] pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", .. letters.Select(c => $"{c}"), .. letters.Select(c => $"##{c}"), .. Enumerable.Range(0, more).Select(i => $"more{i}")];
        return $$$"""
            {
              "added_tokens": [{"id": 2, "content": "[CLS]", "special": true}, {"id": 3, "content": "[SEP]", "special": true}],
              "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
              "pre_tokenizer": {"type": "BertPreTokenizer"},
              "post_processor": {"type": "TemplateProcessing", "single": [
                {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]},
              "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                "vocab": { {{{string.Join(", ", pieces.Select((p, i) => $"\"{p}\": {i}"))}}} }}
            }
            """;
    }

    private static float[] Embedding => [.. Enumerable.Range(0, Pieces).SelectMany(i => new[] { i, 0.5f })];

    private static byte[] Model(string? weights, int type) => OnnxWriter.Model(
        OnnxWriter.Input("input_ids", type, "batch", "length"),
        OnnxWriter.Input("attention_mask", type, "batch", "length"),
        OnnxWriter.Input("token_type_ids", type, "batch", "length"),
        OnnxWriter.Weights("embedding", [Pieces, 2], Embedding, weights),
        OnnxWriter.Weights("types", [2, 2], [0, 0.5f, 1000, 1000]),
        OnnxWriter.Weights("turn", [2, 2], [1, 0, 0, 1]),
        OnnxWriter.Numbers("last", [1], 2),
        OnnxWriter.Numbers("middle", [1], 1),
        OnnxWriter.Numbers("first", [], 0),
        OnnxWriter.Node("Gather", ["embedding", "input_ids"], "pieces"),
        OnnxWriter.Node("Gather", ["types", "token_type_ids"], "typed"),
        OnnxWriter.Node("Add", ["pieces", "typed"], "tokens"), // (n, 1)
        OnnxWriter.Node("Cast", ["attention_mask"], "mask", "to", OnnxWriter.Float),
        OnnxWriter.Node("Unsqueeze", ["mask", "last"], "mask_wide"),
        OnnxWriter.Node("Mul", ["tokens", "mask_wide"], "seen"),
        OnnxWriter.Node("ReduceSum", ["seen", "middle"], "sum", "keepdims", 1), // (S, T)
        OnnxWriter.Node("Add", ["tokens", "sum"], "mixed"), // (n + S, 1 + T)
        OnnxWriter.Node("MatMul", ["mixed", "turn"], "last_hidden_state"),
        OnnxWriter.Node("Gather", ["last_hidden_state", "first"], "cls", "axis", 1),
        OnnxWriter.Node("Neg", ["cls"], "pooler_output"),
        OnnxWriter.Output("last_hidden_state", OnnxWriter.Float, "batch", "length", 2),
        OnnxWriter.Output("pooler_output", OnnxWriter.Float, "batch", 2));
}
