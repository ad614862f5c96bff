using XInstruct.Activities.Jobs;
using XInstruct.Activities.Judging;
using XInstruct.Activities.Recipes;

namespace XInstruct.Activities.Tests.Judging;

public sealed class JudgeKindTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-judge-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("form: single\nanswers: [{model: a, path: ours.fi.jsonl}]", "judges: Name at least one judge.")]
    [InlineData("answers: [{model: a, path: ours.fi.jsonl}]\njudges: [{name: j, api: {model: m}}]", "answers: Two models at least make a pair.")]
    [InlineData("judged: [{model: a, judge: j, path: ours.fi.jsonl}]", "judged: Only single answers come judged")]
    [InlineData("answers: [{model: a, path: ours.fi.jsonl}, {model: b, path: base.fi.jsonl}]\nbaseline: c\njudges: [{name: j, api: {model: m}}]", "baseline: No answers are of c. There are: a, b.")]
    [InlineData("form: single\njudged: [{model: a, judge: j, path: ours.fi.jsonl}, {model: a, judge: j, path: base.fi.jsonl}]", "judged.0: j's scores of a are here twice.")]
    [InlineData("form: single\nanswers: [{model: a, path: ours.fi.jsonl}]\njudges: [{name: j, api: {model: m}}]\njudged: [{model: a, judge: j, path: ours.fi.jsonl}]", "judged.0: j is to judge a besides")]
    [InlineData("form: single\nanswers: [{model: a, path: ours.fi.jsonl}]\njudges: [{name: j, api: {model: m, promptFile: short.md}}]", "judges.0.api.promptFile: Only of a run")]
    [InlineData("form: single\nanswers: [{model: a, path: ours.fi.jsonl}]\njudges: [{name: j, prompt: '', api: {model: m}}]", "judges.0.prompt: Empty.")]
    [InlineData("output: ''\nform: single\nanswers: [{model: a, path: ours.fi.jsonl}]\njudges: [{name: j, api: {model: m}}]", "output: Empty.")]
    [InlineData("answers: [{model: a, path: ours.fi.jsonl}, {model: b, path: base.fi.jsonl}]\njudges: [{name: j}]", "judges.0: Say where the model is (judges.0.path), or behind which endpoint (judges.0.api), and not both.")]
    [InlineData("answers: [{model: a, path: ours.fi.jsonl}, {model: b, path: base.fi.jsonl}]\njudges: [{name: j, prompt: short.md, api: {model: m}}]", "judges.0.prompt: ")]
    [InlineData("answers: [{model: a, path: ours.fi.jsonl}, {model: b, path: base.fi.jsonl}]\njudges: [{name: j, api: {model: m, key: HOME}}]", "judges.0.api.key: ")]
    [InlineData("answers: [{model: a, path: ours.fi.jsonl}, {model: b, path: base.fi.jsonl}]\njudges: [{name: j, api: {model: m, key: X_API_KEY, baseUrl: 'http://example.org/v1'}}]", "judges.0.api.baseUrl: A key goes only to https or to this machine")]
    public async Task Load_BadRecipe_NamesThePlace(string recipe, string problem)
    {
        foreach (var name in new[] { "ours", "base" }) await File.WriteAllTextAsync(In($"{name}.fi.jsonl"), """{"question_id":"a","text":"b","output":"c"}""" + "\n");
        await File.WriteAllTextAsync(In("short.md"), "{question}");
        await File.WriteAllTextAsync(In("bad.yaml"), "name: bad\n" + recipe + "\n");
        (await Should.ThrowAsync<RecipeException>(() => JobRecipeFile.LoadAsync(new JudgeKind(), In("bad.yaml"), [], default))).Message.ShouldContain(problem);
    }

    [Fact]
    public async Task Load_WhatNewWrites_HasOnlyFilesMissing()
    {
        var kind = new JudgeKind();
        await File.WriteAllTextAsync(In("new.yaml"), RecipeTemplate.Commented(kind.Name, kind.NewRecipe(), kind.Examples));
        var problems = (await Should.ThrowAsync<RecipeException>(() => JobRecipeFile.LoadAsync(kind, In("new.yaml"), [], default))).Problems;
        problems.Select(p => p.Key).ShouldBe(["answers.0.path"]);
    }

    [Fact]
    public async Task Docs_EveryRecipe_Loads()
    {
        string[] files = ["question.jsonl", "answer.fi.ours.jsonl", "answer.fi.chatgpt.jsonl", "answer.sw.ours.jsonl", "answer.sw.chatgpt.jsonl"];
        foreach (var name in files) await File.WriteAllTextAsync(In(name), """{"question_id":"a","text":"b","output":"c"}""" + "\n");
        await File.WriteAllTextAsync(In("rubric.md"), "{question} {answer1} {answer2} {language}");
        var page = await File.ReadAllTextAsync(Path.Combine(XInstruct.Tests.SharedData.Root, "docs", "judging.md"));
        var block = page.Split("```yaml\n").Skip(1).ShouldHaveSingleItem();
        await File.WriteAllTextAsync(In("page.yaml"), block[..block.IndexOf("```", StringComparison.Ordinal)]);
        (await JobRecipeFile.LoadAsync(new JudgeKind(), In("page.yaml"), [], default)).Recipe.Name.ShouldBe("win-rate");
    }

    private string In(string name) => Path.Combine(_folder, name);
}
