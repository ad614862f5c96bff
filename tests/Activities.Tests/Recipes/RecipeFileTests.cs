using System.Text;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Statistics;

namespace XInstruct.Activities.Tests.Recipes;

public sealed class RecipeFileTests : IDisposable
{
    private readonly RecipeFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_SmallRecipe_FillsDefaultsAndMakesPathsAbsolute()
    {
        var loaded = _folder.Load(RecipeFolder.Good + "refine:\nmodels:\n  student:\n    tuning: {steps: 7, learningRate: 1e-3}\n");
        var recipe = loaded.Recipe;
        loaded.Folder.ShouldBe(_folder.Root);
        recipe.Languages.ShouldBe(["sw", "th"]);
        recipe.Corpus.Path.ShouldBe(Path.Combine(_folder.Root, "corpus/{lang}.jsonl"));
        recipe.Corpus.MinChars.ShouldBe(600);
        recipe.Refine.Keep.ShouldBe([0.3, 0.5]);
        recipe.Models.Student.Tuning.Steps.ShouldBe(7);
        recipe.Models.Student.Tuning.LearningRate.ShouldBe(0.001);
        recipe.Models.Student.Prompt.ShouldContain("{instruction}");
        recipe.Models.Generator.Tuning.Steps.ShouldBe(600);
        recipe.Truth.ShouldBeNull();
    }

    [Fact]
    public void Load_ManyMistakes_TellsAllWithTheirPlaces()
    {
        const string yaml = """
            name: Small One
            languages: [sw, qq, sw]
            seed: one
            corpus:
              path: corpus/{lang}.json
              minChars: "40"
              maxchars: 5
            seeds:
              path: seeds/{lang}.jsonl
              heldOut: 0.7
            refine:
              rank: evalutor
              keep: 0.5
            minChars: 3
            """;
        var problems = _folder.Problems(yaml, "refine.iterations=many", "plan.window=0", "nonsense");
        var lines = problems.Select(p => p.ToString().Replace(_folder.Root, "", StringComparison.Ordinal)).ToList();
        lines.SkipWhile(l => !l.StartsWith("--set", StringComparison.Ordinal)).ShouldAllBe(l => l.StartsWith("--set", StringComparison.Ordinal));
        void Has(string start, string part) => lines.ShouldContain(l => l.StartsWith(start, StringComparison.Ordinal) && l.Contains(part, StringComparison.Ordinal), string.Join('\n', lines));
        Has("/recipe.yaml:1:7: name: ", "'Small One' does not match");
        Has("/recipe.yaml:2:12: languages: ", "'qq' is unknown");
        Has("/recipe.yaml:2:12: languages: ", "'sw' is here twice");
        Has("/recipe.yaml:3:7: seed: ", "whole number; 'one' is none");
        Has("/recipe.yaml:5:9: corpus.path: ", "No file /corpus/sw.json. The nearest name there is sw.jsonl.");
        Has("/recipe.yaml:6:13: corpus.minChars: ", "whole number from 0 to 100000000; the text '40' is none");
        Has("/recipe.yaml:7:3: corpus.maxchars: ", "Did you mean 'maxChars'? Allowed here: path, text,");
        Has("/recipe.yaml:10:12: seeds.heldOut: ", "Must be from 0 to 0.5; 0.7 is not");
        Has("/recipe.yaml:12:9: refine.rank: ", "one of both, evaluator, generator, random; 'evalutor' is none. Did you mean 'evaluator'?");
        Has("/recipe.yaml:13:9: refine.keep: ", "list of numbers");
        Has("/recipe.yaml:14:1: minChars: ", "Did you mean 'corpus.minChars'?");
        Has("--set refine.iterations=many: refine.iterations: ", "'many' is none");
        Has("--set plan.window=0: plan.window: ", "Must be from 1 to 64; 0 is not");
        Has("--set nonsense: ", "Must be key=value");
    }

    [Fact]
    public void Load_Empty_TellsWhatIsMissing() =>
        _folder.Problems("").Select(p => p.Key).ShouldBe(["name", "languages", "corpus.path", "seeds.path"], ignoreOrder: true);

    [Theory]
    [InlineData("name: [a\nlanguages: x", "Not YAML")]
    [InlineData("a: &x [1]\nb: *x\n", "Anchors")]
    [InlineData("name: !!str x\n", "tags")]
    [InlineData("name: a\nname: b\n", "twice; the first is in line 1")]
    [InlineData("- a\n", "mapping")]
    [InlineData("name: a\n---\nname: b\n", "second")]
    [InlineData("? [a, b]\n: c\n", "not a list or mapping")]
    public void Load_YamlThatIsNoRecipe_IsAProblemNotACrash(string yaml, string message) =>
        _folder.Problems(yaml).ShouldContain(p => p.Message.Contains(message, StringComparison.Ordinal) && p.Line > 0);

