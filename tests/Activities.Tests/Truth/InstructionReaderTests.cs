using XInstruct.Activities.Tests.Recipes;
using XInstruct.Activities.Truth;

namespace XInstruct.Activities.Tests.Truth;

public sealed class InstructionReaderTests : IDisposable
{
    private readonly RecipeFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("Write a positive product review in Swahili.", true)]
    [InlineData("POSITIVE, in swahili!", true)]
    [InlineData("Write a negative product review in Swahili.", false)]
    [InlineData("Write a positive or negative review in Swahili.", false)]
    [InlineData("Write a nonpositive review in Swahili.", false)]
    [InlineData("Write a positive review in Thai.", false)]
    [InlineData("Write a positive review in Swahili and Thai.", false)]
    [InlineData("Write a positive review.", false)]
    [InlineData("", false)]
    public void IsRight_ValuesAsWords_AgreesOnlyWithTheOneTrueValue(string instruction, bool isRight)
    {
        TruthRow[] rows = [Row(("answer", "positive"), ("lang", "sw")), Row(("answer", "negative"), ("lang", "th"))];
        new InstructionReader(["answer", "lang"], ["sw", "th"], rows).IsRight(instruction, rows[0]).ShouldBe(isRight);
    }

    [Fact]
    public void Recover_Lexicon_KnowsEachValueByAnyOfItsWords()
    {
        var lexicon = new Dictionary<string, IReadOnlyDictionary<string, IReadOnlyList<string>>>(StringComparer.Ordinal)
        {
            ["topic"] = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { ["food"] = ["cooking", "a meal"], ["farm"] = ["farming"] },
        };
        var reader = new InstructionReader(["topic"], ["sw"], [], lexicon);
        reader.Recover("topic", "Explain cooking.").ShouldBe("food");
        reader.Recover("topic", "Plan A MEAL, please").ShouldBe("food");
        reader.Recover("topic", "Cooking and farming").ShouldBeNull();
        reader.Recover("topic", "food").ShouldBeNull();
        reader.IsRight("Explain cooking.", Row()).ShouldBeFalse();
        new InstructionReader([], ["sw"], []).IsRight("anything", Row()).ShouldBeFalse();
    }

    [Fact]
    public async Task ReadAsync_TruthById_JoinsRowsAndKeepsSpoiltApart()
    {
        foreach (var language in new[] { "sw", "th" })
        {
            _folder.Write($"truth/{language}.jsonl", """{"id":"b","topic":"food","spoilt":"too-short"}""" + "\n" + """{"id":"a","topic":"farm","spoilt":null}""" + "\n");
        }

        var loaded = _folder.Load(RecipeFolder.Good + "truth: {path: 'truth/{lang}.jsonl', id: id, fields: [topic, lang], spoilt: spoilt}\n");
        var truths = await TruthReader.ReadAsync(loaded, CancellationToken.None);
        truths["sw"].Find(0, "b")!.Spoilt.ShouldBe("too-short");
        truths["sw"].Find(7, "a")!.Values.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => v.Value).ShouldBe(["sw", "farm"]);
        truths["sw"].Find(0, null).ShouldBeNull();
        var reader = await TruthReader.ReaderAsync(loaded, truths.Values, CancellationToken.None);
        reader.IsRight("Write about a farm in Thai.", truths["th"].Find(1, "a")!).ShouldBeTrue();
    }

    [Fact]
    public async Task ReadAsync_AlignedTruth_JoinsByRowNumber()
    {
        foreach (var language in new[] { "sw", "th", "en" })
        {
            _folder.Write($"reviews/{language}.json", $$"""[{"input":"a","answer":"{{language}}-positive"},{"input":"b","answer":"{{language}}-negative"}]""");
        }

        var loaded = _folder.Load(
            """
            name: reviews
            languages: [sw, th]
            corpus: {path: "reviews/{lang}.json", text: input}
            seeds: {template: "Write a {label} review.", label: answer, alignWith: reviews/en.json, take: 1}
            truth: {fields: [answer]}
            """);
        var truths = await TruthReader.ReadAsync(loaded, CancellationToken.None);
        truths["th"].Find(1, null)!.Values["answer"].ShouldBe("en-negative");
        _folder.Write("reviews/th.json", "[{}]");
        (await Should.ThrowAsync<TruthException>(() => TruthReader.ReadAsync(loaded, CancellationToken.None))).Message.ShouldContain("index-parallel");
    }

    [Theory]
    [InlineData("""{"id":"a","topic":"x"}""" + "\n" + """{"id":"a","topic":"y"}""", "two rows whose id is 'a'")]
    [InlineData("""{"id":"a","theme":"x"}""", "has a 'topic'")]
    public async Task ReadAsync_TruthThatWouldMislead_IsRefused(string rows, string message)
    {
        _folder.Write("truth.jsonl", rows);
        var loaded = _folder.Load(RecipeFolder.Good + "truth: {path: truth.jsonl, id: id, fields: [topic]}\n");
        (await Should.ThrowAsync<TruthException>(() => TruthReader.ReadAsync(loaded, CancellationToken.None))).Message.ShouldContain(message);
    }

    [Fact]
    public async Task ReaderAsync_LexiconThatIsNone_SaysWhatItMustBe()
    {
        _folder.Write("lexicon.json", """{"topic":["food"]}""");
        _folder.Write("truth.jsonl", """{"topic":"food"}""");
        var loaded = _folder.Load(RecipeFolder.Good + "truth: {path: truth.jsonl, fields: [topic], lexicon: lexicon.json}\n");
        (await Should.ThrowAsync<TruthException>(() => TruthReader.ReaderAsync(loaded, [], CancellationToken.None))).Message.ShouldContain("must be JSON of the form");
    }

    private static TruthRow Row(params (string Field, string Value)[] values) => new(values.ToDictionary(v => v.Field, v => v.Value, StringComparer.Ordinal), null);
}
