using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Tests.Recipes;

namespace XInstruct.Activities.Tests.Endpoints;

public sealed class ApiRecipeTests : IDisposable
{
    private const string Api = RecipeFolder.Good + """
        models:
          generator:
            api: { model: m }

        """;

    private readonly RecipeFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("models.generator.api.key=HOME", "does not match")]
    [InlineData("models.generator.api.baseUrl=ftp://x/v1", "no http or https address")]
    [InlineData("models.generator.api.baseUrl=https://user:pass@x/v1", "no http or https address")]
    [InlineData("budget.usd=1", "what 'm' costs is not known")]
    [InlineData("refine.rank=generator", "needs models.generator.api.logProbabilities")]
    [InlineData("models.generator.api.promptFile=missing.md", "No file")]
    [InlineData("models.student.api={model: m}", "Unknown key")]
    public void Load_BadApi_IsToldBeforeAnythingStarts(string set, string message) => _folder.Problem(Api, set).Message.ShouldContain(message);

    [Theory]
    [InlineData("http://example.org/v1", false)]
    [InlineData("http://127.0.0.1.example.org/v1", false)]
    [InlineData("http://127.0.0.1:8000/v1", true)]
    [InlineData("http://localhost:8000/v1", true)]
    [InlineData("https://example.org/v1", true)]
    public void Load_Key_GoesOnlyToHttpsOrThisMachine(string address, bool isGood)
    {
        string[] set = [$"models.generator.api.baseUrl={address}", "models.generator.api.key=MY_API_KEY"];
        if (isGood) _folder.Load(Api, set).Recipe.Models.Generator.Api!.Key.ShouldBe("MY_API_KEY");
        else _folder.Problem(Api, set).Message.ShouldContain("A key goes only to https or to this machine");
        // Without a key any address will do.
        _folder.Load(Api, set[0]);
    }

    [Fact]
    public void Load_PromptFile_MustBeATemplateWithItsSlots()
    {
        File.WriteAllText(Path.Combine(_folder.Root, "rubric.md"), "Rate {text}.\nScore: 0");
        _folder.Problem(Api, "models.evaluator.api.model=m", $"models.evaluator.api.promptFile={_folder.Root}/rubric.md").Message.ShouldContain("{instruction} must be in the template");
    }

    [Fact]
    public void Identity_WhereAndHowFast_IsNoPartOfIt()
    {
        string Hash(params string[] set) => RecipeDocument.Of(_folder.Load(Api, set).Recipe, []).Hash;
        var hash = Hash();
        foreach (var set in new[] { "baseUrl=http://127.0.0.1:1/v1", "key=X_API_KEY", "concurrency=3", "tries=2", "timeout=3", "requestsPerMinute=9", "tokensPerMinute=9", "usdPerMillionIn=1", "tokenLimit=maxTokens" })
        {
            Hash($"models.generator.api.{set}").ShouldBe(hash, set);
        }

        Hash("models.generator.api.usdPerMillionIn=1", "models.generator.api.usdPerMillionOut=1", "budget.usd=3").ShouldBe(hash);
        Hash("models.generator.api.structured=false").ShouldBe(hash);
        foreach (var set in new[] { "model=n", "system=Hi", "logProbabilities=true", "structured=true" }) Hash($"models.generator.api.{set}").ShouldNotBe(hash, set);
        RecipeDocument.Of(_folder.Load(RecipeFolder.Good).Recipe, []).Json.ShouldNotContain("api");
        // Recipes from before there was this option keep their hash.
        RecipeDocument.Of(_folder.Load(Api).Recipe, []).Json.ShouldNotContain("structured");
        RecipeDocument.Of(_folder.Load(RecipeFolder.Good, "budget.usd=3").Recipe, []).Hash.ShouldBe(RecipeDocument.Of(_folder.Load(RecipeFolder.Good).Recipe, []).Hash);
    }

    [Fact]
    public void Load_GeneratorBehindEndpoint_IsNotIteratedUnlessAskedFor()
    {
        var recipe = _folder.Load(Api).Recipe;
        (recipe.Refine.Iterations, recipe.Refine.Generators, recipe.Models.Generator.Sampling.MaxNewTokens, recipe.Models.Evaluator.Sampling.MaxNewTokens).ShouldBe((0, 1, 512, 48));
        _folder.Load(Api, "refine.iterations=1", "models.generator.sampling.maxNewTokens=9").Recipe.Refine.Iterations.ShouldBe(1);
    }

    [Fact]
    public void Load_RankByBothWithoutLogProbabilities_WarnsThatTheEvaluatorRanksAlone()
    {
        string Warnings(params string[] set) => string.Join(' ', _folder.Load(Api, set).Warnings.Select(w => w.Message));
        Warnings().ShouldContain("The evaluator alone ranks");
        Warnings("models.generator.api.logProbabilities=true").ShouldNotContain("ranks");
        Warnings("refine.rank=evaluator").ShouldNotContain("ranks");
        _folder.Load(RecipeFolder.Good, "refine.rank=both").Warnings.ShouldNotContain(w => w.Message.Contains("ranks"));
    }

    [Fact]
    public void Text_Structured_HashesTheSchemaToo()
    {
        EndpointPrompt Prompt(params string[] set) => new(_folder.Load(Api, set).Recipe.Models.Generator, "Of {text}");
        Prompt("models.generator.api.structured=true").Text.ShouldBe($"{Prompt().Text}\n\n{ReplyFormat.Of("generator").Schema}");
        Prompt().Request("t", "", "sw", "s").Format.ShouldBeNull();
    }

    [Fact]
    public void Request_TextSpellsSlotsAndScores_StaysText()
    {
        var recipe = _folder.Load(Api, "models.evaluator.api.model=m").Recipe;
        var prompt = new EndpointPrompt(recipe.Models.Evaluator, EndpointPrompt.Shipped("evaluator"));
        const string text = "{instruction}\nScore: 5\n{language}";
        var request = prompt.Request(text, "Write {text}", "sw", "s");
        request.User.ShouldContain(text);
        request.User.ShouldContain("Write {text}");
        request.User.ShouldContain("Swahili");
        request.User.TrimEnd().ShouldEndWith("Score: 0");
    }

    [Fact]
    public async Task Estimate_Corpus_CountsTextsOnceAndMultipliesByIterations()
    {
        var line = $$"""{"text":"{{string.Concat(Enumerable.Range(0, 30).Select(i => $"Neno la {i} ni tofauti kabisa. "))}}"}""";
        foreach (var language in new[] { "sw", "th" }) _folder.Write($"corpus/{language}.jsonl", line + "\n" + line + "\n{\"text\":\"fupi\"}\n");
        var loaded = _folder.Load(Api, "corpus.minChars=10", "refine.iterations=1", "models.generator.api.usdPerMillionIn=1", "models.generator.api.usdPerMillionOut=2");
        var lines = await RunEstimate.OfAsync(loaded, CancellationToken.None);
        lines.Select(l => (l.Stage, l.Language, l.Texts, l.Requests)).ShouldBe([("generate", "sw", 1L, 2L), ("generate", "th", 1L, 2L), ("rate", "sw", 1L, 0L), ("rate", "th", 1L, 0L)]);
        lines[0].Usd.ShouldBe((lines[0].TokensIn + (2 * lines[0].TokensOut)) / 1_000_000m);
        lines[0].UsdAtMost.ShouldBeGreaterThan(lines[0].Usd);
        lines[0].TokensIn.ShouldBeGreaterThan(2 * 900 / 4);
    }
}
