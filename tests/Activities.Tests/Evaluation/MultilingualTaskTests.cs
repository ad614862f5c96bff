using XInstruct.Activities.Evaluation;
using XInstruct.Activities.Models;
using XInstruct.Activities.Pages;
using XInstruct.Activities.Tasks;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Recipes;
using XInstruct.Tests;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Tests.Evaluation;

/// <summary>The three tasks in 20 languages on the published rows, which lie beside the checkout.</summary>
public sealed class MultilingualTaskTests : IDisposable
{
    private static readonly string[] Languages = ["en", "zh", "de", "fr", "es", "it", "nl", "ja", "ru", "sv", "sl", "pl", "bg", "no", "ms", "is", "hi", "th", "sw", "bn"];

    private readonly string _data = Path.Combine(SharedData.Folder, "data/spontaneous-multilingual");
    private readonly string _model = Directory.CreateTempSubdirectory("xi-lml-").FullName;

    public void Dispose() => Directory.Delete(_model, recursive: true);

    [SharedFact("data/spontaneous-multilingual")]
    public async Task Score_ThreeTasksInTwentyLanguages_GivesTablesWithTheRightLabels()
    {
        var recipe = new EvaluationRecipe
        {
            Languages = Languages,
            Seen = ["zh", "de"],
            Threads = 1,
            Models = [new EvaluatedModel { Name = "tiny" }],
            Tasks =
            [
                new EvaluatedTask { Task = "lml-sentiment", Data = Path.Combine(_data, "ap_emotion"), Files = "emotion_{lang}500_test.json", Limit = 3 },
                new EvaluatedTask { Task = "lml-snli", Data = Path.Combine(_data, "snli"), Files = "snli_{lang}600_test.json", Limit = 3 },
                new EvaluatedTask { Task = "lml-paws", Data = Path.Combine(_data, "paws"), Files = "paws_{lang}500_test.json", Limit = 3 },
            ],
        };
        var registry = TaskRegistryFiles.Load(["lml"], []);
        var scorer = Scorer(recipe);
        var files = new List<ScoredFile>();
        for (var entry = 0; entry < recipe.Tasks.Count; entry++)
        {
            var (asked, task) = (recipe.Tasks[entry], TaskLibrary.Shipped(recipe.Tasks[entry].Task!));
            // Not every task has a file in every language; a recipe names those it has.
            asked.Languages = [.. Languages.Where(language => File.Exists(Path.Combine(asked.Data, TaskUnit.FileOf(asked.Files, language))))];
            asked.Languages.Count.ShouldBeGreaterThanOrEqualTo(17);
            var units = TaskUnits.Of(recipe, entry, task, registry.Dataset(task.Words!), [.. Directory.EnumerateFiles(asked.Data).Select(file => Path.GetFileName(file))]);
            IReadOnlyList<EvaluationItem>? english = null;
            foreach (var unit in units)
            {
                var items = await new ItemReader(recipe, unit, name => Path.Combine(asked.Data, name) is var path && File.Exists(path) ? path : null).ReadAsync(default);
                items.ShouldAllBe(item => item.Problem == null && item.Choices!.Count == task.Choices.Count);
                english ??= items;
                // Row by row the same answers as in English, in the language's own words.
                items.Select(item => (item.Row, item.Answer)).ShouldBe(english.Select(item => (item.Row, item.Answer)), $"{unit.Name} {unit.Language}");
                items.ShouldAllBe(item => item.Prompt!.EndsWith(": \"") && item.Prompt.Split('\n').Length > task.Choices.Count);
                if ((unit.Name, unit.Language) == ("lml-snli", "ja")) items[0].Choices.ShouldBe(["含意", "中性", "矛盾"]);
                var scores = scorer.Score(unit, items, default);
                scores.ShouldAllBe(score => score.Error == null && score.Scores!.Count == task.Choices.Count);
                files.Add(new ScoredFile("tiny", unit.Name, unit.Language, unit.Cluster, null, null, [Measure.All["accuracy"], Measure.All["macroF1"]], scores));
            }
        }

        var result = new ResultBuilder(new Resampler(50, 1), "tiny", recipe.Seen.ToHashSet()).Build(files);
        result.Cells.Count(cell => cell.IsFirst).ShouldBe(recipe.Tasks.Sum(task => task.Languages.Count));
        result.Means.Where(mean => mean.Scope == MeanScope.Overall).Select(mean => mean.Split).ShouldBe(["all", "seen", "unseen"]);
        // 'neutral' and 'negativ' begin alike in few languages, but single bytes are shared in many: it is told.
        result.Cells.ShouldContain(cell => cell.SharedIds > 0);
        var report = new EvaluationReport(new ReportFacts("lml", "lml-1", ["tiny"], ["tiny"], Languages, files.Sum(file => file.Items.Count), 50, [("<script>", "a</pre><script>")], "{}", []), result).Content();
        var page = HtmlPage.Render(report);
        foreach (var language in Languages) page.ShouldContain($"<bdi>{language}</bdi>");
        page.ShouldContain("a&lt;/pre&gt;&lt;script&gt;");
        page.ShouldNotContain("<figcaption><script>");
        MarkdownPage.Render(report).ShouldContain("| sw |");
    }

    private ModelScorer Scorer(EvaluationRecipe recipe)
    {
        var tokenizer = ByteLevelBpeTrainer.Train([.. File.ReadLines(Path.Combine(_data, "snli/snli_ja600_test.json")).Concat(File.ReadLines(Path.Combine(_data, "snli/snli_hi600_test.json"))).Take(900)], 900, ["<|end|>"]);
        tokenizer.Save(_model);
        var config = DecoderConfig.Llama(tokenizer.Size, 16, 1, heads: 2, intermediate: 32, initStd: 0.3, endId: tokenizer.SpecialId("<|end|>"), padId: 0) with { MaxPositions = 16384 };
        using (var model = Decoder.Random(config, seed: 2)) Checkpoint.Save(model, _model);
        var folder = new ModelFolder(_model, Device: "cpu");
        return new ModelScorer(folder, folder.Load(), recipe.Models[0], recipe);
    }
}
