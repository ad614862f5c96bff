using XInstruct.Activities.Recipes;
using XInstruct.Activities.Tasks;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Tasks;
using XInstruct.Tests;

namespace XInstruct.Activities.Tests.Tasks;

public sealed class TaskRegistryFilesTests
{
    private static readonly string[] Twenty = ["en", "zh", "de", "fr", "es", "it", "nl", "ja", "ru", "sv", "sl", "pl", "bg", "no", "ms", "is", "hi", "th", "sw", "bn"];

    [Fact]
    public void Load_Korani_HasItsDataSetsClustersAndKinds()
    {
        var korani = TaskRegistryFiles.Load(["korani"], []);
        (korani.Datasets.Count, korani.Clusters.Count).ShouldBe((51, 17));
        korani.Datasets.CountBy(d => d.Kind).ToDictionary().ShouldBe(new Dictionary<TaskKind, int> { [TaskKind.Nlu] = 34, [TaskKind.Nlg] = 17 }, ignoreOrder: true);
        korani.Datasets.CountBy(d => d.Cluster).Select(c => c.Value).ShouldBe([5, 4, 3, 3, 5, 2, 1, 1, 2, 1, 5, 7, 1, 6, 3, 1, 1]);
        korani.Datasets.ShouldAllBe(d => d.Link != null && d.Licence.Name != Licence.Unknown);
        // Every data set can be asked about in every style.
        foreach (var dataset in korani.Datasets)
        {
            foreach (var style in Enum.GetValues<TemplateStyle>()) TaskPrompts.Of(dataset, "ko", style).ShouldNotBeEmpty(dataset.Name);
        }

        korani.Dataset("unsmile").Licence.ShouldBe(new Licence("CC-BY-NC-ND", false, false));
        korani.Dataset("korquad1").Licence.Derivatives.ShouldBe(false);
        korani.Dataset("aihub_emo").Licence.ShouldBe(new Licence("LicenseRef-AIHub", null, true));
        TaskRegistryFiles.Load(["korani", "korani-en"], []).Datasets.Count.ShouldBe(102);
    }

    [Fact]
    public void Load_Lml_HasWordsAndShotsInTwentyLanguages()
    {
        var lml = TaskRegistryFiles.Load(["lml"], []);
        foreach (var (name, shots) in new[] { ("sentiment", 2), ("snli", 6), ("paws", 4) })
        {
            var task = lml.Dataset(name);
            task.Languages.ShouldBe(Twenty);
            foreach (var code in Twenty)
            {
                var words = task.Words(code);
                words.Words.Keys.Order(StringComparer.Ordinal).ShouldBe(task.Fields.Append("answer").Order(StringComparer.Ordinal));
                words.Labels.Keys.Order(StringComparer.Ordinal).ShouldBe(task.Labels.Order(StringComparer.Ordinal), $"{name} {code}");
                words.Shots.Count.ShouldBe(shots, $"{name} {code}");
                // In step with the English shots, and written in the language's script.
                words.Shots.Select(s => s.Answer).ShouldBe(task.Words("en").Shots.Select(s => s.Answer));
                words.Shots.CountBy(s => s.Answer).Select(c => c.Value).Distinct().Count().ShouldBe(1);
                foreach (var text in words.Shots.SelectMany(s => s.Fields.Values)) Scripts.Share(text, Language.Parse(code).Scripts).ShouldBe(1, $"{name} {code}: {text}");
                var lines = task.ShotLines(code).ToList();
                lines.Distinct(StringComparer.Ordinal).Count().ShouldBe(shots);
                lines.ShouldAllBe(line => line.EndsWith('"') && line.Split('"').Length == 3);
            }
        }

        lml.Dataset("paws").ShotLines("de").First().ShouldBe("Satz 1: 1990 zog die Familie von Lyon nach Genf.\nSatz 2: Die Familie zog 1990 von Lyon nach Genf.\nAntwort: \"gleich\"");
        lml.Dataset("snli").WordPrompt("sw", new Dictionary<string, string> { ["premise"] = "A", ["hypothesis"] = "B" }).ShouldBe("Nguzo: A\nHypothesis: B\nJibu: \"");
        Should.Throw<TaskRegistryException>(() => lml.Dataset("snli").Words("fi")).Message.ShouldContain("It has some in en, zh, de");
    }

    [Fact]
    public void Load_UnknownNames_ListsTheKnownOnes()
    {
        Should.Throw<TaskRegistryException>(() => TaskRegistryFiles.Load(["koran"], [])).Message.ShouldBe("No task registry 'koran' ships with XInstruct. Did you mean 'korani'? There are: korani, korani-en, lml.");
        Should.Throw<TaskRegistryException>(() => TaskRegistryFiles.Load(["korani"], []).Dataset("nsmc")).Message.ShouldContain("Known: naver_movie, naver_shopping, ");
        Should.Throw<TaskRegistryException>(() => TaskRegistryFiles.Load(["lml", "korani", "korani-en"], [])).Message.ShouldStartWith("The data set paws is in two of the registries");
    }

