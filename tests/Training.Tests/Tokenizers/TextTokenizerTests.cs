using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Training.Tests.Tokenizers;

public sealed class TextTokenizerTests
{
    private static readonly TextTokenizer Trained = ByteLevelBpeTrainer.Train(
        ["the cat sat on the mat", "นี่คือข้อความ", "यह एक वाक्य है", "the end 123"], 300, ["<|text|>", "<|end|>"]);

    [Fact]
    public void Decode_OfEncode_GivesAnyWellFormedTextBack()
        => Prop.ForAll(ArbMap.Default.ArbFor<UnicodeString>(), text =>
        {
            var source = new string([.. (text.Get ?? "").Where(c => !char.IsSurrogate(c))]) + "😀𐐀x";
            return Trained.Decode(Trained.Encode(source)) == source;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Encode_LoneSurrogate_IsAReplacementCharacter()
        => Trained.Decode(Trained.Encode("a\ud800b")).ShouldBe("a\ufffdb");

    [Fact]
    public void Encode_SpecialTokenInText_IsOneId()
        => Trained.Encode("x<|end|>y").ShouldBe([Trained.FindId("x")!.Value, 1, Trained.FindId("y")!.Value]);

    [Fact]
    public void Decode_SkipSpecialTokens_LeavesThemOut()
        => Trained.Decode(Trained.Encode("x<|end|>y"), skipSpecialTokens: true).ShouldBe("xy");

    [Fact]
    public void SpecialId_UnknownToken_NamesIt()
        => Should.Throw<KeyNotFoundException>(() => Trained.SpecialId("<|no|>")).Message.ShouldContain("<|no|>");

    [Fact]
    public void Load_MissingFolder_NamesTheFile()
        => Should.Throw<TokenizerFileException>(() => TextTokenizer.Load("/nonexistent-folder")).File.ShouldEndWith("tokenizer.json");

    [Fact]
    public void Save_ThenLoad_GivesTheSameBytesAndIds()
    {
        var folder = Directory.CreateTempSubdirectory("xi-tokenizer-").FullName;
        try
        {
            Trained.Save(folder);
            var loaded = TextTokenizer.Load(folder);
            loaded.Encode("the cat है").ShouldBe(Trained.Encode("the cat है"));
            var again = Path.Combine(folder, "again");
            loaded.Save(again);
            File.ReadAllBytes(Path.Combine(again, "tokenizer.json")).ShouldBe(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("WordLevel", "model.type")]
    public void Parse_UnsupportedModel_NamesTheKind(string kind, string field)
        => Broken(root => root["model"]!["type"] = kind, field).Message.ShouldContain(kind);

    [Fact]
    public void Parse_UnsupportedPreTokenizer_NamesTheKind()
        => Broken(root => root["pre_tokenizer"] = new JsonObject { ["type"] = "UnicodeScripts" }, "pre_tokenizer.type").Message.ShouldContain("UnicodeScripts");

    [Fact]
    public void Parse_UnsupportedNormalizer_NamesTheKind()
        => Broken(root => root["normalizer"] = new JsonObject { ["type"] = "Nmt" }, "normalizer.type").Message.ShouldContain("Nmt");

    [Fact]
    public void Parse_MergeOutsideTheVocabulary_NamesTheMerge()
        => Broken(root => root["model"]!["merges"]![1] = "zz qq", "model.merges[1]");

    [Fact]
    public void Parse_NegativeId_NamesThePiece()
        => Broken(root => root["model"]!["vocab"]!["a"] = -3, "model.vocab.a");

    [Fact]
    public void Parse_IdTwice_NamesThePiece()
        => Broken(root => root["model"]!["vocab"]!["b"] = root["model"]!["vocab"]!["a"]!.GetValue<int>(), "model.vocab.b");

    [Fact]
    public void Parse_PatternThatIsNone_NamesTheField()
        => Broken(root => root["pre_tokenizer"]!["pretokenizers"]![0]!["pattern"]!["Regex"] = "(", "pre_tokenizer.pretokenizers[0].pattern.Regex");

    [Fact]
    public void Parse_NoVocabulary_NamesTheField()
        => Broken(root => root["model"]!.AsObject().Remove("vocab"), "model.vocab");

    [Fact]
    public void Parse_ByteMissing_SaysWhichByte()
        => Broken(root => root["model"]!["vocab"]!.AsObject().Remove("z"), "model.vocab").Message.ShouldContain("0x7A");

    [Fact]
    public void Parse_AnyCutOrFlippedFile_IsATokenizerFileExceptionOrATokenizer()
    {
        var folder = Directory.CreateTempSubdirectory("xi-tokenizer-").FullName;
        Trained.Save(folder);
        var bytes = File.ReadAllBytes(Path.Combine(folder, "tokenizer.json"));
        Directory.Delete(folder, recursive: true);
        Prop.ForAll(Gen.Choose(0, bytes.Length - 1).ToArbitrary(), Gen.Choose(0, 255).ToArbitrary(), (at, value) =>
        {
            var flipped = bytes.ToArray();
            flipped[at] = (byte)value;
            return Survives(bytes[..at]) && Survives(flipped);
        }).QuickCheckThrowOnFailure();

        static bool Survives(byte[] json)
        {
            try
            {
                return TextTokenizer.Parse(json, "t.json").Size > 0;
            }
            catch (TokenizerFileException error)
            {
                return error.File == "t.json";
            }
        }
    }

    private static TokenizerFileException Broken(Action<JsonNode> change, string field)
    {
        var folder = Directory.CreateTempSubdirectory("xi-tokenizer-").FullName;
        try
        {
            Trained.Save(folder);
            var path = Path.Combine(folder, "tokenizer.json");
            var root = JsonNode.Parse(File.ReadAllBytes(path))!;
            change(root);
            File.WriteAllText(path, root.ToJsonString(), new UTF8Encoding(false));
            var error = Should.Throw<TokenizerFileException>(() => TextTokenizer.Load(folder));
            error.Field.ShouldBe(field);
            error.Message.ShouldContain(path);
            return error;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
