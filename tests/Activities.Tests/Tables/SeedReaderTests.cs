using XInstruct.Activities.Tables;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Tests.Tables;

public sealed class SeedReaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-seeds-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public async Task ReadAsync_Pairs_GivesThemByIndexAndLeavesOutEmptyOnes()
    {
        var file = Write("pairs.jsonl", """
            {"instruction":"Say hello.","output":"Habari!"}
            {"instruction":" ","output":"x"}
            {"instruction":"Say bye.","output":"Kwaheri!"}
            """);
        var seeds = await SeedReader.ReadAsync(new Recipe(), "sw", new SeedFiles(file, null), CancellationToken.None);
        seeds.ShouldBe([new Seed(0, "Say hello.", "Habari!"), new Seed(2, "Say bye.", "Kwaheri!")]);
    }

    [Fact]
    public async Task ReadAsync_LabelledRowsAlignedWithEnglish_FillsTheTemplateInOnePass()
    {
        var rows = Write("sw.json", """[{"input":"Nzuri","answer":"chanya"},{"input":"Mbaya","answer":"hasi"}]""");
        var labels = Write("en.json", """[{"answer":"positive {language}"},{"answer":"negative"}]""");
        var seeds = await SeedReader.ReadAsync(Labelled(null), "sw", new SeedFiles(rows, labels), CancellationToken.None);
        seeds.Select(s => $"{s.Instruction}={s.Output}").ShouldBe(["Write a positive {language} review in Swahili.=Nzuri", "Write a negative review in Swahili.=Mbaya"]);
    }

    [Fact]
    public async Task ReadAsync_Take_DrawsTheSameIndicesInEveryLanguage()
    {
        var recipe = Labelled(30);
        async Task<int[]> Draw(string language)
        {
            var file = Write($"{language}.jsonl", string.Join('\n', Enumerable.Range(0, 100).Select(i => $$"""{"input":"{{language}} {{i}}","answer":"{{i % 2}}"}""")));
            var seeds = await SeedReader.ReadAsync(recipe, language, new SeedFiles(file, null), CancellationToken.None);
            seeds.ShouldAllBe(s => s.Output == $"{language} {s.Index}");
            return [.. seeds.Select(s => s.Index)];
        }

        var swahili = await Draw("sw");
        swahili.Length.ShouldBe(30);
        swahili.ShouldBeUnique();
        (await Draw("th")).ShouldBe(swahili);
        recipe.Seed = 2;
        (await Draw("hi")).ShouldNotBe(swahili);
    }

    [Theory]
    [InlineData("""{"input":"a","answer":"b"}""", """{"answer":"x"}""" + "\n" + """{"answer":"y"}""", "index-parallel")]
    [InlineData("""{"input":"a","answer":"b"}""", """{"label":"x"}""", "no column 'answer'")]
    [InlineData("oops\n" + """{"input":"a","answer":"b"}""" + "\n" + """{"input":"a","answer":"b"}""", null, "cannot be read: not-json")]
    [InlineData("""[{"input":"a","answer":"b"}""", null, "damaged")]
    [InlineData("""{"input":"","answer":"b"}""", null, "no usable row")]
    public async Task ReadAsync_UnusableFiles_SaysWhatIsWrong(string rows, string? labels, string message)
    {
        var files = new SeedFiles(Write("rows", rows), labels is null ? null : Write("labels", labels));
        var error = await Should.ThrowAsync<SeedException>(() => SeedReader.ReadAsync(Labelled(null), "sw", files, CancellationToken.None));
        error.Message.ShouldContain(message);
    }

    [Fact]
    public async Task ReadAsync_TakeAboveTheRows_SaysSo()
    {
        var error = await Should.ThrowAsync<SeedException>(() =>
            SeedReader.ReadAsync(Labelled(5), "sw", new SeedFiles(Write("few.jsonl", """{"input":"a","answer":"b"}"""), null), CancellationToken.None));
        error.Message.ShouldContain("asks for 5 rows, the sw seeds have 1");
    }

    private static Recipe Labelled(int? take) => new()
    {
        Seeds = new SeedOptions { Template = "Write a {label} review in {language}.", Label = "answer", Output = "input", Take = take },
    };

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
