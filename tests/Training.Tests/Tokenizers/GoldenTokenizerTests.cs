using System.Text.Json;
using XInstruct.Training.Tokenizers;
using Xunit.Abstractions;

namespace XInstruct.Training.Tests.Tokenizers;

/// <summary>Expected ids from the reference library; the vectors hold foreign text, so they are read where they lie.</summary>
public sealed class GoldenTokenizerTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("gpt2_like")]
    [InlineData("llama3_like")]
    [InlineData("qwen2_like")]
    public void Encode_GoldenCases_AreExact(string name)
    {
        var folder = Golden.Shared($"tokenizers/{name}");
        if (!Directory.Exists(folder))
        {
            output.WriteLine($"skipped: {folder} is absent");
            return;
        }
        var tokenizer = TextTokenizer.Load(folder);
        var golden = Golden.Json(Path.Combine(folder, "golden.json"));
        tokenizer.Size.ShouldBe(golden.GetProperty("vocab_size_with_added").GetInt32());
        var wrong = new List<string>();
        foreach (var item in golden.GetProperty("cases").EnumerateArray())
        {
            var text = item.GetProperty("text").GetString()!;
            var expected = item.GetProperty("ids").Ints();
            Check("ids", tokenizer.Encode(text), expected);
            Check("with special", tokenizer.Encode(text, addSpecialTokens: true), item.TryGetProperty("ids_with_special", out var special) ? special.Ints() : expected);
            CheckDecoded(item, expected);

            void Check(string what, int[] actual, int[] wanted)
            {
                if (!actual.SequenceEqual(wanted))
                    wrong.Add($"{item.GetProperty("tag").GetString()} {what}: {text}");
            }
        }
        foreach (var item in golden.GetProperty("decode_random_ids").EnumerateArray())
            CheckDecoded(item, item.GetProperty("ids").Ints());
        wrong.ShouldBeEmpty();

        void CheckDecoded(JsonElement item, int[] ids)
        {
            var decoded = item.GetProperty("decoded").GetString();
            if (tokenizer.Decode(ids) != decoded)
                wrong.Add($"decoded: {decoded}");
            var skipped = item.TryGetProperty("decoded_skip_special", out var without) ? without.GetString() : decoded;
            if (tokenizer.Decode(ids, skipSpecialTokens: true) != skipped)
                wrong.Add($"decoded without special: {skipped}");
        }
    }

    [Theory]
    [InlineData("llama2_like")]
    [InlineData("gemma_like")]
    [InlineData("xlmr_like_unigram")]
    public void Load_KindNotSupported_IsRefusedByName(string name)
    {
        var folder = Golden.Shared($"tokenizers/{name}");
        if (!Directory.Exists(folder))
        {
            output.WriteLine($"skipped: {folder} is absent");
            return;
        }
        Should.Throw<TokenizerFileException>(() => TextTokenizer.Load(folder)).Message.ShouldContain("not supported");
    }
}