    [Fact]
    public void Parse_Mistakes_AreToldWithLineAndKey()
    {
        const string Yaml = """
            name: mine
            clusters:
              - { name: mood, kind: nlu, fields: [text], labels: [good, bad] }
            datasets:
              - name: reviews
                cluster: moood
              - name: reviews
                cluster: mood
                columns: { txt: review }
                values: { "1": fine }
                languages:
                  - { lang: xx, labels: { good: zuri, bad: zuri } }
                templates:
                  - { name: a, lang: sw, input: "{txt}?" }
                  - { name: a, lang: sw, inpt: "x" }
            """;
        var problems = Should.Throw<RecipeException>(() => TaskRegistryFiles.Parse(Yaml, "mine.yaml", [])).Problems;
        problems.Select(p => (p.Line, p.Key)).ShouldContain((15, "datasets.1.templates.1.inpt"));
        var more = Should.Throw<RecipeException>(() => TaskRegistryFiles.Parse(Yaml.Replace("inpt", "input", StringComparison.Ordinal), "mine.yaml", [])).Problems;
        more.Select(p => p.ToString()).ShouldBe(
        [
            "mine.yaml:6:14: datasets.0.cluster: There is no cluster 'moood'. Did you mean 'mood'? Known: mood. A registry file adds others.",
            "mine.yaml:7:11: datasets.1.name: The data set reviews is here twice.",
            "mine.yaml:9:14: datasets.1.columns: 'txt' is no field of reviews; those are text.",
            "mine.yaml:10:13: datasets.1.values: 'fine' is no label of reviews; those are good, bad.",
            "mine.yaml:12:17: datasets.1.languages.0.lang: Language 'xx' is unknown. Did you mean 'xh' (Xhosa)?",
            "mine.yaml:12:29: datasets.1.languages.0.labels: 'zuri' is the word of several labels: nobody could tell them apart.",
            "mine.yaml:14:37: datasets.1.templates.0.input: The slot {txt} is unknown here; allowed: {text}, {choices}, {options}. Write '{{' for a brace.",
            "mine.yaml:15:17: datasets.1.templates.1.name: The template a is here twice.",
        ]);
    }

    [Fact]
    public void Parse_TheSnippetOfItsPage_GivesPrompts()
    {
        var page = File.ReadAllText(Path.Combine(SharedData.Root, "docs/tasks.md"));
        var catalogue = new TaskCatalogue([TaskRegistryFiles.Parse(page.Split("```yaml\n")[1].Split("```")[0], "my-tasks.yaml", [])]);
        var hotels = catalogue.Dataset("hotels");
        var row = new Dictionary<string, string> { ["review"] = "Kitanda kilivunjika.", ["stars"] = "1", ["text"] = "x", ["first"] = "a", ["second"] = "b", ["label"] = "1.0" };
        PromptedRow Fill(TaskDataset dataset, string language, TemplateStyle style) =>
            TaskPrompts.Fill(dataset, TaskPrompts.Of(dataset, language, style).ShouldHaveSingleItem(), row.GetValueOrDefault).Row.ShouldNotBeNull();
        Fill(hotels, "sw", TemplateStyle.Native).ShouldSatisfyAllConditions(p => p.Input.ShouldBe("Maoni haya ni nzuri, mbaya?\nKitanda kilivunjika."), p => p.Output.ShouldBe("mbaya"), p => p.Choices.ShouldBe(["nzuri", "mbaya"]));
        Fill(hotels, "sw", TemplateStyle.Other).ShouldSatisfyAllConditions(p => p.Input.ShouldBe("Kitanda kilivunjika.\n\nChoose one:\n- good\n- bad"), p => p.Output.ShouldBe("bad"));
        Fill(hotels, "sw", TemplateStyle.Aligned).ShouldSatisfyAllConditions(p => p.Template.ShouldBe("sw-en"), p => p.Output.ShouldBe("mbaya"));
        Fill(catalogue.Dataset("next-words"), "en", TemplateStyle.Native).ShouldSatisfyAllConditions(p => p.Input.ShouldBe("x\n- a\n- b"), p => p.Output.ShouldBe("b"));
        // Rows of Kenya are Swahili.
        foreach (var style in Enum.GetValues<TemplateStyle>()) TaskPrompts.Of(hotels, "sw-KE", style).ShouldBe(TaskPrompts.Of(hotels, "sw", style));
        hotels.ShotLines("sw").ShouldBe(["Maoni: Chumba kilikuwa safi.\nHali: \"nzuri\""]);

        row["stars"] = "3";
        TaskPrompts.Fill(hotels, hotels.Templates[0], row.GetValueOrDefault).Problem.ShouldBe(new PromptProblem("answer-unknown", "3"));
        row.Remove("review");
        TaskPrompts.Fill(hotels, hotels.Templates[0], row.GetValueOrDefault).Problem.ShouldBe(new PromptProblem("column-missing", "review"));
        TaskPrompts.Fill(hotels, hotels.Templates[0], row.GetValueOrDefault, new Dictionary<string, string> { ["text"] = "first", ["answer"] = "second" }).Problem.ShouldBe(new PromptProblem("answer-unknown", "b"));
    }
}
