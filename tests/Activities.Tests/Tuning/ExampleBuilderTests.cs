using XInstruct.Activities.Models;
using XInstruct.Activities.Tables;
using XInstruct.Activities.Tuning;
using XInstruct.Domain.Recipes;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Tests.Tuning;

public sealed class ExampleBuilderTests : IDisposable
{
    private const string Template = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

    private readonly string _folder = Directory.CreateTempSubdirectory("xi-examples-").FullName;
    private readonly TextTokenizer _tokenizer;

    public ExampleBuilderTests()
    {
        _tokenizer = ByteLevelBpeTrainer.Train(["habari ya asubuhi", "say hello"], 300, [.. ModelPrompt.SpecialTokens, "<|user|>", "<|assistant|>"]);
        _tokenizer.Save(_folder);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Row_PromptAndCompletion_LearnsTheCompletionAndItsEnd()
    {
        var row = Builder(Recipe("<|instruction|>{instruction}<|text|>")).Row(Of(("instruction", "say hello"), ("output", "habari")), "data");
        Text(row.Tokens).ShouldBe("<|instruction|>say hello<|text|>habari<|end|>");
        Text(row.Tokens[row.LearnFrom..]).ShouldBe("habari<|end|>");
        var all = Recipe("<|instruction|>{instruction}<|text|>");
        all.Batch.Learn = LearntTokens.All;
        Builder(all).Row(Of(("instruction", "say hello"), ("output", "habari")), "data").LearnFrom.ShouldBe(0);
    }

    [Fact]
    public void Row_TokenizerPutsABlankBeforeTexts_AnswerHasTheTokensOfTheWholeText()
    {
        // As SentencePiece's: alone, 'b' would be '▁b', which follows no 'a'.
        var blanks = TextTokenizer.Parse("""
            {"added_tokens":[{"id":6,"content":"<|end|>","special":true,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false}],
             "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},"decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},
             "model":{"type":"BPE","vocab":{"▁":0,"a":1,"b":2,"▁a":3,"▁b":4,"c":5},"merges":["▁ a","▁ b"]}}
            """u8);
        ExampleBuilder Of(string prompt) => new(_folder, blanks, Recipe(prompt));
        var row = Of("{instruction}").Row(ExampleBuilderTests.Of(("instruction", "a"), ("output", "b c")), "data");
        row.Tokens.ShouldBe([3, 2, 0, 5, 6]);
        row.LearnFrom.ShouldBe(1);
        // Nor do the pieces of a prompt begin anew.
        Of("a{instruction}b").Row(ExampleBuilderTests.Of(("instruction", "b"), ("output", " b")), "data").Tokens.ShouldBe([3, 2, 2, 4, 6]);
        // The blank would go into the answer's first token: the model is asked with it, so it stays.
        Of("{instruction} ").Row(ExampleBuilderTests.Of(("instruction", "a"), ("output", "b")), "data").Tokens.ShouldBe([3, 0, 4, 6]);
    }

    [Fact]
    public void Row_TextSpellsASpecialToken_StaysText()
    {
        var row = Builder(Recipe("{instruction}")).Row(Of(("instruction", "say <|end|>"), ("output", "<|end|> habari")), "data");
        row.Tokens.Count(id => id == _tokenizer.SpecialId("<|end|>")).ShouldBe(1);
        row.Tokens[^1].ShouldBe(_tokenizer.SpecialId("<|end|>"));
    }

    [Fact]
    public void Row_TooLong_KeepsTheCompletionAndTheEndOfThePrompt()
    {
        var recipe = Recipe("{instruction}");
        recipe.Batch.MaxTokens = 8;
        var builder = Builder(recipe);
        var whole = _tokenizer.Encode("habari");
        var row = builder.Row(Of(("instruction", string.Concat(Enumerable.Repeat("asubuhi ", 9))), ("output", "habari")), "data");
        row.Tokens.Length.ShouldBe(8);
        row.Tokens[row.LearnFrom..].ShouldBe([.. whole, _tokenizer.SpecialId("<|end|>")]);
        builder.Row(Of(("instruction", "x"), ("output", string.Concat(Enumerable.Repeat("asubuhi ", 9)))), "data").LearntTokens.ShouldBe(7);
        builder.Cut.ShouldBe(2);
    }

    [Fact]
    public void Row_Conversation_IsInTheChatTemplateAndLearnsItsLastMessage()
    {
        File.WriteAllText(Path.Combine(_folder, "chat_template.jinja"), Template);
        var recipe = Recipe("{instruction}");
        recipe.Data.Messages = "messages";
        const string Messages = """[{"role":"user","content":"say <|end|>hello"},{"role":"assistant","content":"habari"},{"role":"user","content":"ya"},{"role":"assistant","content":"asubuhi"}]""";
        var row = Builder(recipe).Row(Of(("messages", Messages)), "data");
        Text(row.Tokens).ShouldBe("<|user|>say <\u200D|end|>hello<|end|><|assistant|>habari<|end|><|user|>ya<|end|><|assistant|>asubuhi<|end|>");
        Text(row.Tokens[row.LearnFrom..]).ShouldBe("asubuhi<|end|>");
        recipe.Data.Messages = null;
        recipe.Data.Chat = true;
        Text(Builder(recipe).Row(Of(("instruction", "say hello"), ("output", "habari")), "data").Tokens).ShouldBe("<|user|>say hello<|end|><|assistant|>habari<|end|>");
        recipe.Data.Messages = "messages";
        Should.Throw<TrainingDataException>(() => Builder(recipe).Row(Of(("messages", """[{"role":"user","content":"x"}]""")), "data.files[0]")).Message.ShouldContain("Row 7 (from 0) of data.files[0]: the conversation");
    }

    [Fact]
    public void Preference_Row_HasOnePromptForBothCompletions()
    {
        var recipe = Recipe("<|instruction|>{instruction}<|text|>");
        recipe.Batch.MaxTokens = 40;
        var pair = Builder(recipe).Preference(Of(("instruction", "say hello to all of them"), ("chosen", "habari"), ("rejected", "habari ya asubuhi na habari")), "data");
        Text(pair.Chosen).ShouldBe("habari<|end|>");
        (pair.Prompt.Length + pair.Rejected.Length).ShouldBeLessThanOrEqualTo(40);
        Text(pair.Prompt).ShouldEndWith("them<|text|>");
    }

    [Theory]
    [InlineData("instruction", "has no column 'output'; it has instruction.")]
    [InlineData("output", "has no column 'instruction'")]
    public void Row_ColumnIsMissing_NamesRowAndColumns(string present, string problem) =>
        Should.Throw<TrainingDataException>(() => Builder(Recipe("{instruction}")).Row(Of((present, "x")), "data.files[1]")).Message.ShouldContain($"Row 7 (from 0) of data.files[1] {problem}");

    private static TrainingRecipe Recipe(string prompt) => new() { Data = new TrainingDataOptions { Prompt = prompt } };

    private static TableRow Of(params (string Name, string Value)[] columns) => new(7, columns.ToDictionary(c => c.Name, c => c.Value, StringComparer.Ordinal), null);

    private ExampleBuilder Builder(TrainingRecipe recipe) => new(_folder, _tokenizer, recipe);

    private string Text(int[] ids) => _tokenizer.Decode(ids);
}
