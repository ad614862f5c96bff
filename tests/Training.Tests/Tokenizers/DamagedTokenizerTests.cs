using System.Diagnostics;
using System.Text;
using XInstruct.Training.Chat;
using XInstruct.Training.Tokenizers;
using Xunit.Abstractions;

namespace XInstruct.Training.Tests.Tokenizers;

/// <summary>Damaged files give a tokenizer that works or an error that names the file: never a crash, a hang or another exception.</summary>
public sealed class DamagedTokenizerTests(ITestOutputHelper output)
{
    private static readonly string[] Texts = ["The cat’s 12 hats\n\n  ▁ é é", "नमस्ते 你好 한국어 😀<s>x</s><|end|>", new string('a', 300)];

    // A hang; a machine that is busy needs no such time for files of this size.
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);

    public static TheoryData<string> Kinds => [.. TinyTokenizers.All.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Parse_DamagedJson_IsATokenizerOrAnErrorWithTheFile(string kind)
        => Fuzz(TinyTokenizers.All[kind], bytes => TextTokenizer.Parse(bytes, "t.file"), Mutation.Count / TinyTokenizers.All.Count);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ParseSentencePiece_DamagedModel_IsATokenizerOrAnErrorWithTheFile(bool isUnigram)
        => Fuzz(TinyTokenizers.SentencePiece(isUnigram), bytes => TextTokenizer.ParseSentencePiece(bytes, "t.file"), Mutation.Count / 2);

    [Fact]
    public void Parse_DamagedGoldenFiles_AreTokenizersOrErrorsWithTheFile()
    {
        var files = Golden.Folders("tokenizers").SelectMany(folder => Directory.GetFiles(folder.Path, "tokenizer.json").Concat(Directory.GetFiles(folder.Path, "*.model"))).ToList();
        output.WriteLine(files.Count == 0 ? "skipped: there are no golden tokenizers" : $"{files.Count} files");
        foreach (var file in files)
        {
            var isModel = file.EndsWith(".model", StringComparison.Ordinal);
            Fuzz(File.ReadAllBytes(file), bytes => isModel ? TextTokenizer.ParseSentencePiece(bytes, "t.file") : TextTokenizer.Parse(bytes, "t.file"), Math.Max(20, Mutation.Count / 200));
        }
    }

    [Fact]
    public void Parse_DamagedChatTemplate_RendersOrNamesItsLine()
    {
        var template = Encoding.UTF8.GetBytes(TinyTokenizers.ChatTemplate);
        var rendered = 0;
        for (var seed = 0; seed < Mutation.Count; seed++)
        {
            try
            {
                ChatTemplate.Parse(Encoding.UTF8.GetString(Mutation.Of(template, seed))).Render([new ChatMessage("user", "Hi"), new ChatMessage("assistant", " yo ")], true);
                rendered++;
            }
            catch (ChatTemplateException error)
            {
                error.Line.ShouldBeGreaterThan(0);
                error.Problem.ShouldNotBeEmpty();
            }
        }

        output.WriteLine($"{rendered} of {Mutation.Count} rendered");
        rendered.ShouldBeGreaterThan(0);
    }

    private void Fuzz(byte[] file, Func<byte[], TextTokenizer> parse, int count)
    {
        var read = 0;
        for (var seed = 0; seed < count; seed++)
        {
            var clock = Stopwatch.StartNew();
            try
            {
                Use(parse(Mutation.Of(file, seed)));
                read++;
            }
            catch (TokenizerFileException error)
            {
                error.File.ShouldBe("t.file", $"seed {seed}");
                error.Message.ShouldStartWith("t.file: ");
            }
            catch (Exception error) when (error is not Shouldly.ShouldAssertException)
            {
                throw new InvalidOperationException($"Seed {seed}.", error);
            }

            clock.Elapsed.ShouldBeLessThan(Hang, $"seed {seed}");
        }

        output.WriteLine($"{read} of {count} could be read");
    }

    private static void Use(TextTokenizer tokenizer)
    {
        foreach (var text in Texts)
        {
            tokenizer.Decode(tokenizer.Encode(text, addSpecialTokens: true));
            tokenizer.Tokenize(text, "pair", addSpecialTokens: true);
        }
    }
}
