using XInstruct.Activities.Encoders;
using XInstruct.Domain.Recipes;
using XInstruct.Tests;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Tests.Encoders;

public sealed class SentenceEncoderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-encoder-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // "Ab a" is [CLS] a ##b a [SEP]: 2 4 31 4 3, which sums to 44. Its mean is (44/5 + 44, 1 + 5), its first token (2 + 44, 6).
    [Theory]
    [InlineData(EncoderPooling.Mean, false, 52.8, 6)]
    [InlineData(EncoderPooling.Cls, false, 46, 6)]
    [InlineData(EncoderPooling.Pooler, false, -46, -6)]
    [InlineData(EncoderPooling.Mean, true, 0.99360515, 0.11290968)] // over the root of 52.8² + 6²
    public void Embed_EachPooling_IsTheVectorWorkedByHand(EncoderPooling pooling, bool normalize, double first, double second)
    {
        using var encoder = Open(new EncoderOptions { Pooling = pooling, Normalize = normalize });
        var vector = encoder.Embed([encoder.Encode("Ab a")]).ShouldHaveSingleItem();
        vector.Length.ShouldBe(2);
        vector[0].ShouldBe((float)first, 1e-5f);
        vector[1].ShouldBe((float)second, 1e-5f);
    }

    [Theory]
    [InlineData(null, OnnxWriter.Int64)]
    [InlineData(TinyEncoder.WeightsFile, OnnxWriter.Int64)]
    [InlineData(null, OnnxWriter.Int32)]
    public void Embed_TextsOfAllLengths_AreInOrderAndWithoutTheirPadding(string? weights, int type)
    {
        TinyEncoder.Write(_folder, weights, type);
        using var encoder = SentenceEncoder.Open(_folder, new EncoderOptions { Normalize = false }, 1, EncoderDevice.Cpu);
        var texts = Enumerable.Range(0, 300).Select(i => string.Join(' ', Enumerable.Repeat("word", i * 7 % 50))).ToList();
        var vectors = encoder.Embed(texts.ConvertAll(encoder.Encode));
        foreach (var (text, vector) in texts.Zip(vectors))
        {
            var expected = TinyEncoder.Mean(TinyEncoder.Ids(text));
            vector[0].ShouldBe(expected[0], expected[0] * 1e-6f);
            vector[1].ShouldBe(expected[1]);
        }
    }

    [Fact]
    public void Encode_PrefixAndLongText_StartsWithTheOneAndCutsTheOther()
    {
        using var encoder = Open(new EncoderOptions { Prefix = "q ", MaxTokens = 8 });
        encoder.Encode("abcdefghijkl").ShouldBe([2, 'q' - 'a' + 4, 4, 31, 32, 33, 34, 3]);
    }

    [Fact]
    public void Open_EveryPrefixOfAModel_IsRefused()
    {
        TinyEncoder.Write(_folder);
        var path = Path.Combine(_folder, EncoderFolder.Model);
        var whole = File.ReadAllBytes(path);
        for (var length = 0; length < whole.Length; length += 7)
        {
            File.WriteAllBytes(path, whole[..length]);
            Should.Throw<EncoderException>(() => SentenceEncoder.Open(_folder, new EncoderOptions(), 1, EncoderDevice.Cpu)).Message.ShouldContain(path);
        }
    }

    [Fact]
    public void Open_AnyByteChanged_IsRefusedOrRuns()
    {
        TinyEncoder.Write(_folder);
        var path = Path.Combine(_folder, EncoderFolder.Model);
        var whole = File.ReadAllBytes(path);
        var refused = 0;
        for (var i = 0; i < whole.Length; i += 3)
        {
            var damaged = whole.ToArray();
            damaged[i] ^= 0x55;
            File.WriteAllBytes(path, damaged);
            try
            {
                SentenceEncoder.Open(_folder, new EncoderOptions { MaxTokens = 16 }, 1, EncoderDevice.Cpu).Dispose();
            }
            catch (EncoderException)
            {
                refused++;
            }
        }

        refused.ShouldBeGreaterThan(whole.Length / 12);
    }

    [Theory]
    [InlineData("../weights.bin")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("model.onnx")]
    public void Open_WeightsOutsideTheFolder_AreRefused(string name)
    {
        TinyEncoder.Write(_folder, name);
        Refusal().ShouldContain($"'{name}' is no name of a file beside it");
    }

    [Fact]
    public void Open_MissingFile_IsNamed()
    {
        TinyEncoder.Write(_folder, TinyEncoder.WeightsFile);
        File.Delete(Path.Combine(_folder, TinyEncoder.WeightsFile));
        Refusal().ShouldContain("has no weights.bin");
        File.Delete(Path.Combine(_folder, EncoderFolder.Model));
        Refusal().ShouldContain("has no model.onnx");
    }

    [Fact]
    public void Open_WeightsCutOff_AreRefused()
    {
        TinyEncoder.Write(_folder, TinyEncoder.WeightsFile);
        File.WriteAllBytes(Path.Combine(_folder, TinyEncoder.WeightsFile), new byte[8]);
        Refusal().ShouldContain("cannot be used");
    }

    [Fact]
    public void Open_TokenizerOfALargerModel_IsRefused()
    {
        TinyEncoder.Write(_folder);
        File.WriteAllText(Path.Combine(_folder, TextTokenizer.FileName), TinyEncoder.Tokenizer(more: 5));
        Refusal().ShouldContain("ids up to 60");
    }

    [Fact]
    public void Open_ModelOfAnotherKind_SaysWhatItHas()
    {
        TinyEncoder.Write(_folder);
        var model = Path.Combine(_folder, EncoderFolder.Model);
        File.WriteAllBytes(model, OnnxWriter.Model(
            OnnxWriter.Input("pixels", OnnxWriter.Float, 1, 2), OnnxWriter.Node("Neg", ["pixels"], "out"), OnnxWriter.Output("out", OnnxWriter.Float, 1, 2)));
        Refusal().ShouldContain("input 'pixels'");
        File.WriteAllBytes(model, OnnxWriter.Model(
            OnnxWriter.Input("input_ids", OnnxWriter.Int64, "b", "t"), OnnxWriter.Node("Neg", ["input_ids"], "out"), OnnxWriter.Output("out", OnnxWriter.Int64, "b", "t")));
        Refusal().ShouldContain("no input 'attention_mask'");
        File.WriteAllBytes(model, OnnxWriter.Model(
            OnnxWriter.Input("input_ids", OnnxWriter.Int64, "b", "t"), OnnxWriter.Input("attention_mask", OnnxWriter.Int64, "b", "t"),
            OnnxWriter.Node("Mul", ["input_ids", "attention_mask"], "out"), OnnxWriter.Output("out", OnnxWriter.Int64, "b", "t")));
        Refusal().ShouldContain("no output of 3 dimensions in 32-bit floats, which the pooling 'mean' needs; it has out (Int64, 2 dimensions)");
    }

    [Fact]
    public void Open_ModelThatGivesNaN_IsRefused()
    {
        TinyEncoder.Write(_folder);
        File.WriteAllBytes(Path.Combine(_folder, EncoderFolder.Model), OnnxWriter.Model(
            OnnxWriter.Input("input_ids", OnnxWriter.Int64, "b", "t"), OnnxWriter.Input("attention_mask", OnnxWriter.Int64, "b", "t"),
            OnnxWriter.Weights("embedding", [56, 1], [.. Enumerable.Repeat(float.NaN, 56)]),
            OnnxWriter.Node("Mul", ["input_ids", "attention_mask"], "ids"), OnnxWriter.Node("Gather", ["embedding", "ids"], "out"),
            OnnxWriter.Output("out", OnnxWriter.Float, "b", "t", 1)));
        Refusal().ShouldContain("numbers that are none");
    }

    [Fact]
    public void Open_CudaWithoutOne_SaysSo()
    {
        if (EncoderDevices.UsesCuda(EncoderDevice.Auto)) return;
        TinyEncoder.Write(_folder);
        Should.Throw<EncoderException>(() => SentenceEncoder.Open(_folder, new EncoderOptions(), 1, EncoderDevice.Cuda)).Message.ShouldContain("this worker has no GPU");
    }

    private string Refusal() => Should.Throw<EncoderException>(() => SentenceEncoder.Open(_folder, new EncoderOptions(), 1, EncoderDevice.Cpu)).Message;

    private SentenceEncoder Open(EncoderOptions options) => SentenceEncoder.Open(TinyEncoder.Write(_folder), options, 1, EncoderDevice.Cpu);
}
