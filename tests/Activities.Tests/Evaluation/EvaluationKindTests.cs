using XInstruct.Activities.Evaluation;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Recipes;
using XInstruct.Tests;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Tests.Evaluation;

public sealed class EvaluationKindTests : IDisposable
{
    private static readonly string Recipe = Path.Combine(SharedData.Root, "samples/recipes/evaluate-tiny.yaml");

    private readonly string _model = Directory.CreateTempSubdirectory("xi-model-").FullName;

    public EvaluationKindTests()
    {
        var tokenizer = ByteLevelBpeTrainer.Train(["a b c"], 300, ["<|end|>"]);
        tokenizer.Save(_model);
        using var model = Decoder.Random(DecoderConfig.Llama(tokenizer.Size, 16, 1, heads: 2, intermediate: 32, initStd: 0.2, endId: tokenizer.SpecialId("<|end|>"), padId: 0), seed: 1);
        Checkpoint.Save(model, _model);
    }

    public void Dispose() => Directory.Delete(_model, recursive: true);

    [Fact]
    public async Task Load_SampleRecipe_IsGood() => (await LoadAsync("window=5")).Recipe.Name.ShouldBe("evaluate-tiny");

    [Theory]
    [InlineData("tasks.0.definition=nowhere.yaml", "tasks.0.definition: No file ")]
    [InlineData("tasks.3.task=perplexitty", "tasks.3.task: No task 'perplexitty' ships with XInstruct. Did you mean 'perplexity'?")]
    [InlineData("tasks.1.files={lang}.json", "tasks.1 (topics): there is no file fi.json for language fi. Did you mean fi.jsonl?")]
    [InlineData("tasks.2.data=../nowhere", "tasks.2.data: No folder ")]
    [InlineData("languages=[fi, xx-]", "languages: 'xx-' is not a language code")]
    [InlineData("languages=[fi, fi]", "languages: 'fi' is there twice.")]
    [InlineData("baseline=tune", "baseline: No model is called 'tune'. There are: early, tuned.")]
    [InlineData("models.1.name=early", "models: 'early' is there twice.")]
    [InlineData("models.0.chat=true", "has no chat template")]
    [InlineData("models.0.quantization=nf5", "models.0.quantization: 'nf5' does not match")]
    [InlineData("tasks.0.labels=english", "tasks.0.labels: Only of tasks of the form label.")]
    [InlineData("tasks.0.shots=99", "tasks.0.shots: tasks.0 (language), fi.jsonl has 36 rows to draw from, not 99.")]
    [InlineData("tasks.3.shots=1", "tasks.3.shots: Prompted rows and texts have no examples before them.")]
    [InlineData("models.1.path=null;models.1.api={model: m}", "tasks.0.task: language is answered by how likely each choice is. Set topLogProbabilities of tuned")]
    [InlineData("models.1.path=null;models.1.api={model: m};models.1.topLogProbabilities=20", "tasks.3.task: perplexity needs the probability of a text")]
    [InlineData("models.1.topLogProbabilities=20", "models.1.topLogProbabilities: Only of a model behind an endpoint")]
    [InlineData("tasks.2.name=topics", "tasks: 'topics' is there twice.")]
    public async Task Load_BadRecipe_SaysWhatIsWrong(string set, string problem) =>
        (await Should.ThrowAsync<RecipeException>(() => LoadAsync(set))).Message.ShouldContain(problem);

    private Task<LoadedJob> LoadAsync(string set) =>
        JobRecipeFile.LoadAsync(new EvaluationKind(), Recipe, [$"models.0.path={_model}", $"models.1.path={_model}", .. set.Split(';')], default);
}
