using System.Text;
using System.Text.Json.Nodes;
using XInstruct.Training.Chat;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Training.Tests.Tokenizers;

/// <summary>The parts that a tokenizer file names, each in a small file of our own.</summary>
public sealed class TokenizerPartsTests
{
    [Theory]
    [InlineData("at a", "▁a t ▁a", "0-1 1-2 2-4")] // what stands before a text comes from its first character
    [InlineData("é", "▁ <0xC3> <0xA9>", "0-1 0-1 0-1")]
    [InlineData("a<s>at", "▁a <s> ▁a t", "0-1 1-4 4-5 5-6")]
    [InlineData("t  <s>", "▁ t   <s>", "0-1 0-1 1-6")] // the white space that a token takes
    [InlineData("xat", "▁ <0x78> at", "0-1 0-1 1-3")]
    [InlineData("", "", "")]
    public void Tokenize_BytePiecesForUnknownCharacters_HaveTheirOffsets(string text, string pieces, string offsets) => Check("fallback", text, pieces, offsets);

    [Theory]
    [InlineData("at a", "▁at ▁ a", "0-2 2-3 3-4")]
    [InlineData("atxyt", "▁at xy t", "0-2 2-4 4-5")] // unknown neighbours are one token
    [InlineData("e\u0301t", "▁ é t", "0-1 0-1 2-3")] // a composed character comes from the first of its parts
    [InlineData("a<s>a", "▁ a <s> a", "0-1 0-1 1-4 4-5")] // only the first text gets the sign
    public void Tokenize_Unigram_TakesTheLikeliestPieces(string text, string pieces, string offsets) => Check("unigram", text, pieces, offsets);

    [Theory]
    [InlineData("the", "Ġt he", "0-1 1-3")]
    [InlineData(" é 12", "Ġ Ã © Ġ Ġ 1 2", "0-0 1-2 1-2 3-3 4-4 3-4 4-5")] // each part that the first splitter made gets its space
    public void Tokenize_ByteLevel_TrimsSpacesFromOffsets(string text, string pieces, string offsets) => Check("bytelevel", text, pieces, offsets);

    [Fact]
    public void Tokenize_Pair_FollowsTheTemplate()
        => TextTokenizer.Parse(TinyTokenizers.All["unigram"]).Tokenize("at", "a", addSpecialTokens: true).Select(token => (token.Piece, token.TypeId, token.IsAdded))
            .ShouldBe([("▁at", 0, false), ("</s>", 1, true), ("▁", 1, false), ("a", 1, false)]);

    [Theory]
    [InlineData("fallback", "at é 😀 x")]
    [InlineData("bytelevel", "the é 😀")]
    public void Stream_IdsOneByOne_NeverSplitsACharacter(string kind, string text)
    {
        var tokenizer = TextTokenizer.Parse(TinyTokenizers.All[kind]);
        var ids = tokenizer.Encode(text);
        var stream = tokenizer.Stream();
        List<string> parts = [.. ids.Select(stream.Next), stream.Finish()];
        string.Concat(parts).ShouldBe(tokenizer.Decode(ids));
        parts.ShouldAllBe(part => part == TextTokenizer.WellFormed(part));
        parts.Count(part => part.Length > 0).ShouldBeGreaterThan(2);
        Should.Throw<InvalidOperationException>(() => stream.Next(ids[0]));
    }

    [Fact]
    public void Stream_BytesThatAreNoText_AreReplacementsAsSoonAsThatIsCertain()
    {
        var tokenizer = TextTokenizer.ParseSentencePiece(TinyTokenizers.SentencePiece(isUnigram: true));
        var stream = tokenizer.Stream();
        int Byte(int value) => tokenizer.FindId($"<0x{value:X2}>")!.Value;
        stream.Next(Byte(0xC3)).ShouldBe("");
        stream.Next(Byte(0xC3)).ShouldBe("\ufffd");
        stream.Next(Byte(0xA9)).ShouldBe("é");
        stream.Next(Byte(0xF0)).ShouldBe("");
        stream.Finish().ShouldBe("\ufffd");
    }