    [Fact]
    public void Load_BillionLaughsAndDeepNesting_EndAtOnce()
    {
        var laughs = "a0: &a0 [x, x]\n" + string.Concat(Enumerable.Range(1, 40).Select(i => $"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}]\n"));
        _folder.Problems(laughs).Count.ShouldBeGreaterThan(10);
        _folder.Problem("name: " + new string('[', 50_000)).Message.ShouldContain("Nested deeper");
        _folder.Problem(string.Concat(Enumerable.Repeat("a: {", 20_000))).Message.ShouldContain("Nested deeper");
        _folder.Problem(new string(' ', (1 << 20) + 1) + "name: x").Message.ShouldContain("Longer than");
    }

    [Fact]
    public void Load_DamagedRecipe_LoadsOrTellsButNeverCrashes()
    {
        var random = new DeterministicRandom("damaged recipes");
        var whole = RecipeTemplate.Commented();
        const string signs = "[]{}:,&*!|>'\"%@`#?- \n\t\0x1\uFEFF";
        for (var trial = 0; trial < 500; trial++)
        {
            var text = new StringBuilder(whole);
            for (var flips = random.Next(5) + 1; flips > 0; flips--) text[random.Next(text.Length)] = signs[random.Next(signs.Length)];
            var path = Path.Combine(_folder.Root, "damaged.yaml");
            File.WriteAllText(path, text.ToString());
            try
            {
                RecipeFile.Load(path, []);
            }
            catch (RecipeException e)
            {
                e.Problems.ShouldNotBeEmpty();
            }
        }
    }

    [Fact]
    public void Load_FileThatIsNoText_IsAProblem()
    {
        var path = Path.Combine(_folder.Root, "binary.yaml");
        File.WriteAllBytes(path, [0xFF, 0xFE, 0x00, 0x41]);
        Should.Throw<RecipeException>(() => RecipeFile.Load(path, [])).Problems.ShouldHaveSingleItem().Message.ShouldContain("Not UTF-8");
        Should.Throw<RecipeException>(() => RecipeFile.Load(path + ".no", [])).Problems.ShouldHaveSingleItem().Message.ShouldContain("cannot be read");
        Should.Throw<RecipeException>(() => RecipeFile.Load(_folder.Root, [])).Problems.ShouldHaveSingleItem().Message.ShouldContain("cannot be read");
    }

    [Fact]
    public void Load_Overrides_HoldAndAreRelativeToTheCurrentFolder()
    {
        var here = Path.GetRelativePath(Environment.CurrentDirectory, Path.Combine(_folder.Root, "corpus"));
        var recipe = _folder.Load(
            RecipeFolder.Good, "languages=[sw,hi]", "refine.keep=[0.25, 1]", $"corpus.path={here}/{{lang}}.jsonl", "seed=5", "seed=6", "plan={window: 2}", "diversify.pick=random").Recipe;
        recipe.Languages.ShouldBe(["sw", "hi"]);
        recipe.Refine.Keep.ShouldBe([0.25, 1]);
        recipe.Corpus.Path.ShouldBe(Path.Combine(_folder.Root, "corpus/{lang}.jsonl"));
        recipe.Seed.ShouldBe(6);
        recipe.Plan.Window.ShouldBe(2);
        recipe.Diversify.Pick.ShouldBe(Pick.Random);
    }

    [Theory]
    [InlineData("name.x=1", "no section")]
    [InlineData("refin.iterations=1", "Did you mean 'refine'")]
    [InlineData("refine.keep=[", "Not YAML")]
    [InlineData("corpus.path=none/{lang}.jsonl", "No file")]
    public void Load_BadOverride_NamesIt(string text, string message)
    {
        var problem = _folder.Problems(RecipeFolder.Good, text)[0];
        problem.File.ShouldBe($"--set {text}");
        problem.Line.ShouldBe(0);
        problem.Message.ShouldContain(message);
    }

