using System.Text.Json;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Texts;
using XInstruct.Tests;
using Xunit.Abstractions;

namespace XInstruct.Domain.Tests.Languages;

public sealed class LanguageIdentifierTests(ITestOutputHelper output)
{
    private const string Sets = "data/spontaneous-multilingual";
    private const int Training = 40;

    // 20 languages; 40 reviews each (sentences where a language has no reviews) against other rows of three sets of quite different text.
    [SharedFact(Sets)]
    public void Identify_Reviews_IsRightForNinetyEightOfAHundred() => Identify("ap_emotion");

    [SharedFact(Sets)]
    public void Identify_Captions_IsRightForNinetyEightOfAHundred() => Identify("snli");

    [SharedFact(Sets)]
    public void Identify_EncyclopaediaSentences_IsRightForNinetyEightOfAHundred() => Identify("paws");

    private void Identify(string set)
    {
        var identifier = LanguageIdentifier.Build(Profiles());
        identifier.Profiles.Count.ShouldBe(20);
        int right = 0, all = 0;
        foreach (var (code, texts) in Read(set))
        {
            var tested = texts.Skip(Training).Select(TextNormalizer.Normalize).ToList();
            var hits = tested.Count(t => identifier.Identify(t) == code);
            var refused = tested.Count(t => !identifier.Check(t, code).IsDeclared);
            output.WriteLine($"{set} {code}: {hits}/{tested.Count} identified, {refused} refused");
            ((double)refused / tested.Count).ShouldBeLessThanOrEqualTo(0.02, $"{set} {code}");
            right += hits;
            all += tested.Count;
        }

        output.WriteLine($"{set}: {(double)right / all:F4} of {all}");
        ((double)right / all).ShouldBeGreaterThanOrEqualTo(0.98);
    }

    [SharedFact(Sets)]
    public void Check_ReviewDeclaredAsAnyOtherLanguage_IsRefused()
    {
        var identifier = LanguageIdentifier.Build(Profiles());
        int refused = 0, all = 0;
        foreach (var (code, texts) in Read("ap_emotion"))
        {
            foreach (var declared in identifier.Profiles.Where(p => p != code))
            {
                foreach (var text in texts.Skip(480).Select(TextNormalizer.Normalize))
                {
                    all++;
                    if (!identifier.Check(text, declared).IsDeclared) refused++;
                }
            }
        }

        ((double)refused / all).ShouldBeGreaterThanOrEqualTo(0.995, $"{refused} of {all}");
    }

    [Fact]
    public void Check_AnotherScript_IsNotTheDeclaredLanguage()
    {
        var identifier = Swahili();
        identifier.Check("यह एक हिन्दी वाक्य है", "sw").ShouldBe(new LanguageVerdict(null, false, "script"));
        identifier.Check("Tunapika wali asubuhi", "sw").ShouldBe(new LanguageVerdict("sw", true, "profile"));
    }

    [Fact]
    public void Check_LanguageWithoutProfile_IsCheckedByScript()
    {
        Swahili().Check("საქართველო ლამაზი ქვეყანაა", "ka").ShouldBe(new LanguageVerdict(null, true, "script"));
        Swahili().Check("Habari ya asubuhi", "ka").IsDeclared.ShouldBeFalse();
    }

    [Fact]
    public void Check_RegionalCode_UsesTheProfileOfItsLanguage() => Swahili().Check("Tunapika wali asubuhi", "sw-KE").CheckedBy.ShouldBe("profile");

    [Fact]
    public void Check_NoLetters_IsRefused() => Swahili().Check("12345 67890 !!!", "sw").IsDeclared.ShouldBeFalse();

    [Fact]
    public void Check_ChineseDeclaredAsJapanese_IsRefusedWithoutAnyProfile()
    {
        var empty = LanguageIdentifier.Build(new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal));
        empty.Check("这本书写得非常好，我已经读了三遍，推荐给大家。", "ja").IsDeclared.ShouldBeFalse();
        empty.Check("この本はとても良く書かれていて、三回も読みました。", "ja").IsDeclared.ShouldBeTrue();
        empty.Identify("anything").ShouldBeNull();
    }

    [Fact]
    public void Check_ForeignNamesInAnotherScript_DoNotCount()
    {
        var identifier = LanguageIdentifier.Build(new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
        {
            ["bg"] = ["Днес времето е хубаво и отиваме на пазар, за да купим хляб и сирене за вечеря."],
            ["en"] = ["Today the weather is nice and we go to the market to buy bread and cheese for dinner with friends."],
        });
        identifier.Check("Днес отиваме в The Weather Market Dinner and Friends, за да купим хляб", "bg").IsDeclared.ShouldBeTrue();
    }

    [Fact]
    public void Build_ProfilesInAnyOrder_GiveTheSameVerdicts()
    {
        var profiles = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
        {
            ["sw"] = ["Habari ya asubuhi rafiki yangu", "Leo tunapika wali wa nazi"],
            ["fi"] = ["Hyvää huomenta ystäväni", "Tänään keitämme riisiä"],
            ["id"] = ["Selamat pagi temanku", "Hari ini kita memasak nasi"],
        };
        var turned = profiles.Reverse().ToDictionary(p => p.Key, p => (IReadOnlyList<string>)[.. p.Value.Reverse()], StringComparer.Ordinal);
        var (one, other) = (LanguageIdentifier.Build(profiles), LanguageIdentifier.Build(turned));
        foreach (var text in new[] { "Leo asubuhi rafiki", "Hari ini pagi", "Tänään riisiä", "abc" })
        {
            foreach (var code in profiles.Keys) one.Check(text, code).ShouldBe(other.Check(text, code));
        }
    }

    private static LanguageIdentifier Swahili() =>
        LanguageIdentifier.Build(new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { ["sw"] = ["Habari ya asubuhi rafiki yangu, leo tunapika wali."] });

    private static Dictionary<string, IReadOnlyList<string>> Profiles()
    {
        var profiles = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var set in new[] { "ap_emotion", "paws" })
        {
            foreach (var (code, texts) in Read(set)) profiles.TryAdd(code, [.. texts.Take(Training)]);
        }

        return profiles;
    }

    private static IEnumerable<(string Code, List<string> Texts)> Read(string set)
    {
        foreach (var file in Directory.GetFiles(Path.Combine(SharedData.Folder, Sets, set), "*00_test.json").Order(StringComparer.Ordinal))
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            var code = Path.GetFileName(file).Split('_')[1][..2];
            yield return (code, [.. document.RootElement.EnumerateArray().Select(Text)]);
        }
    }

    private static string Text(JsonElement row) => string.Join(' ', new[] { "input", "premise", "hypothesis", "sentence1" }
        .Where(column => row.TryGetProperty(column, out _)).Select(column => row.GetProperty(column).GetString()));
}
