using System.Text.Json;
using XInstruct.Domain.Languages;
using XInstruct.Tests;
using Xunit.Abstractions;

namespace XInstruct.Domain.Tests.Languages;

public sealed class LanguageIdentifierTests(ITestOutputHelper output)
{
    private const string Reviews = "data/spontaneous-multilingual/ap_emotion";

    [SharedFact(Reviews)]
    public void Identify_FortyReviewsALanguage_IsRightForNinetyEightOfAHundred()
    {
        var texts = Directory.GetFiles(Path.Combine(SharedData.Folder, Reviews)).ToDictionary(
            f => Path.GetFileName(f)["emotion_".Length..].Split('5')[0], Read, StringComparer.Ordinal);
        var identifier = LanguageIdentifier.Build(texts.ToDictionary(t => t.Key, t => (IReadOnlyList<string>)t.Value[..40], StringComparer.Ordinal));
        var (right, all, refused) = (0, 0, 0);
        foreach (var (code, rows) in texts.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            var tested = rows[40..].Where(r => r.Length >= 40).ToList();
            var hits = tested.Count(r => identifier.Identify(r) == code);
            var false_ = tested.Count(r => !identifier.Check(r, code).IsDeclared);
            output.WriteLine($"{code}: {hits}/{tested.Count} identified, {false_} refused");
            ((double)false_ / tested.Count).ShouldBeLessThanOrEqualTo(0.02, code);
            right += hits;
            all += tested.Count;
            refused += false_;
        }

        output.WriteLine($"all: {(double)right / all:F4} of {all}, refused {(double)refused / all:F4}");
        ((double)right / all).ShouldBeGreaterThanOrEqualTo(0.98);
    }

    [Fact]
    public void Check_AnotherScript_IsNotTheDeclaredLanguage()
    {
        var identifier = LanguageIdentifier.Build(new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { ["sw"] = ["Habari ya asubuhi rafiki yangu, leo tunapika wali."] });
        identifier.Check("यह एक हिन्दी वाक्य है", "sw").IsDeclared.ShouldBeFalse();
        identifier.Check("Tunapika wali asubuhi", "sw").ShouldBe(new LanguageVerdict("sw", true, "profile"));
    }

    [Fact]
    public void Check_LanguageWithoutProfile_IsCheckedByScript()
    {
        var identifier = LanguageIdentifier.Build(new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { ["sw"] = ["Habari ya asubuhi"] });
        identifier.Check("საქართველო ლამაზი ქვეყანაა", "ka").ShouldBe(new LanguageVerdict(null, true, "script"));
        identifier.Check("Habari ya asubuhi", "ka").IsDeclared.ShouldBeFalse();
    }

    [Theory]
    [InlineData("sw", "Swahili")]
    [InlineData("hi", "Hindi")]
    [InlineData("ur", "Urdu")]
    [InlineData("yue", "Cantonese")]
    public void Parse_KnownCode_HasItsEnglishName(string code, string name) => Language.Parse(code).EnglishName.ShouldStartWith(name);

    [Fact]
    public void Parse_UnknownCode_NamesTheNearest() => Should.Throw<FormatException>(() => Language.Parse("hii")).Message.ShouldContain("Did you mean");

    private static List<string> Read(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(file));
        return [.. document.RootElement.EnumerateArray().Select(r => r.GetProperty("input").GetString()!)];
    }
}
