using XInstruct.Activities.Evaluation;
using XInstruct.Activities.Models;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Recipes;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Tests.Evaluation;

public sealed class ModelScorerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-scorer-").FullName;

    public ModelScorerTests()
    {
        var tokenizer = ByteLevelBpeTrainer.Train(["a b c"], 300, ["<|end|>"]);
        tokenizer.Save(_folder);
        using var model = Decoder.Random(DecoderConfig.Llama(tokenizer.Size, 16, 1, heads: 2, intermediate: 32, initStd: 0.2, endId: tokenizer.SpecialId("<|end|>"), padId: 0), seed: 1);
        Checkpoint.Save(model, _folder);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(TaskForm.Generate)]
    [InlineData(TaskForm.Choice)]
    [InlineData(TaskForm.Label)]
    public void Score_PromptThatTheChatTemplateRefuses_IsAnErrorOfItsRowAlone(TaskForm form)
    {
        File.WriteAllText(Path.Combine(_folder, "chat_template.jinja"), "{% if 'b' in messages[0].content %}{{ raise_exception('no b') }}{% endif %}{{ messages[0].content }}");
        var scores = Score(form, true, "a", "b", "c");
        scores.Select(score => score.Error).ShouldBe([null, "chat-template", null]);
        (scores[0].Predicted is not null, scores[0].Output is not null).ShouldBe((form != TaskForm.Generate, form == TaskForm.Generate));
    }

    [Theory]
    [InlineData(TaskForm.Generate)]
    [InlineData(TaskForm.Label)]
    public void Score_EmptyPrompt_IsAnErrorOfItsRowAlone(TaskForm form) => Score(form, false, "", "a").Select(score => score.Error).ShouldBe(["empty-prompt", null]);

    private IReadOnlyList<ItemScore> Score(TaskForm form, bool isChat, params string[] prompts)
    {
        var task = new EvaluationTask { Name = "mine", Form = form, MaxNewTokens = 2 };
        var folder = new ModelFolder(_folder, Device: "cpu");
        var model = folder.Load();
        using var decoder = model.Decoder;
        var scorer = new ModelScorer(folder, model, new EvaluatedModel { Name = "m", Chat = isChat }, new EvaluationRecipe { Threads = 1 });
        var items = prompts.Select((prompt, i) => form == TaskForm.Generate
            ? new EvaluationItem(i + 1, "", prompt, Delimiter: "", Reference: "c")
            : new EvaluationItem(i + 1, "", prompt, ["a", "b"], "", 0, "a")).ToList();
        return scorer.Score(new TaskUnit(0, task, null, "mine", "en", "f", "mine"), items, default);
    }
}
