using System.Text.Json;
using System.Text.RegularExpressions;
using XInstruct.Activities.Building;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Tasks;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Tasks;
using XInstruct.Tests;
using Xunit.Abstractions;

namespace XInstruct.Activities.Tests.Building;

/// <summary>Question translation against the published files, of which only the rows' texts are used; words, order and form are ours.</summary>
public sealed class QuestionTranslationFileTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-translation-").FullName;
    private readonly TaskCatalogue _lml = TaskRegistryFiles.Load(["lml"], []);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SharedFact("data/spontaneous-multilingual/snli/snli_en10k_train.json")]
    public async Task Read_RowsOfThePublishedFiles_GivesTheirBytes()
    {
        var snli = Path.Combine(SharedData.Folder, "data/spontaneous-multilingual/snli");
        foreach (var language in new[] { "zh", "de", "sw" })
        {
            var published = await File.ReadAllBytesAsync(Path.Combine(snli, $"snli_{language}10k_train_question.json"));
            await File.WriteAllLinesAsync(In(language), Texts(published, _lml.Dataset("snli").Words(language).Words).Select(row => JsonSerializer.Serialize(row)));
            var recipe = Recipe("snli", ["en", language], [$"{language}-en"]);
            var lines = await new TranslationPairs(recipe, _lml, $"{language}-en").ReadAsync(file => file == 0 ? Path.Combine(snli, "snli_en10k_train.json") : In(language), default).ToListAsync();
            var built = Write(recipe, lines.Select(line => line.Row).OfType<BuildRow>(), $"{language}.json");
            lines.ShouldContain(line => line.Count != null && line.Count.Reason == "read" && line.Count.Rows == 10_000);
            built.Length.ShouldBe(published.Length);
            built.AsSpan().SequenceEqual(published).ShouldBeTrue(language);
            output.WriteLine($"{language}: {built.Length} bytes, the same as published");
        }
    }

    [Fact]
    public async Task Read_OtherDirectionsAndRows_TurnsThePairRound()
    {
        await File.WriteAllTextAsync(In("en"), """
            {"premise": "A \"man\" \u0001 sings.", "hypothesis": "He sings 🙂."}
            no JSON
            {"premise": "Two.", "hypothesis": "One."}

            """);
        await File.WriteAllTextAsync(In("de"), """
            [{"p": "Ein Mann singt.", "hypothesis": "Er singt."}, {"p": "x", "hypothesis": "x"}, {"p": "Zwei.", "hypothesis": "Eins."}]
            """);
        var recipe = Recipe("snli", ["en", "de"], ["en-de"]);
        recipe.QuestionTranslation!.Files[1].Columns = new Dictionary<string, string> { ["premise"] = "p" };
        var lines = await new TranslationPairs(recipe, _lml, "en-de").ReadAsync(file => In(file == 0 ? "en" : "de"), default).ToListAsync();
        lines.Select(line => line.Drop).OfType<BuildDrop>().ShouldHaveSingleItem().ShouldBe(new BuildDrop("snli en", 2, "snli", DataSplit.Train, "not-json", ""));
        lines.ShouldNotContain(line => line.Count != null && line.Count.Reason == "not-drawn");
        // The row that is no JSON is not one that was not drawn.
        recipe.QuestionTranslation.Rows = 1;
        (await new TranslationPairs(recipe, _lml, "en-de").ReadAsync(file => In(file == 0 ? "en" : "de"), default).ToListAsync()).Select(line => line.Count).OfType<BuildCount>().Select(count => (count.Reason, count.Rows)).ShouldBe([("read", 3), ("not-drawn", 2)]);
        recipe.QuestionTranslation.Rows = 2;
        (await new TranslationPairs(recipe, _lml, "en-de").ReadAsync(file => In(file == 0 ? "en" : "de"), default).ToListAsync()).Select(line => line.Count).OfType<BuildCount>().Select(count => (count.Reason, count.Rows)).ShouldBe([("read", 3)]);
        recipe.QuestionTranslation.Rows = 0;
        System.Text.Encoding.UTF8.GetString(Write(recipe, lines.Select(line => line.Row).OfType<BuildRow>(), "built.json")).ShouldBe("""
            [
                {
                    "input": "Premise: A \"man\" \u0001 sings.\nHypothesis: He sings 🙂.\nAnswer: \"\nTranslate the input from English to German:\n",
                    "answer": "Prämisse: Ein Mann singt.\nHypothese: Er singt.\nAntwort: \""
                },
                {
                    "input": "Premise: Two.\nHypothesis: One.\nAnswer: \"\nTranslate the input from English to German:\n",
                    "answer": "Prämisse: Zwei.\nHypothese: Eins.\nAntwort: \""
                }
            ]
            """);
    }

    [Fact]
    public async Task Read_FilesOutOfStep_SaysWhichIsShorter()
    {
        await File.WriteAllTextAsync(In("en"), """{"input": "a"}""" + "\n" + """{"input": "b"}""");
        await File.WriteAllTextAsync(In("sw"), """{"input": "a"}""");
        foreach (var direction in new[] { "en-sw", "sw-en" })
        {
            var pairs = new TranslationPairs(Recipe("sentiment", ["en", "sw"], [direction]), _lml, direction).ReadAsync(file => In(file == 0 ? "en" : "sw"), default);
            (await Should.ThrowAsync<JobException>(async () => await pairs.CountAsync())).Message.ShouldStartWith("The file of 'sw' ends after 1 rows, that of 'en' goes on");
        }
    }

    private string In(string language) => Path.Combine(_folder, $"{language}.jsonl");

    private static BuildRecipe Recipe(string task, string[] languages, string[] directions) => new()
    {
        QuestionTranslation = new QuestionTranslationOptions { Task = task, Files = [.. languages.Select(language => new TranslationFile { Lang = language, Path = "x" })], Directions = directions },
    };

    private byte[] Write(BuildRecipe recipe, IEnumerable<BuildRow> rows, string name)
    {
        var path = Path.Combine(_folder, name);
        using (var file = RowFile.Of(path, recipe))
        {
            foreach (var row in rows) file.Write(row);
            file.End();
        }

        return File.ReadAllBytes(path);
    }

    /// <summary>What stands behind the field words in the published inputs.</summary>
    private static IEnumerable<Dictionary<string, string>> Texts(byte[] published, IReadOnlyDictionary<string, string> words)
    {
        var pattern = new Regex($"\\A{words["premise"]}: (.*)\n{words["hypothesis"]}: (.*)\n{words["answer"]}: \"\n", RegexOptions.Singleline, TimeSpan.FromSeconds(1));
        using var document = JsonDocument.Parse(published);
        foreach (var row in document.RootElement.EnumerateArray())
        {
            var match = pattern.Match(row.GetProperty("input").GetString()!);
            match.Success.ShouldBeTrue();
            yield return new Dictionary<string, string> { ["premise"] = match.Groups[1].Value, ["hypothesis"] = match.Groups[2].Value };
        }
    }
}
