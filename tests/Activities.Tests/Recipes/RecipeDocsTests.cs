using XInstruct.Activities.Recipes;
using XInstruct.Activities.Tables;
using XInstruct.Tests;

namespace XInstruct.Activities.Tests.Recipes;

public sealed class RecipeDocsTests : IDisposable
{
    private const string Reviews = "data/spontaneous-multilingual/ap_emotion";

    private readonly RecipeFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Docs_EveryRecipe_Loads()
    {
        foreach (var language in new[] { "sw", "th", "en" })
        {
            _folder.Write($"reviews/{language}.json", """[{"input":"a","answer":"x"},{"input":"b","answer":"y"},{"input":"c","answer":"x"}]""");
        }

        TinyEncoder.Write(Path.Combine(_folder.Root, "encoder"));
        _folder.Write("alpaca/sw.json", """[{"instruction":"Say","input":"hello","output":"Habari"}]""");
        _folder.Write("messages/sw.json", $"[{string.Join(',', Enumerable.Repeat("""{"messages":[{"role":"user","content":"Say hello"},{"role":"assistant","content":"Habari"}]}""", 3))}]");
        _folder.Write("prompt.md", "{text}");
        var pages = Directory.EnumerateFiles(Path.Combine(SharedData.Root, "docs"), "*.md").Append(Path.Combine(SharedData.Root, "README.md"));
        var blocks = pages.SelectMany(p => File.ReadAllText(p).Split("```yaml\n").Skip(1)).Select(b => b[..b.IndexOf("```", StringComparison.Ordinal)])
            .Where(b => b.StartsWith("name:", StringComparison.Ordinal)).Select(b => _folder.Load(b)).ToList();
        blocks.ShouldAllBe(b => b.Warnings.Count == 0);
        blocks.Select(b => b.Recipe.Name).ShouldBe(["small", "labelled", "my-run", "from-alpaca", "from-messages", "api", "embedded", "served"], ignoreOrder: true);
    }

    [Fact]
    public void Docs_EveryProblemOfARow_IsExplained()
    {
        var docs = File.ReadAllText(Path.Combine(SharedData.Root, "docs", "recipe.md"));
        foreach (var problem in new[] { "not-json", "not-utf8", "not-an-object", "row-too-long", "nul", "lone-surrogate", "bad-csv", "bad-csv-header", "truncated", "trailing-data", "no-column" })
        {
            docs.ShouldContain($"`{problem}`");
        }
    }

    [Theory]
    [InlineData("demo.yaml")]
    [InlineData("tiny.yaml")]
    public void Samples_Recipe_IsGood(string name)
    {
        var path = Path.Combine(SharedData.Root, "samples", "recipes", name);
        if (!Directory.Exists(Path.Combine(SharedData.Root, "samples", "corpus")))
        {
            // A checkout without the sample texts: nothing but those is missing.
            Should.Throw<RecipeException>(() => RecipeFile.Load(path, [])).Problems.ShouldAllBe(p => p.Message.StartsWith("No file", StringComparison.Ordinal));
            return;
        }

        var loaded = RecipeFile.Load(path, []);
        loaded.Warnings.ShouldBeEmpty();
        RecipeInputs.Of(loaded).Count.ShouldBe(2 * loaded.Recipe.Languages.Count);
        loaded.Recipe.Truth!.Fields.ShouldBe(["topic", "intent", "lang"]);
    }

    [SharedFact(Reviews)]
    public async Task Samples_ReviewsOfRealText_DrawsTheSameLabelledRowsInEveryLanguage()
    {
        // From the folder above the checkout, as a user names files: relative to where they stand.
        var data = Path.GetRelativePath(Environment.CurrentDirectory, Path.Combine(SharedData.Folder, Reviews));
        string[] set = [$"corpus.path={data}/emotion_{{lang}}500_test.json", $"seeds.alignWith={data}/emotion_en500_test.json", "languages=[sw,th,hi,bn]"];
        var loaded = RecipeFile.Load(Path.Combine(SharedData.Root, "samples", "recipes", "reviews.yaml"), set);
        var inputs = RecipeInputs.Of(loaded);
        inputs.Select(i => i.Role).Distinct().ShouldBe(["corpus", "seeds", "seeds.alignWith"]);
        var drawn = new List<int[]>();
        foreach (var language in loaded.Recipe.Languages)
        {
            var files = new SeedFiles(inputs.Single(i => i.Role == "seeds" && i.Language == language).FullPath, inputs.Single(i => i.Role == "seeds.alignWith").FullPath);
            var seeds = await SeedReader.ReadAsync(loaded.Recipe, language, files, CancellationToken.None);
            seeds.Count.ShouldBe(100);
            seeds.ShouldAllBe(s => s.Instruction.StartsWith("Write a positive product review in ", StringComparison.Ordinal) || s.Instruction.StartsWith("Write a negative product review in ", StringComparison.Ordinal));
            drawn.Add([.. seeds.Select(s => s.Index)]);
        }

        drawn.ShouldAllBe(d => d.SequenceEqual(drawn[0]));
    }
}