    [Theory]
    [InlineData("corpus.text=body", "corpus.text", "no column 'body'. Did you mean")]
    [InlineData("corpus.path=corpus/{language}.jsonl", "corpus.path", "Only {lang} stands for something")]
    [InlineData("corpus.path=/", "corpus.path", "is a folder")]
    [InlineData("corpus.maxChars=5", "corpus.minChars", "Must not be above corpus.maxChars")]
    [InlineData("seeds.alignWith=none", "seeds.alignWith", "needs seeds.template")]
    [InlineData("seeds.take=9", "seeds.take", "Must not be above the rows")]
    [InlineData("refine.keep=[0.5, 1.5]", "refine.keep", "at most 1")]
    [InlineData("refine.keep=[]", "refine.keep", "at least 1 item")]
    [InlineData("plan.shardSize=16", "plan.microBatch", "Must not be above plan.shardSize")]
    [InlineData("truth.id=id", "truth.fields", "at least one column")]
    [InlineData("models.generator.prompt=No slot", "models.generator.prompt", "{text} must be in the template")]
    [InlineData("models.student.prompt={instruction} {text}", "models.student.prompt", "{text} is unknown here; allowed: {instruction}, {language}")]
    [InlineData("models.evaluator.prompt={text", "models.evaluator.prompt", "begins no slot")]
    [InlineData("models.student.shape.hidden=90", "models.student.shape.hidden", "multiple of twice the heads")]
    [InlineData("models.student.base=/", "models.student.base", "has no config.json")]
    [InlineData("models.student.base=nowhere", "models.student.base", "No folder")]
    [InlineData("languages=[SW]", "languages", "'SW' is written 'sw'")]
    public void Load_OneMistake_IsOneKindOfProblem(string text, string key, string message)
    {
        var problems = _folder.Problems(RecipeFolder.Good, text).Where(p => !p.Message.StartsWith("No file", StringComparison.Ordinal)).ToList();
        problems.ShouldNotBeEmpty();
        problems.ShouldAllBe(p => p.Key == key && p.Message.Contains(message, StringComparison.Ordinal), string.Join('\n', problems));
    }

    [Fact]
    public void Load_LabelledRows_TakePathAndColumnFromTheCorpusAndTruthFromTheLabels()
    {
        foreach (var language in new[] { "sw", "th", "en" })
        {
            _folder.Write($"reviews/{language}.json", """[{"input":"a","answer":"x"},{"input":"b","answer":"y"},{"input":"c","answer":"x"}]""");
        }

        var recipe = _folder.Load(
            """
            name: reviews
            languages: [sw, th]
            corpus: {path: "reviews/{lang}.json", text: input}
            seeds: {template: "Write a {label} review in {language}.", label: answer, alignWith: reviews/en.json, take: 2}
            truth: {fields: [answer]}
            """).Recipe;
        recipe.Seeds.Path.ShouldBe(recipe.Corpus.Path);
        recipe.Seeds.Output.ShouldBe("input");
        recipe.Truth!.Path.ShouldBe(recipe.Corpus.Path);
        recipe.Truth.AlignWith.ShouldBe(Path.Combine(_folder.Root, "reviews/en.json"));
    }

    [Fact]
    public void Load_LabelledRowsOfDifferentCount_IsAProblem()
    {
        _folder.Write("corpus/sw.jsonl", """{"text":"x","label":"a"}""" + "\n" + """{"text":"x","label":"a"}""" + "\n");
        _folder.Write("corpus/th.jsonl", """{"text":"x","label":"a"}""" + "\n");
        _folder.Problem(RecipeFolder.Good.Replace("  path: seeds/{lang}.jsonl", "  template: 'A {label} text.'\n  take: 1", StringComparison.Ordinal))
            .Message.ShouldContain("index-parallel files, but");
    }

    [Fact]
    public void Load_ModelFolder_IsAnInputFileByFile()
    {
        _folder.WriteModel("base");
        foreach (var name in new[] { "README.md", ".hidden.json" }) _folder.Write($"base/{name}", "{}");
        var loaded = _folder.Load(RecipeFolder.Good + "models: {student: {base: base}}\n");
        RecipeInputs.Of(loaded).Select(f => $"{f.Role} {f.Language} {Path.GetRelativePath(_folder.Root, f.FullPath)}").ShouldBe(
        [
            "corpus sw corpus/sw.jsonl", "corpus th corpus/th.jsonl", "seeds sw seeds/sw.jsonl", "seeds th seeds/th.jsonl",
            "models.student.base/config.json  base/config.json", "models.student.base/model.safetensors  base/model.safetensors",
            "models.student.base/tokenizer.json  base/tokenizer.json", "models.student.base/tokenizer_config.json  base/tokenizer_config.json",
        ]);
    }
}
