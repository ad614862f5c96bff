using System.Text.Json;
using XInstruct.Training.Tokenizers;
using Xunit.Abstractions;

namespace XInstruct.Training.Tests.Tokenizers;

/// <summary>Expected ids, pieces, offsets and texts from the reference libraries; the vectors hold foreign text, so they are read where they lie.</summary>
public sealed class GoldenTokenizerTests(ITestOutputHelper output)
{
    private readonly List<string> _wrong = [];

    [Fact]
    public void Tokenizer_GoldenFolders_AreExact()
    {
        var folders = Golden.Folders("tokenizers").Where(folder => File.Exists(Path.Combine(folder.Path, TextTokenizer.FileName))).ToList();
        if (folders.Count == 0) output.WriteLine("skipped: there is no folder 'tokenizers' with a tokenizer.json");
        foreach (var (name, path) in folders)
        {
            var golden = Golden.Json(Path.Combine(path, "golden.json"));
            var tokenizer = TextTokenizer.Load(path);
            Same(name, "size", tokenizer.Size, golden.GetProperty("vocab_size_with_added").GetInt32());
            var cases = golden.GetProperty("cases").EnumerateArray().ToList();
            foreach (var item in cases) CheckCase(name, tokenizer, item);
            var random = golden.GetProperty("decode_random_ids").EnumerateArray().ToList();
            foreach (var item in random) CheckDecoded(name, tokenizer, item, item.GetProperty("ids").Ints());
            var pairs = golden.GetProperty("pairs").EnumerateArray().ToList();
            foreach (var item in pairs) CheckPair(name, tokenizer, item);
            output.WriteLine($"{name}: {cases.Count} texts, {random.Count} random ids, {pairs.Count} pairs");
        }

        _wrong.ShouldBeEmpty();
    }

    [Fact]
    public void SentencePiece_GoldenModels_AreExact()
    {
        var models = Golden.Folders("tokenizers").SelectMany(folder => Directory.GetFiles(folder.Path, "*.model")).Order(StringComparer.Ordinal).ToList();
        if (models.Count == 0) output.WriteLine("skipped: there is no .model file under 'tokenizers'");
        foreach (var path in models)
        {
            var name = Path.GetFileNameWithoutExtension(path);
            var golden = Golden.Json(Path.ChangeExtension(path, ".golden.json"));
            var tokenizer = TextTokenizer.ParseSentencePiece(File.ReadAllBytes(path), path);
            foreach (var item in golden.GetProperty("vocab_sample").EnumerateArray())
                Same(name, "piece", tokenizer.FindPiece(item.GetProperty("id").GetInt32()), item.GetProperty("piece").GetString());
            var cases = golden.GetProperty("cases").EnumerateArray().ToList();
            foreach (var item in cases)
            {
                var text = item.GetProperty("text").GetString()!;
                var ids = item.GetProperty("ids").Ints();
                Same($"{name} {Tag(item)}", $"ids of {text}", tokenizer.Encode(text), ids);
                Same($"{name} {Tag(item)}", $"pieces of {text}", tokenizer.Tokenize(text).Select(token => token.Piece).ToArray(), Strings(item, "pieces"));
                CheckDecoded($"{name} {Tag(item)}", tokenizer, item, ids);
            }

            var random = golden.GetProperty("decode_random_ids").EnumerateArray().ToList();
            foreach (var item in random) CheckDecoded(name, tokenizer, item, item.GetProperty("ids").Ints());
            output.WriteLine($"sentencepiece/{name}: {cases.Count} texts, {random.Count} random ids");
        }

        _wrong.ShouldBeEmpty();
    }

    private void CheckCase(string name, TextTokenizer tokenizer, JsonElement item)
    {
        var text = item.GetProperty("text").GetString()!;
        var what = $"{name} {Tag(item)}";
        var expected = item.GetProperty("ids").Ints();
        Same(what, $"ids of {text}", tokenizer.Encode(text), expected);
        Same(what, $"ids with special of {text}", tokenizer.Encode(text, addSpecialTokens: true), item.TryGetProperty("ids_with_special", out var special) ? special.Ints() : expected);
        if (item.TryGetProperty("offsets", out var offsets))
        {
            var tokens = tokenizer.Tokenize(text);
            Same(what, $"ids of tokens of {text}", tokens.Select(token => token.Id).ToArray(), expected);
            Same(what, $"pieces of {text}", tokens.Select(token => token.Piece).ToArray(), Strings(item, "tokens"));
            Same(what, $"offsets of {text}", tokens.Select(token => $"{token.Start}-{token.End}").ToArray(), offsets.EnumerateArray().Select(pair => $"{pair[0]}-{pair[1]}").ToArray());
        }

        CheckDecoded(what, tokenizer, item, expected);
    }

    private void CheckPair(string name, TextTokenizer tokenizer, JsonElement item)
    {
        var tokens = tokenizer.Tokenize(item.GetProperty("a").GetString()!, item.GetProperty("b").GetString()!, addSpecialTokens: true);
        Same(name, "pair ids", tokens.Select(token => token.Id).ToArray(), item.GetProperty("ids").Ints());
        Same(name, "type ids", tokens.Select(token => token.TypeId).ToArray(), item.GetProperty("type_ids").Ints());
        Same(name, "special tokens mask", tokens.Select(token => token.IsAdded ? 1 : 0).ToArray(), item.GetProperty("special_tokens_mask").Ints());
    }

    private void CheckDecoded(string what, TextTokenizer tokenizer, JsonElement item, int[] ids)
    {
        var decoded = item.GetProperty("decoded").GetString();
        Same(what, "decoded", tokenizer.Decode(ids), decoded);
        Same(what, "decoded without special", tokenizer.Decode(ids, skipSpecialTokens: true), item.TryGetProperty("decoded_skip_special", out var without) ? without.GetString() : decoded);
        var stream = tokenizer.Stream();
        var parts = ids.Select(stream.Next).ToList();
        parts.Add(stream.Finish());
        Same(what, "streamed", string.Concat(parts), decoded);
        Same(what, "split characters", parts.Count(part => part.Length > 0 && (char.IsLowSurrogate(part[0]) || char.IsHighSurrogate(part[^1]))), 0);
    }

    private void Same<T>(string where, string what, T actual, T expected)
    {
        if (!EqualityComparer<T>.Default.Equals(actual, expected)) _wrong.Add($"{where}: {what}: {actual}, not {expected}");
    }

    private void Same<T>(string where, string what, T[] actual, T[] expected)
    {
        if (!actual.SequenceEqual(expected)) _wrong.Add($"{where}: {what}: {string.Join(' ', actual)}, not {string.Join(' ', expected)}");
    }

    private static string? Tag(JsonElement item) => item.GetProperty("tag").GetString();

    private static string[] Strings(JsonElement item, string name) => [.. item.GetProperty(name).EnumerateArray().Select(piece => piece.GetString()!)];
}
