using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using XInstruct.Tests;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Training.Tests.Tokenizers;

public sealed class EncoderTokenizerTests
{
    private static readonly string[] Pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "##a", "cafe", "café", ",", "$", "中", "国", "x", "new", "line"];

    [Theory]
    [InlineData("unaffable", "un ##aff ##able")] // the longest piece first
    [InlineData("UNAFFABLE", "un ##aff ##able")]
    [InlineData("unaffablx", "[UNK]")] // the whole word, when a part has no piece
    [InlineData("  un \t un ", "un un")]
    [InlineData("new\nline", "new line")]
    [InlineData("un,un$x", "un , un $ x")]
    [InlineData("Café", "cafe")]
    [InlineData("x中国x", "x 中 国 x")]
    [InlineData("u\u0000n\u200b", "un")] // controls and format signs go
    [InlineData("[CLS] x", "[CLS] x")]
    [InlineData("", "")]
    public void Encode_WordPiece_CutsAsBertDoes(string text, string pieces)
        => Show(Tokenizer().Encode(text, 100)).ShouldBe(("[CLS] " + pieces).TrimEnd() + " [SEP]");

    [Fact]
    public void Encode_CasedModel_KeepsCaseAndAccents()
    {
        var cased = Tokenizer(root => root["normalizer"]!["lowercase"] = false);
        Show(cased.Encode("café UN", 100)).ShouldBe("[CLS] café [UNK] [SEP]");
    }

    [Fact]
    public void Encode_WordOfMoreThanAHundredLetters_IsUnknown()
    {
        Tokenizer().Encode("un" + new string('a', 98), 1000).Length.ShouldBe(101);
        Show(Tokenizer().Encode("un" + new string('a', 99), 1000)).ShouldBe("[CLS] [UNK] [SEP]");
    }

    [Fact]
    public void Encode_LongText_IsCutBeforeTheEnd() => Show(Tokenizer().Encode("x x x x x x", 4)).ShouldBe("[CLS] x x [SEP]");

    [Fact]
    public void Encode_NoRoom_Throws() => Should.Throw<ArgumentOutOfRangeException>(() => Tokenizer().Encode("x", 2));

    [Fact]
    public void Encode_BertProcessing_IsATemplateToo()
        => Show(Tokenizer(root => root["post_processor"] = JsonNode.Parse("""{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]}""")).Encode("x", 9)).ShouldBe("[CLS] x [SEP]");

    [Fact]
    public void Encode_ByteLevelBpe_HasRobertasTokens()
    {
        var trained = ByteLevelBpeTrainer.Train(["the cat sat on the mat"], 300, ["<s>", "</s>"]);
        using var folder = new TempFolder();
        trained.Save(folder.Path);
        var root = JsonNode.Parse(File.ReadAllText(Path.Combine(folder.Path, TextTokenizer.FileName)))!;
        root["post_processor"] = JsonNode.Parse("""{"type":"RobertaProcessing","sep":["</s>",1],"cls":["<s>",0]}""");
        var tokenizer = EncoderTokenizer.Parse(Encoding.UTF8.GetBytes(root.ToJsonString()));
        tokenizer.Encode("the cat", 100).ShouldBe([0, .. trained.Encode("the cat"), 1]);
        tokenizer.MaxId.ShouldBe(trained.Size - 1);
    }

    [Fact]
    public void Encode_AnyText_HasIdsOfTheVocabulary()
        => Prop.ForAll(ArbMap.Default.ArbFor<string>(), text =>
        {
            var ids = Tokenizer().Encode(text ?? "", 50);
            return ids.Length is >= 2 and <= 50 && ids.All(id => id >= 0 && id < Pieces.Length);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("model.type", "\"WordLevel\"", "model.type")]
    [InlineData("model.type", "\"Unigram\"", "model.vocab")]
    [InlineData("model.unk_token", "\"[NO]\"", "model")]
    [InlineData("model.vocab.x", "-1", "model.vocab.x")]
    [InlineData("model.vocab.x", "3", "model.vocab")]
    [InlineData("normalizer.type", "\"Nmt\"", "normalizer.type")]
    [InlineData("pre_tokenizer.type", "\"UnicodeScripts\"", "pre_tokenizer.type")]
    [InlineData("post_processor", "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",9],\"cls\":[\"[CLS]\",2]}", "post_processor.sep")]
    [InlineData("added_tokens", "[{\"id\":2,\"content\":\"[NO]\"}]", "added_tokens[0].id")]
    public void Parse_FileOfAnotherKind_NamesTheField(string path, string value, string field)
    {
        var error = Should.Throw<TokenizerFileException>(() => Tokenizer(root =>
        {
            var keys = path.Split('.');
            var node = root;
            foreach (var key in keys[..^1]) node = node[key]!;
            node[keys[^1]] = JsonNode.Parse(value);
        }));
        error.Field.ShouldStartWith(field);
    }

    private static string Show(int[] ids) => string.Join(' ', ids.Select(i => Pieces[i]));

    private static EncoderTokenizer Tokenizer(Action<JsonNode>? change = null)
    {
        var root = JsonNode.Parse(TinyEncoder.Tokenizer())!;
        root["model"]!["vocab"] = new JsonObject(Pieces.Select((p, i) => KeyValuePair.Create(p, (JsonNode?)i)));
        change?.Invoke(root);
        return EncoderTokenizer.Parse(Encoding.UTF8.GetBytes(root.ToJsonString()));
    }

    private sealed class TempFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("xi-tokenizer-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