    [Theory]
    [InlineData(true, "at ae", "▁ at ▁a e")]
    [InlineData(true, "é", "▁ <0xC3> <0xA9>")]
    [InlineData(false, "  a   ate ", "▁a ▁a t e")] // extra spaces go
    [InlineData(false, "at", "▁a t")]
    [InlineData(false, "eat", "▁ e a t")] // a piece that is not used is cut again
    [InlineData(false, "a<go>xyt", "▁a <go> xy t")]
    public void Tokenize_SentencePiece_CutsAsTheModelSays(bool isUnigram, string text, string pieces)
        => string.Join(' ', TextTokenizer.ParseSentencePiece(TinyTokenizers.SentencePiece(isUnigram)).Tokenize(text).Select(token => token.Piece)).ShouldBe(pieces);

    [Fact]
    public void Load_FolderWithASentencePieceModel_ReadsItAndItsConfiguration()
    {
        var folder = Directory.CreateTempSubdirectory("xi-tokenizer-").FullName;
        try
        {
            File.WriteAllBytes(Path.Combine(folder, "tokenizer.model"), TinyTokenizers.SentencePiece(isUnigram: true));
            File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"add_eos_token":true,"added_tokens_decoder":{"1":{"content":"<s>","special":true}}}""");
            var tokenizer = TextTokenizer.Load(folder);
            string.Join(' ', tokenizer.Tokenize("a<s>", addSpecialTokens: true).Select(token => token.Piece)).ShouldBe("<s> ▁a <s> </s>");
            tokenizer.Decode(tokenizer.Encode("a<s>"), skipSpecialTokens: true).ShouldBe("a");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Save_LoadedFolder_KeepsAddedTokensAndTemplates()
    {
        var folder = Directory.CreateTempSubdirectory("xi-tokenizer-").FullName;
        try
        {
            string[] names = ["tokenizer.model", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json"];
            File.WriteAllBytes(Path.Combine(folder, names[0]), TinyTokenizers.SentencePiece(isUnigram: true));
            File.WriteAllText(Path.Combine(folder, names[1]), """{"add_bos_token":false,"add_eos_token":true,"eos_token":"<|end|>","added_tokens_decoder":{"300":{"content":"<|end|>","special":true}}}""");
            File.WriteAllText(Path.Combine(folder, names[2]), "{{ messages[0].content }}{{ eos_token }}");
            File.WriteAllText(Path.Combine(folder, names[3]), "{}");
            var again = Path.Combine(folder, "again");
            var tokenizer = TextTokenizer.Load(folder);
            tokenizer.Save(again);
            foreach (var name in names) File.ReadAllBytes(Path.Combine(again, name)).ShouldBe(File.ReadAllBytes(Path.Combine(folder, name)), name);
            Directory.GetFiles(again).Length.ShouldBe(names.Length);
            var loaded = TextTokenizer.Load(again);
            loaded.Encode("a<|end|>", addSpecialTokens: true).ShouldBe(tokenizer.Encode("a<|end|>", addSpecialTokens: true));
            loaded.Encode("<|end|>").ShouldBe([300]);
            ChatTemplate.Load(again).ShouldNotBeNull().Render([new ChatMessage("user", "Hi")]).ShouldBe("Hi<|end|>");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Encode_MapWithAKeyThatEndsInsideACharacter_LeavesTheCharacter()
    {
        // A trie whose only key is the byte 0xF0, which four-byte characters begin with.
        var units = new uint[256];
        (units[0xF0], units[0xF1]) = (0xF0 | (1 << 8) | (1 << 10), 0x8000_0000);
        byte[] map = [0, 4, 0, 0, .. units.SelectMany(BitConverter.GetBytes), (byte)'x', 0];
        var tokenizer = TextTokenizer.ParseSentencePiece(TinyTokenizers.SentencePiece(isUnigram: true, map));
        tokenizer.Decode(tokenizer.Encode("a😀a")).ShouldBe("a😀a");
    }

    [Fact]
    public void Encode_UnigramEncoder_HasItsTemplateAndPadding()
    {
        var encoder = EncoderTokenizer.Parse(Changed("unigram", root => root["padding"] = JsonNode.Parse("""{"pad_id":2}""")));
        encoder.Encode("at at at", 3).ShouldBe([1, 6, 6]);
        (encoder.PadId, encoder.MaxId).ShouldBe((2, 7));
    }

    [Theory]
    [InlineData("Removed", false, "a b")]
    [InlineData("Isolated", false, "a - - b")]
    [InlineData("MergedWithPrevious", false, "a- - b")]
    [InlineData("MergedWithNext", false, "a - -b")]
    [InlineData("Contiguous", false, "a -- b")]
    [InlineData("Removed", true, "- -")]
    public void Tokenize_SplitBehaviors_AreThoseOfTheLibrary(string behavior, bool invert, string parts)
    {
        var tokenizer = TextTokenizer.Parse(Changed("unigram", root =>
        {
            root["pre_tokenizer"] = new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["String"] = "-" }, ["behavior"] = behavior, ["invert"] = invert };
            // One unknown token for each part.
            root["model"]!["vocab"] = new JsonArray(new JsonArray("<unk>", 0), new JsonArray("<s>", 0), new JsonArray("</s>", 0));
        }));
        string.Join(' ', tokenizer.Tokenize("a--b").Select(token => token.Piece)).ShouldBe(parts);
    }

    [Theory]
    [InlineData("""{"type":"Lowercase"}""", "AİB", "ai\u0307b")]
    [InlineData("""{"type":"Strip"}""", " a ", "a")]
    [InlineData("""{"type":"StripAccents"}""", "e\u0301é", "eé")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"NFKD"},{"type":"StripAccents"}]}""", "é①", "e1")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"+"}""", "a   b c", "a+b c")]
    [InlineData("""{"type":"NFKC"}""", "ﬁ１", "fi1")]
    public void Tokenize_Normalizers_ChangeTheText(string normalizer, string text, string expected)
    {
        var tokenizer = TextTokenizer.Parse(Changed("unigram", root =>
        {
            root["normalizer"] = JsonNode.Parse(normalizer);
            root["pre_tokenizer"] = null;
            root["model"]!["vocab"] = new JsonArray(new JsonArray("<unk>", 0), new JsonArray("<s>", 0), new JsonArray("</s>", 0));
        }));
        string.Concat(tokenizer.Tokenize(text).Select(token => token.Piece)).ShouldBe(expected);
    }

    [Theory]
    [InlineData("decoder", """{"type":"CTC"}""", "decoder.type")]
    [InlineData("decoder", """{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"X"}]}""", "decoder.decoders[1].type")]
    [InlineData("post_processor", """{"type":"X"}""", "post_processor.type")]
    [InlineData("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}}]}""", "post_processor.single")]
    [InlineData("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"no"}},{"Sequence":{"id":"A"}}]}""", "post_processor.single[0].SpecialToken.id")]
    [InlineData("normalizer", """{"type":"Precompiled","precompiled_charsmap":"!"}""", "normalizer.precompiled_charsmap")]
    [InlineData("pre_tokenizer", """{"type":"Metaspace","replacement":"ab"}""", "pre_tokenizer.replacement")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"String":"a"},"behavior":"X"}""", "pre_tokenizer.behavior")]
    [InlineData("model", """{"type":"Unigram","vocab":[["a",1e999]]}""", "model.vocab[0][1]")]
    [InlineData("model", """{"type":"Unigram","vocab":[["a",0]],"unk_id":1}""", "model.unk_id")]
    [InlineData("model", """{"type":"BPE","vocab":{"a":0},"merges":[],"dropout":0.1}""", "model.dropout")]
    [InlineData("model", """{"type":"BPE","vocab":{"a":0},"merges":[],"unk_token":"b"}""", "model.unk_token")]
    public void Parse_PartThatIsNotKnown_NamesTheField(string part, string value, string field)
        => Should.Throw<TokenizerFileException>(() => TextTokenizer.Parse(Changed("unigram", root => root[part] = JsonNode.Parse(value)))).Field.ShouldBe(field);

    private static byte[] Changed(string kind, Action<JsonNode> change)
    {
        var root = JsonNode.Parse(TinyTokenizers.All[kind])!;
        change(root);
        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }

    private static void Check(string kind, string text, string pieces, string offsets)
    {
        var tokenizer = TextTokenizer.Parse(TinyTokenizers.All[kind]);
        var tokens = tokenizer.Tokenize(text);
        string.Join(' ', tokens.Select(token => token.Piece)).ShouldBe(pieces);
        string.Join(' ', tokens.Select(token => $"{token.Start}-{token.End}")).ShouldBe(offsets);
        tokens.Select(token => token.Id).ShouldBe(tokenizer.Encode(text));
    }
}
