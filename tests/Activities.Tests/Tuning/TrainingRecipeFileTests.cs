using XInstruct.Activities.Recipes;
using XInstruct.Activities.Releases;
using XInstruct.Activities.Tests.Recipes;
using XInstruct.Activities.Tuning;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Tests;

namespace XInstruct.Activities.Tests.Tuning;

public sealed class TrainingRecipeFileTests : IDisposable
{
    private const string Good = "name: t\nmodel: { path: model }\ndata: { files: [data.jsonl] }\n";

    private readonly RecipeFolder _folder = new();

    public TrainingRecipeFileTests()
    {
        _folder.WriteModel("model");
        _folder.Write("data.jsonl", """{"instruction":"a","output":"b","chosen":"c","rejected":"d"}""" + "\n");
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(TrainingKind.Sft)]
    [InlineData(TrainingKind.Dpo)]
    public async Task Load_Good_HasAbsolutePaths(TrainingKind kind)
    {
        var loaded = await LoadAsync(Good, kind);
        loaded.Recipe.Model.Path.ShouldBe(Path.Combine(_folder.Root, "model"));
        loaded.Recipe.Data.Files.ShouldBe([Path.Combine(_folder.Root, "data.jsonl")]);
    }

    [Fact]
    public async Task Load_Sample_IsGood() =>
        (await TrainingRecipeFile.LoadAsync(Path.Combine(SharedData.Root, "samples", "recipes", "train-tiny.yaml"), TrainingKind.Sft, [], CancellationToken.None)).Recipe.Model.Fresh.ShouldNotBeNull();

    [Fact]
    public async Task Load_Template_IsGoodOnceItsFilesAreThere()
    {
        await LoadAsync(RecipeTemplate.CommentedTraining().Replace("models/llama", "model", StringComparison.Ordinal), TrainingKind.Sft);
        // Every default is one that the checks allow, taken from the comments.
        var open = RecipeTemplate.CommentedTraining().Replace("models/llama", "model", StringComparison.Ordinal).Split('\n').Where(line => line.TrimStart() is not ['#', ' ', ..])
            .Where(line => !line.Contains("fresh:", StringComparison.Ordinal) && !line.Contains("vocabulary", StringComparison.Ordinal) && !line.Contains("shape:", StringComparison.Ordinal) && !line.StartsWith("      ", StringComparison.Ordinal))
            .Select(line => line.Replace("#", "", StringComparison.Ordinal));
        await LoadAsync(string.Join('\n', open), TrainingKind.Sft);
    }

    [Theory]
    [InlineData("method: lora\nadapter: { targets: [k_prj] }", "adapter.targets", "No linear layer is named k_prj. There are: down_proj")]
    [InlineData("preference: { loss: ipo, labelSmoothing: 0.1 }", "preference.labelSmoothing", "Only of sigmoid and robust.")]
    [InlineData("device: cpu\nmodel: { path: model, compute: float16 }", "model.compute", "float16 is for a GPU")]
    [InlineData("data: { files: [data.jsonl], release: x }", "data", "and not both")]
    [InlineData("data: { files: [data.jsonl], chat: true }", "model.path", "has no chat template")]
    [InlineData("data: { files: [data.jsonl], prompt: '{' }", "data.prompt", "begins no slot")]
    [InlineData("data: { release: . }", "data.release", "has no manifest.json")]
    [InlineData("batch: { maxTokens: 1 }", "batch.maxTokens", "Must be from 2 to")]
    [InlineData("model: {}", "model", "Say where the model is")]
    public async Task Load_WrongSetting_NamesItsKey(string yaml, string key, string message)
    {
        var lines = Good.Split('\n').Where(line => !yaml.Split('\n').Any(y => line.Length > 0 && y.StartsWith(line.Split(':')[0] + ":", StringComparison.Ordinal)));
        var problems = (await Should.ThrowAsync<RecipeException>(() => LoadAsync(string.Join('\n', lines) + yaml, TrainingKind.Sft))).Problems;
        var problem = problems.ShouldHaveSingleItem();
        problem.Key.ShouldBe(key);
        problem.Message.ShouldContain(message);
        problem.Line.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Load_PreferencesWithoutTheirColumns_NamesThem()
    {
        _folder.Write("data.jsonl", """{"instruction":"a","output":"b"}""" + "\n");
        (await Should.ThrowAsync<RecipeException>(() => LoadAsync(Good, TrainingKind.Dpo))).Problems.ShouldHaveSingleItem().Message.ShouldContain("has no column 'chosen'");
    }

    [Fact]
    public void Read_ManifestThatNamesAFileElsewhere_IsRefused()
    {
        _folder.Write("release/manifest.json", """{"format":1,"name":"r","number":1,"recipe":"x","contentRoot":"y","files":[{"name":"../data.jsonl","bytes":1,"sha256":"z","rows":1}]}""");
        Should.Throw<Storage.TamperedException>(() => ReleaseManifest.Read(Path.Combine(_folder.Root, "release")));
    }

    [Fact]
    public void Of_SameContentElsewhere_IsTheSameTraining()
    {
        InputContent[] inputs = [new("data/0000", null, "b", 2), new("model/config.json", null, "a", 1)];
        TrainingRecipe Recipe(string path) => new() { Name = "t", Output = path, Model = new BaseModelOptions { Path = path }, Data = new TrainingDataOptions { Files = [path] } };
        var document = TrainingDocument.Of(TrainingKind.Sft, Recipe("/a"), inputs);
        document.Id.ShouldBe(TrainingDocument.Of(TrainingKind.Sft, Recipe("/b"), inputs.Reverse()).Id);
        document.Id.ShouldNotBe(TrainingDocument.Of(TrainingKind.Dpo, Recipe("/a"), inputs).Id);
        document.Json.ShouldNotContain("/a");
        TrainingDocument.Parse(document.Json).Hash.ShouldBe(document.Hash);
        document.Release.ShouldBeNull();
        // Permanent: another hash would lose every training that is under way.
        document.Hash.ShouldBe("4c89418a59fe24639ffd3cd1ee212017ca0fed86f88d1004e5acea8b4ad7a564");
    }

    private Task<LoadedTraining> LoadAsync(string yaml, TrainingKind kind) => TrainingRecipeFile.LoadAsync(_folder.Write("train.yaml", yaml), kind, [], CancellationToken.None);
}
