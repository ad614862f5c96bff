using XInstruct.Activities.Jobs;
using XInstruct.Activities.Probing;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Probing;
using XInstruct.Tests;

namespace XInstruct.Activities.Tests.Probing;

public sealed class ProbeKindTests
{
    private static readonly string Recipe = Path.Combine(SharedData.Root, "samples/recipes/probe-tiny.yaml");

    [Fact]
    public async Task Load_SampleRecipe_IsGood() => (await LoadAsync("window=5")).Recipe.Name.ShouldBe("probe-tiny");

    [Theory]
    [InlineData("pairs=[en-fi]", "pairs: 'en-fi' is no pair of two languages: write it like en/de.")]
    [InlineData("pairs=[en/en]", "pairs: 'en/en' is no pair of two languages")]
    [InlineData("pairs=[en/de]", "pairs: 'en/de': 'de' is none of the languages: en, fi, id, sw.")]
    [InlineData("pairs=[en/fi, en/fi]", "pairs: 'en/fi' is there twice.")]
    [InlineData("lens=false;components=false", "lens: Nothing is asked for: set lens or components.")]
    [InlineData("tasks.0.definition=@topics/topic.yaml;tasks.0.data=@topics;languages=[fi, id, sw];pairs=[fi/id];tasks.0.shots=0", "lens: The lens looks for labels, and no task is of the form label.")]
    [InlineData("models.0.path=null;models.0.api={model: m}", "models.0.api: An endpoint shows no layers: name a local model (path).")]
    [InlineData("tasks.0.files={lang}.csv", "there is no file en.csv for language en. Did you mean en.jsonl?")]
    [InlineData("models.0.path=../models/nowhere", "models.0.path: No folder ")]
    [InlineData("languages=[en, fi, fi]", "languages: 'fi' is there twice.")]
    public async Task Load_BadRecipe_SaysWhatIsWrong(string set, string problem) =>
        (await Should.ThrowAsync<RecipeException>(() => LoadAsync(set))).Message.ShouldContain(problem);

    [Fact]
    public async Task Load_ComponentsAlone_NeedNoLabels() =>
        (await LoadAsync("lens=false;tasks.0.definition=@topics/topic.yaml;tasks.0.data=@topics;languages=[fi, id, sw];pairs=[fi/id];tasks.0.shots=0")).Recipe.Name.ShouldBe("probe-tiny");

    [Fact]
    public async Task Docs_RecipeOfItsPageAndWhatNewWrites_Load()
    {
        var folder = Directory.CreateTempSubdirectory("xi-probe-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, "models"));
            Directory.CreateSymbolicLink(Path.Combine(folder, "models/base"), Path.Combine(SharedData.Root, "samples/models/tiny"));
            foreach (var data in new[] { "reviews", "data/reviews" })
            {
                Directory.CreateDirectory(Path.Combine(folder, data));
                foreach (var language in new[] { "en", "de", "sw" })
                    await File.WriteAllTextAsync(Path.Combine(folder, data, $"emotion_{language}500_test.json"), $$"""[{"input":"a","answer":"{{(language == "en" ? "positive" : "+" + language)}}"},{"input":"b","answer":"{{(language == "en" ? "negative" : "-" + language)}}"}]""");
            }

            var page = await File.ReadAllTextAsync(Path.Combine(SharedData.Root, "docs", "probing.md"));
            var block = page.Split("```yaml\n").Skip(1).ShouldHaveSingleItem();
            var kind = new ProbeKind();
            foreach (var recipe in new[] { block[..block.IndexOf("```", StringComparison.Ordinal)], RecipeTemplate.Commented(kind.Name, kind.NewRecipe(), kind.Examples) })
            {
                await File.WriteAllTextAsync(Path.Combine(folder, "probe.yaml"), recipe);
                (await JobRecipeFile.LoadAsync(kind, Path.Combine(folder, "probe.yaml"), [], default)).Recipe.Name.ShouldBeOneOf("layers", "my-probe");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Correlate_ParallelRows_AreThoseWithTheSameNumber()
    {
        // Row 3 is missing in sw, row 9 in en: three rows are left, whose places are (1, 2), (2, 4), (4, 5).
        NamedPoint[] points =
        [
            new("en", 1, 1, 0), new("en", 2, 2, 0), new("en", 3, 99, 0), new("en", 4, 4, 0),
            new("sw", 9, 70, 0), new("sw", 4, 5, 0), new("sw", 2, 4, 0), new("sw", 1, 2, 0), new("fi", 1, 3, 0), new("fi", 2, 3, 0), new("fi", 4, 3, 0),
        ];
        var pairs = ProbeResult.Correlate([new NamedComponents("m", "t", 1, [0.5, 0.2], points)], [new("en", "sw"), new("en", "fi"), new("en", "de")]);
        pairs.Count.ShouldBe(2);
        // Deviations (−4/3, −1/3, 5/3) and (−5/3, 1/3, 4/3): 13/3 over √(14/3 · 14/3).
        pairs[0].R!.Value.ShouldBe(13.0 / 14, 1e-6);
        (pairs[0].Rows, pairs[0].Pair, pairs[0].Layer).ShouldBe((3, new LanguagePair("en", "sw"), 1));
        pairs[1].R.ShouldBeNull();
    }

    private static Task<LoadedJob> LoadAsync(string set) =>
        JobRecipeFile.LoadAsync(new ProbeKind(), Recipe, set.Replace("@", Path.Combine(SharedData.Root, "samples/"), StringComparison.Ordinal).Split(';'), default);
}
