using XInstruct.Activities.Building;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Tests;

namespace XInstruct.Activities.Tests.Building;

/// <summary>What a user gets wrong in a recipe of <c>build</c>, on the sample recipe.</summary>
public sealed class BuildRulesTests
{
    private static readonly string Recipe = Path.Combine(SharedData.Root, "samples/recipes/build-tiny.yaml");

    [Fact]
    public async Task Load_SampleRecipe_IsGood() => (await JobRecipeFile.LoadAsync(new BuildKind(), Recipe, [], default)).Recipe.Name.ShouldBe("build-tiny");

    [Theory]
    [InlineData("mix.holdOut=[ending, subjekt]", "mix.holdOut.1: There is no cluster 'subjekt'. Did you mean 'subject'?")]
    [InlineData("mix.holdOut=[subject]", "sources.1.dataset: The cluster subject is held out, but ")]
    [InlineData("mix.holdOut=[subject]", "samples/build/library-notes.jsonl has rows of it to train on (data set library-notes)")]
    [InlineData("sources.0.dataset=hotels", "sources.0.dataset: There is no data set 'hotels'. Did you mean ")]
    [InlineData("sources.0.columns={txt: note}", "sources.0.columns: 'txt' is no field of hotel-notes; those are text, answer, choices, id.")]
    [InlineData("registries=[koran]", "registries.0: No task registry 'koran' ships with XInstruct.")]
    [InlineData("sources.1.lang=fi", "The data set library-notes has no native template for rows in 'fi'. It has: en (en), sw (sw), en-sw (en, formed after sw).")]
    [InlineData("licences.action=error", "build-tiny.yaml:7:16: sources.2.dataset: ")]
    [InlineData("licences.action=error", "forum-notes.jsonl: the licence of the data set forum-notes (CC-BY-NC-4.0) is refused: licence-non-commercial.")]
    [InlineData("multitask.templates=all", "mix: Say what to build: one of multitask, mix and questionTranslation.")]
    [InlineData("mix.settings.1.train=[english]", "mix.settings.1.train: 'english' is not a language code")]
    [InlineData("mix.settings.1.name=both-native", "mix.settings.1.name: The mix both-native is here twice.")]
    [InlineData("sources.0.dataset=null", "No row of ")]
    [InlineData("sources.2.dataset=library-notes", "sources.2.name: Missing. The rows of sources 1 and 2 are both called 'library-notes', and nobody could tell them apart.")]
    [InlineData("registryFiles=[]", "sources.0.dataset: There is no data set 'hotel-notes'.")]
    public async Task Load_WhatIsWrong_IsSaidWithItsPlace(string set, string problem) => (await ProblemsAsync(set)).ShouldContain(problem);

    [Fact]
    public async Task Load_Prompts_AreLookedThrough()
    {
        var folder = Directory.CreateTempSubdirectory("xi-prompts-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, "ending", "short-stories"));
            var file = Path.Combine(folder, "ending", "short-stories", "train.csv");
            await File.WriteAllTextAsync(file, "input,output,choices,dataset_name,id\nq,a,,hotel-notes,1\nq,a,,short-stories,2\n");
            (await ProblemsAsync("sources.3.dataset=null", "sources.3.path=null", $"sources.3.folder={folder}"))
                .ShouldContain($"sources.3: The cluster ending is held out, but {file}, row 2, has rows of it to train on (data set short-stories).");
            await File.WriteAllTextAsync(file, "input,output,choices,dataset_name,id\nq,a,,hotel-notes,1\nq,a,,long-stories,2\n");
            (await ProblemsAsync("sources.3.dataset=null", "sources.3.path=null", $"sources.3.folder={folder}"))
                .ShouldContain($"sources.3: {file}, row 2: There is no data set 'long-stories'. Did you mean 'short-stories'? Known: naver_movie, ");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Load_TablesThatWouldGiveNothing_AreTold()
    {
        var folder = Directory.CreateTempSubdirectory("xi-tables-").FullName;
        try
        {
            // Half a Parquet file: each try to read it would fail, for ever.
            var (parquet, csv, empty) = (Path.Combine(folder, "half.parquet"), Path.Combine(folder, "other.csv"), Path.Combine(folder, "empty.csv"));
            await File.WriteAllTextAsync(parquet, "PAR1 and no more");
            await File.WriteAllTextAsync(csv, "nota,verdict\nx,good\n");
            await File.WriteAllTextAsync(empty, "note,rating\n");
            (await ProblemsAsync($"sources.0.path={parquet}")).ShouldContain($"sources.0: {parquet}: As Parquet it cannot be read: ");
            (await ProblemsAsync($"sources.0.path={csv}")).ShouldContain($"sources.0: The first rows of {csv} have no column 'note'. Did you mean 'nota'? There are: nota, verdict.");
            (await ProblemsAsync($"sources.0.path={empty}")).ShouldContain($"sources.0: {empty} has no row.");
            (await ProblemsAsync($"decontaminate.against.0.path={parquet}")).ShouldContain($"decontaminate.against.0.path: {parquet}: As Parquet it cannot be read: ");
            (await ProblemsAsync("mix=null", "sources=[]", $"questionTranslation={{ task: snli, files: [{{ lang: en, path: {csv} }}, {{ lang: sw, path: {parquet} }}], directions: [sw-en] }}"))
                .ShouldSatisfyAllConditions(p => p.ShouldContain("questionTranslation.files.0.path: The first rows of "), p => p.ShouldContain("questionTranslation.files.1.path: "));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Rows_FromANumberOn_AreThoseWithTheirNumbers()
    {
        var path = Path.GetTempFileName();
        try
        {
            // Rows that were left out lie between them.
            await File.WriteAllLinesAsync(path, Enumerable.Range(0, 9).Select(i => System.Text.Json.JsonSerializer.Serialize(
                i % 3 == 1 ? new BuildLine(Drop: new BuildDrop("s", i, null, DataSplit.Train, "duplicate", null)) : new BuildLine(new BuildRow { Row = i, Input = "\n" }), EventJson.Options)));
            BuildKind.Rows(path, 0).Select(row => (row.Item, row.Row.Row)).ShouldBe([(0, 0), (1, 2), (2, 3), (3, 5), (4, 6), (5, 8)]);
            BuildKind.Rows(path, 4).Select(row => (row.Item, row.Row.Row)).ShouldBe([(4, 6), (5, 8)]);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static async Task<string> ProblemsAsync(params string[] set) =>
        (await Should.ThrowAsync<RecipeException>(() => JobRecipeFile.LoadAsync(new BuildKind(), Recipe, set, default))).Message;
}
