using System.Text.Json;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Texts;
using XInstruct.Tests;
using Xunit.Abstractions;

namespace XInstruct.Domain.Tests.Texts;

public sealed class TextScreenTests(ITestOutputHelper output)
{
    private const string Reviews = "data/spontaneous-multilingual/ap_emotion";
    private const string Prose = "Leo asubuhi tulikwenda sokoni kununua matunda na mboga za majani. Baadaye tulipika chakula cha mchana pamoja na majirani, tukazungumza kuhusu safari ya kwenda pwani.";

    private static readonly FilterOptions Short = new() { MinChars = 20, MaxChars = 3000 };
    private static readonly LanguageIdentifier NoProfiles = LanguageIdentifier.Build(new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal));

    [Theory]
    [InlineData("", RejectionReason.Empty)]
    [InlineData("\uFEFF \n\u0001", RejectionReason.Empty)]
    [InlineData("a\0b", RejectionReason.Nul)]
    [InlineData("Habari ya leo.", RejectionReason.TooShort)]
    [InlineData("BIDHAA HII NI NZURI SANA NA NINAIPENDEKEZA KWA KILA MTU ANAYEPENDA KUPIKA.", RejectionReason.Uppercase)]
    [InlineData("Nyumbani | Habari | Michezo | Burudani | Wasiliana nasi | Kuhusu sisi | Ingia", RejectionReason.Boilerplate)]
    [InlineData("หน้าแรก » ข่าว » กีฬา » บันเทิง » ติดต่อเรา » เกี่ยวกับเรา", RejectionReason.Boilerplate)]
    [InlineData("होम › समाचार › खेल › मनोरंजन › संपर्क करें › हमारे बारे में", RejectionReason.Boilerplate)]
    [InlineData("© 2024 Kampuni Yetu. Haki zote zimehifadhiwa. Cookie | Login | RSS", RejectionReason.Boilerplate)]
    [InlineData("Tazama https://example.com/a na https://example.com/b au www.example.org, andika kwa info@example.com", RejectionReason.Boilerplate)]
    [InlineData("12/03/2024 14:55 — 1.200,00 (+3,5%) 45/60 — 17:30 — 98,2% / 12,1%", RejectionReason.Boilerplate)]
    [InlineData("Nyumbani\nHabari\nMichezo\nBurudani\nWasiliana nasi\nKuhusu sisi\nIngia\nJisajili", RejectionReason.Boilerplate)]
    [InlineData("Nunua sasa upate punguzo kubwa. Nunua sasa upate punguzo kubwa! Nunua sasa, upate punguzo kubwa. Karibu dukani kwetu.", RejectionReason.Repetition)]
    [InlineData("यह बहुत अच्छा उत्पाद है। यह बहुत अच्छा उत्पाद है। यह बहुत अच्छा उत्पाद है।", RejectionReason.Repetition)]
    [InlineData("สินค้านี้ดีมากจริงๆครับ สินค้านี้ดีมากจริงๆครับ สินค้านี้ดีมากจริงๆครับ", RejectionReason.Repetition)]
    [InlineData("buy it now while it is cheap buy it now while it is cheap buy it now while it is cheap buy it now while it is cheap", RejectionReason.Repetition)]
    [InlineData("यह बहुत अच्छी किताब है और मैंने इसे तीन बार पढ़ा है।", RejectionReason.WrongLanguage)]
    [InlineData(Prose, null)]
    [InlineData("Nilinunua simu hii kwa $199.99 tarehe 3.5.2021 (rangi: nyeusi); betri yake hudumu siku 2! Lakini, kamera si nzuri… 4/5.", null)]
    [InlineData("Tulisema: \"Habari | karibu\". Kisha tukaondoka - polepole - tukiimba nyimbo za zamani, moja baada ya nyingine.", null)]
    public void Check_SwahiliRow_IsRejectedForItsReason(string text, string? reason) => new TextScreen(NoProfiles, Short).Check(text, "sw").Reason.ShouldBe(reason);

    [Fact]
    public void Check_LoneSurrogate_IsRejectedBeforeAnythingElse() => new TextScreen(NoProfiles, Short).Check("a\uD800", "sw").ShouldBe(new ScreenResult(RejectionReason.LoneSurrogate, null));

    [Fact]
    public void Check_LengthLimits_CountCodePointsOfTheNormalisedText()
    {
        var screen = new TextScreen(NoProfiles, new FilterOptions { MinChars = Prose.Length, MaxChars = Prose.Length });
        screen.Check($"  {Prose.Replace(" ", " \u3000 ", StringComparison.Ordinal)}\t", "sw").Reason.ShouldBeNull();
        screen.Check(Prose + " a", "sw").Reason.ShouldBe(RejectionReason.TooLong);
        screen.Check(Prose[..^1], "sw").Reason.ShouldBe(RejectionReason.TooShort);
    }

    [Fact]
    public void Check_AcceptedText_SaysHowItsLanguageWasChecked()
    {
        new TextScreen(NoProfiles, Short).Check(Prose, "sw").CheckedBy.ShouldBe("script");
        new TextScreen(LanguageIdentifier.Build(new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { ["sw"] = [Prose] }), Short).Check(Prose, "sw").CheckedBy.ShouldBe("profile");
    }

    /// <summary>Real reviews in 18 languages: hardly any is boilerplate or repetition.</summary>
    [SharedFact(Reviews)]
    public void Check_RealReviews_AreHardlyEverRejectedForTheirForm()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(SharedData.Folder, Reviews)).Order(StringComparer.Ordinal))
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            var reasons = document.RootElement.EnumerateArray().Select(r => TextFilters.Reject(r.GetProperty("input").GetString()!, Short, out _))
                .OfType<string>().Where(r => r != RejectionReason.TooShort).CountBy(r => r).ToList();
            output.WriteLine($"{Path.GetFileName(file)}: {string.Join(", ", reasons)}");
            reasons.Sum(r => r.Value).ShouldBeLessThanOrEqualTo(document.RootElement.GetArrayLength() / 50, file);
        }
    }
}
