using System.Text.Json.Nodes;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tables;
using XInstruct.Workflows;

namespace XInstruct.Activities.Tests.Recipes;

/// <summary>What the files of a recipe may be, and what is said before anything starts when they are not.</summary>
public sealed class RecipeInputTests : IDisposable
{
    private const string Labelled = """
        name: reviews
        languages: [sw, th]
        corpus: {path: "reviews/{lang}.json", text: input}
        seeds: {template: "Write a {label} review.", label: answer, take: 1}

        """;

    private readonly RecipeFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_CorpusThatIsAlsoTheSeeds_IsMissingOnce()
    {
        _folder.Write("reviews/th.json", """[{"input":"a","answer":"x"},{"input":"b","answer":"y"}]""");
        var problem = _folder.Problem(Labelled);
        problem.Key.ShouldBe("corpus.path");
        problem.Message.ShouldContain("sw.json");
    }

    [Fact]
    public void Load_WrongColumnOfACorpusThatIsAlsoTheSeeds_IsToldAtTheCorpusAlone()
    {
        foreach (var language in new[] { "sw", "th" }) _folder.Write($"reviews/{language}.json", """[{"text":"a","answer":"x"},{"text":"b","answer":"y"}]""");
        _folder.Problems(Labelled).ShouldAllBe(p => p.Key == "corpus.text" && p.Message.Contains("Did you mean 'text'?", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"instruction":"i","output":"o"}""" + "\noops\n", "Row 1 (from 0) of the sw seeds cannot be read: not-json")]
    [InlineData("""{"instruction":"i","output":"o"}""" + "\n" + """{"instruction":"i"}""", "has no column 'output'; it has instruction")]
    [InlineData("""{"instruction":"  ","output":"o"}""", "no usable row")]
    [InlineData("""[{"instruction":"i","output":"o"}""", "is damaged after row 1: truncated")]
    [InlineData("""[{"instruction":"i","output":"o"}] [1]""", "is damaged after row 1: trailing-data")]
    public void Load_SeedsThatNoRunCouldRead_AreToldBeforeItStarts(string rows, string message)
    {
        _folder.Write("seeds/sw.jsonl", rows);
        var problem = _folder.Problem(RecipeFolder.Good);
        (problem.Key, problem.Line).ShouldBe(("seeds.path", 6));
        problem.Message.ShouldContain(message);
    }

    [Fact]
    public void Load_OneFileForSeveralLanguages_IsNoneForSeedsAndAWarningForACorpus()
    {
        _folder.Write("all.jsonl", """{"instruction":"i","output":"o","text":"x"}""");
        _folder.Problem(RecipeFolder.Good, "languages=[sw,th]", $"seeds.path={_folder.Root}/all.jsonl").Message.ShouldContain("needs seeds of its own: put {lang}");
        var warning = _folder.Load(RecipeFolder.Good, $"corpus.path={_folder.Root}/all.jsonl").Warnings.ShouldHaveSingleItem();
        warning.Key.ShouldBe("corpus.path");
        warning.Message.ShouldContain("serves 2 languages");
        _folder.Load(RecipeFolder.Good, $"corpus.path={_folder.Root}/all.jsonl", "languages=[sw]").Warnings.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("[]", "languages", "Missing")]
    [InlineData("['']", "languages", "'' is not a language code")]
    [InlineData("[sw, ~]", "languages", "nothing is no such item")]
    [InlineData("[swa-]", "languages", "is not a language code")]
    [InlineData("[xx]", "languages", "'xx' is unknown. Did you mean")]
    [InlineData("['s\\u0000w']", "languages", "is not a language code")]
    [InlineData("[../sw]", "languages", "is not a language code")]
    public void Load_LanguageThatIsNone_IsAProblem(string languages, string key, string message) =>
        _folder.Problems(RecipeFolder.Good.Replace("[sw, th]", languages, StringComparison.Ordinal))
            .ShouldContain(p => p.Key == key && p.Line == 2 && p.Message.Contains(message, StringComparison.Ordinal));

    [Theory]
    [InlineData("corpus/nul\\0.jsonl", "No file")]
    [InlineData("/dev/null", "no file on a disk")]
    [InlineData("dangling", "No file")]
    [InlineData("loop", "No file")]
    [InlineData("empty", "is empty")]
    public void Load_PathOfNoFile_IsAProblem(string path, string message)
    {
        _folder.Write("empty", "");
        File.CreateSymbolicLink(Path.Combine(_folder.Root, "dangling"), "nowhere");
        File.CreateSymbolicLink(Path.Combine(_folder.Root, "loop"), "loop");
        _folder.Problems(RecipeFolder.Good.Replace("corpus/{lang}.jsonl", $"\"{path}\"", StringComparison.Ordinal))
            .ShouldContain(p => p.Key == "corpus.path" && p.Message.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void Load_PathsThroughLinksAndParents_AreFollowed()
    {
        Directory.CreateSymbolicLink(Path.Combine(_folder.Root, "elsewhere"), Path.Combine(_folder.Root, "corpus"));
        File.CreateSymbolicLink(Path.Combine(_folder.Root, "seeds/hi2.jsonl"), "hi.jsonl");
        var loaded = _folder.Load(RecipeFolder.Good, "languages=[hi]", $"corpus.path={_folder.Root}/seeds/../elsewhere/{{lang}}.jsonl", $"seeds.path={_folder.Root}/seeds/hi2.jsonl");
        RecipeInputs.Of(loaded).Select(f => File.ReadAllBytes(f.FullPath).Length).ShouldAllBe(length => length > 0);
    }

    [Fact]
    public void Load_ByteOrderMarkAndWindowsLines_ChangeNothing() =>
        _folder.Load("\uFEFF" + RecipeFolder.Good.Replace("\n", "\r\n", StringComparison.Ordinal)).Recipe.Languages.ShouldBe(["sw", "th"]);

    [Theory]
    [InlineData("name: small\nlanguages: [sw\ncorpus: {}\n", 2, 12)]
    [InlineData("name: small\nlanguages: \"sw\n", 2, 12)]
    public void Load_TextThatIsNoYaml_TellsLineAndColumn(string yaml, int line, int column)
    {
        var problem = _folder.Problems(yaml)[0];
        problem.Message.ShouldContain("Not YAML");
        (problem.Line, problem.Column).ShouldBe((line, column));
    }

    [Fact]
    public void Load_WholeModelFolder_IsGood()
    {
        _folder.WriteModel("base");
        _folder.Load(RecipeFolder.Good + "models: {student: {base: base}}\n").Recipe.Models.Student.Base.ShouldBe(Path.Combine(_folder.Root, "base"));
    }

    [Theory]
    [InlineData("config.json", "{}", "config.json: model_type: is missing")]
    [InlineData("config.json", "{\"model_type\":\"llama\"", "config.json")]
    [InlineData("config.json", null, "has no config.json")]
    [InlineData("tokenizer.json", "{\"model\":{\"type\":\"WordLevel\"}}", "tokenizer.json: field 'model.type'")]
    [InlineData("tokenizer.json", "[", "tokenizer.json: is not complete JSON")]
    [InlineData("model.safetensors", "1234", "4 bytes long: too short")]
    [InlineData("model.safetensors", "\u0002\0\0\0\0\0\0\0{}trailing", "belong to no tensor")]
    [InlineData("model.safetensors", "\u007f\u007f\u007f\u007f\0\0\0\0{}", "says its header has")]
    [InlineData("model.safetensors", "\u0047\0\0\0\0\0\0\0{\"model.norm.weight\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,32]}}1234", "outside the file's")]
    [InlineData("model.safetensors", "\u0002\0\0\0\0\0\0\0{}", "model.norm.weight: is missing. (")]
    [InlineData("model.safetensors", null, "has no *.safetensors")]
    public void Load_DamagedModelFolder_NamesFileAndPlace(string file, string? content, string message)
    {
        var folder = _folder.WriteModel("base");
        if (content is null) File.Delete(Path.Combine(folder, file));
        else File.WriteAllText(Path.Combine(folder, file), content);
        const string recipe = RecipeFolder.Good + "models: {student: {base: base}}\n";
        var problem = _folder.Problem(recipe);
        (problem.Key, problem.Line).ShouldBe(("models.student.base", 7));
        problem.Message.ShouldContain(message);
    }

    [Fact]
    public void Load_TokenizerThatDoesNotFitItsModel_IsAProblem()
    {
        _folder.WriteModel("base", vocabulary: 7);
        _folder.Problem(RecipeFolder.Good + "models: {student: {base: base}}\n").Message.ShouldContain("a vocab_size of 7");
    }

    [Fact]
    public void Failures_WhatNoRetryMends_IsNotRetried()
    {
        FailureTypes.NonRetryable.ShouldContain(nameof(TamperedException));
        BadInput.IsIn(new SeedException("x")).ShouldBeTrue();
        var failure = BadInput.Failure("x");
        (failure.ErrorType, failure.NonRetryable).ShouldBe((FailureTypes.BadInput, true));
    }
}
