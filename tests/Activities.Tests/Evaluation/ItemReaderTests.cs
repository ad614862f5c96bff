using XInstruct.Activities.Evaluation;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Tests.Evaluation;

public sealed class ItemReaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-items-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Read_ChoiceTask_FillsPromptWordsAndChoicesAndFindsTheAnswer()
    {
        Write("test.sw.jsonl", """{"premise":"Mvua ilinyesha.","question":"effect","choice1":"Barabara ililowa.","choice2":"Jua liliwaka.","label":0}""", """{"premise":"{question}","question":"cause","choice1":"a","choice2":"b","label":"1"}""", """{"premise":"x"}""", """{"premise":"x","question":"effect","choice1":"a","choice2":"b","label":2}""", "no JSON");
        var items = await ReadAsync(TaskLibrary.Shipped("xcopa"), "sw", "test.{lang}.jsonl");
        (items[0].Prompt, items[0].Answer, items[0].Reference, items[0].Id, items[0].Row).ShouldBe(("Mvua ilinyesha. kwa hiyo", 0, "Barabara ililowa.", "1", 1L));
        items[0].Choices.ShouldBe(["Barabara ililowa.", "Jua liliwaka."]);
        // What stands in a row stays text.
        (items[1].Prompt, items[1].Answer).ShouldBe(("{question} kwa sababu", 1));
        items.Skip(2).Select(item => item.Problem).ShouldBe(["no-column question", "answer-not-among-choices 2", "not-json"]);
    }

    [Fact]
    public async Task Read_WordsMissingInALanguage_SaysWhichThereAre()
    {
        Write("fo.jsonl", """{"premise":"a","hypothesis":"b","label":0}""");
        (await Should.ThrowAsync<JobException>(() => ReadAsync(TaskLibrary.Shipped("xnli"), "fo", "{lang}.jsonl"))).Message.ShouldContain("has no word for {yes} in fo. It has words for: ar, bg, de");
    }

    [Fact]
    public async Task Read_Shots_AreDrawnBySeedOnceForAllLanguagesAndNotAsked()
    {
        foreach (var language in (string[])["sw", "fi"]) Write($"{language}.jsonl", [.. Enumerable.Range(0, 20).Select(i => $$"""{"q":"{{language}} {{i}}?","a":"{{i % 3}}"}""")]);
        var task = Task("prompt: \"{q}\"\nanswer: a\nchoices: [\"0\", \"1\", \"2\"]\nclose: \";\"\nseparator: \" | \"");
        var (swahili, finnish) = (await ReadAsync(task, "sw", "{lang}.jsonl", shots: 2), await ReadAsync(task, "fi", "{lang}.jsonl", shots: 2));
        swahili.Count.ShouldBe(18);
        swahili.Select(item => item.Row).ShouldBe(finnish.Select(item => item.Row));
        var head = swahili[0].Prompt![..swahili[0].Prompt!.LastIndexOf('|')];
        swahili.ShouldAllBe(item => item.Prompt!.StartsWith(head));
        head.ShouldMatch(@"^sw \d+\? \d; \| sw \d+\? \d; $");
        finnish[0].Prompt.ShouldBe(swahili[0].Prompt!.Replace("sw", "fi", StringComparison.Ordinal));
        (await ReadAsync(task, "sw", "{lang}.jsonl", shots: 2, seed: 5))[0].Prompt.ShouldNotBe(swahili[0].Prompt);
        (await Should.ThrowAsync<JobException>(() => ReadAsync(task, "sw", "{lang}.jsonl", shots: 20))).Message.ShouldBe("tasks.0.shots: tasks.0 (mine), sw.jsonl has 20 rows, and all of them are examples: none is left to ask.");
        (await ReadAsync(task, "sw", "{lang}.jsonl", limit: 5)).Select(item => item.Row).ShouldBe((await ReadAsync(task, "fi", "{lang}.jsonl", limit: 5)).Select(item => item.Row));
    }

    [Fact]
    public void Derive_ParallelRows_GiveEachLabelItsWord() =>
        LabelSet.Derive(["entailment", "neutral", "contradiction"], ["neutral", "entailment", null, "contradiction", "neutral"], ["中性", "含意", "?", "矛盾", "中性"], "ja").ShouldBe(["含意", "中性", "矛盾"]);

    [Theory]
    [InlineData("a,b,b", "x,y,z", "'b' is 'y' in row 2 and 'z' in row 3")]
    [InlineData("a,b", "x", "has 1 rows and the file it is to be parallel to 2")]
    [InlineData("a,a", "x,x", "no row says what 'b' is there")]
    [InlineData("a,b", "x,x", "'x' is the word for a and b")]
    [InlineData("a,c", "x,y", "has the answer 'c', which is none of the task's labels: a, b")]
    public void Derive_FilesThatDisagree_AreRefused(string reference, string answers, string message) =>
        Should.Throw<JobException>(() => LabelSet.Derive(["a", "b"], reference.Split(','), answers.Split(','), "file.json")).Message.ShouldContain(message);

    [Fact]
    public void Of_TargetClustersAndDatasets_AreAUnionWithoutDuplicates()
    {
        string[] files = ["NLI/klue/test_tmp0.csv", "NLI/klue/test_tmp1.csv", "NLI/klue/train.csv", "NLI/kornli/test_tmp0.csv", "WSD/kowic/test_tmp0.csv", "readme.md"];
        Of([], []).ShouldBe(["NLI/klue/test_tmp0.csv", "NLI/klue/test_tmp1.csv", "NLI/kornli/test_tmp0.csv", "WSD/kowic/test_tmp0.csv"]);
        Of(["NLI"], ["klue", "kowic"]).ShouldBe(["NLI/klue/test_tmp0.csv", "NLI/klue/test_tmp1.csv", "NLI/kornli/test_tmp0.csv", "WSD/kowic/test_tmp0.csv"]);
        Of([], ["kowic"]).ShouldBe(["WSD/kowic/test_tmp0.csv"]);
        Should.Throw<JobException>(() => Of(["NL"], [])).Message.ShouldBe("tasks.0.targetCluster: there is no cluster 'NL'. Did you mean 'NLI'? There are: NLI, WSD.");
        Should.Throw<JobException>(() => Of([], ["kowik"])).Message.ShouldContain("Did you mean 'kowic'? There are: klue, kornli, kowic.");

        // Scores of the two could not be told apart once they are there.
        files = [.. files, "WSD/klue/test_tmp1.csv"];
        Should.Throw<JobException>(() => Of([], ["klue"])).Message.ShouldStartWith("tasks.0 (korani): the data set klue is in two clusters: NLI/klue/test_tmp1.csv, WSD/klue/test_tmp1.csv.");
        Of(["WSD"], []).ShouldBe(["WSD/kowic/test_tmp0.csv", "WSD/klue/test_tmp1.csv"]);

        List<string> Of(string[] clusters, string[] datasets) =>
            [.. TaskUnits.Of(new EvaluationRecipe { Languages = ["ko"], Tasks = [new EvaluatedTask { TargetCluster = clusters, TargetDataset = datasets }] }, 0, TaskLibrary.Shipped("korani"), null, files).Select(unit => unit.File)];
    }

    [Fact]
    public async Task Read_PromptedRows_AreRankedOrGeneratedAndTrapsAreTold()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "c/d"));
        File.WriteAllText(Path.Combine(_folder, "c/d/test_tmp0.csv"), "input,output,choices,dataset_name,id\n\"Is it\nso?\",yes,yes|||no,d,1.0\nSay it,done,,d,2\nIs it?,maybe,yes|||no,d,3\nIs it?,yes,yes,d,4\nIs it?,yes,yes|||,d,5\n");
        var recipe = new EvaluationRecipe { Languages = ["ko"], Tasks = [new EvaluatedTask()] };
        var unit = TaskUnits.Of(recipe, 0, TaskLibrary.Shipped("korani"), null, ["c/d/test_tmp0.csv"]).Single();
        (unit.Cluster, unit.Dataset, unit.Template).ShouldBe(("c", "d", "test_tmp0"));
        var items = await new ItemReader(recipe, unit, name => Path.Combine(_folder, name)).ReadAsync(default);
        (items[0].Prompt, items[0].Answer, items[0].Choices!.Count).ShouldBe(("Is it\nso?", 0, 2));
        (items[1].Choices, items[1].Reference).ShouldBe((null, "done"));
        items[2].Problem.ShouldBe("answer-not-among-choices maybe");
        // Whoever has one choice is right.
        items.Skip(3).Select(item => item.Problem).ShouldBe(["too-few-choices", "too-few-choices"]);
    }

    [Theory]
    [InlineData("choises: [a, b]", "my.yaml:3:1: choises: Unknown key. Did you mean 'choices'?")]
    [InlineData("choices: [a]", "my.yaml:3:10: choices: Name at least two choices")]
    [InlineData("choices: [a, b]\nprompt: \"{x\"", "my.yaml:4:9: prompt: Prompt template")]
    [InlineData("choices: [a, b]\nmeasures: [bleu]", "'bleu' is none of this form.")]
    [InlineData("choices: [a, b]\nanswers: [a]", "my.yaml:4:10: answers: Must be as many as choices: 2.")]
    [InlineData("choices: [a, b]\nlocales: [{ language: klingon }]", "locales.0.language: 'klingon' is not a language code")]
    public void Parse_BadTaskFile_NamesFileLineAndKey(string yaml, string problem) =>
        Should.Throw<RecipeException>(() => TaskLibrary.Parse($"name: mine\nform: choice\n{yaml}\n", "my.yaml")).Message.ShouldContain(problem);

    [Fact]
    public void Docs_ItsTaskAndTheNamesOfTasks_AreGood()
    {
        var page = File.ReadAllText(Path.Combine(XInstruct.Tests.SharedData.Root, "docs/evaluation.md"));
        var block = page[page.IndexOf("# my-task.yaml", StringComparison.Ordinal)..];
        TaskLibrary.Parse(block[..block.IndexOf("```", StringComparison.Ordinal)], "my-task.yaml").Locales.Count.ShouldBe(2);
        foreach (var name in TaskLibrary.Names) page.ShouldContain(name.StartsWith("kobest-", StringComparison.Ordinal) ? $"`{name[6..]}`".Replace("`-boolq`", "`kobest-boolq`", StringComparison.Ordinal) : $"`{name}`");
    }

    [Fact]
    public void Shipped_AllTasks_CanBeRead()
    {
        TaskLibrary.Names.ShouldContain("kobest-copa");
        foreach (var name in TaskLibrary.Names) TaskLibrary.Shipped(name).Name.ShouldBe(name);
        Should.Throw<KeyNotFoundException>(() => TaskLibrary.Shipped("kobest-cop")).Message.ShouldContain("Did you mean 'kobest-copa'?");
    }

    private static EvaluationTask Task(string yaml) => TaskLibrary.Parse($"name: mine\nform: choice\n{yaml}\n", "mine.yaml");

    private void Write(string name, params string[] rows) => File.WriteAllLines(Path.Combine(_folder, name), rows);

    private async Task<IReadOnlyList<EvaluationItem>> ReadAsync(EvaluationTask task, string language, string files, int shots = 0, int seed = 1, int? limit = null)
    {
        var recipe = new EvaluationRecipe { Seed = seed, Languages = [language], Tasks = [new EvaluatedTask { Files = files, Shots = shots, Limit = limit }] };
        var unit = TaskUnits.Of(recipe, 0, task, null, [.. Directory.EnumerateFiles(_folder).Select(file => Path.GetFileName(file))]).Single();
        return await new ItemReader(recipe, unit, name => Path.Combine(_folder, name) is var path && File.Exists(path) ? path : null).ReadAsync(default);
    }
}
