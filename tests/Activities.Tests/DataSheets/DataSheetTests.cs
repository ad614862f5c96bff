using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using XInstruct.Activities.DataSheets;
using XInstruct.Activities.Pages;
using XInstruct.Activities.Reports;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Statistics;

namespace XInstruct.Activities.Tests.DataSheets;

public sealed class DataSheetTests
{
    private const string Hostile = "</script><script>alert(1)</script><!-- {{body}} | `x` [a](javascript:b) \u202E\u0007 {a|b}";

    [Fact]
    public void Html_HostileText_StaysText()
    {
        var page = HtmlPage.Render(SheetSections.Of(Sheet(Hostile)));
        // Three scripts that run and one that is data; nothing of the text's own.
        Regex.Count(page, "<script").ShouldBe(4);
        Regex.Count(page, "</script").ShouldBe(4);
        page.ShouldContain(WebUtility.HtmlEncode("</script><script>alert(1)</script><!-- {{body}} | `x`"));
        page.ShouldNotContain("alert(1)</script>", Case.Sensitive);
        page.IndexOfAny(['\u202E', '\u0007']).ShouldBe(-1);
        using var data = JsonDocument.Parse(Element(page, "script type=\"application/json\" id=\"data\"", "script"));
        data.RootElement.GetProperty("maps")[0].GetProperty("points")[0].GetProperty("instruction").GetString().ShouldBe(Hostile);
    }

    [Fact]
    public void Html_Policy_AllowsWhatIsOnThePageAndNothingElse()
    {
        var page = HtmlPage.Render(SheetSections.Of(Sheet("x")));
        var policy = page.Split("Content-Security-Policy\" content=\"")[1].Split('"')[0];
        policy.ShouldStartWith("default-src 'none';");
        policy.ShouldNotContain("unsafe");
        policy.ShouldNotContain("http");
        foreach (var script in page.Split("<script>").Skip(1)) policy.ShouldContain(Hash(script.Split("</script>")[0]));
        policy.ShouldContain(Hash(Element(page, "style", "style")));
        var markup = page[..page.IndexOf("<script", StringComparison.Ordinal)];
        foreach (var hole in new[] { " style=\"", "src=", "http:", "https:" }) markup.ShouldNotContain(hole);
        HtmlPage.HasCharts.ShouldBe(page.Contains("data-chart=\"map\"", StringComparison.Ordinal));
        HtmlPage.HasCharts.ShouldBe(File.Exists(Path.Combine(XInstruct.Tests.SharedData.Root, "eng/npm/node_modules/echarts/dist/echarts.min.js")));

        static string Hash(string text) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";
    }

    [Fact]
    public void Markdown_HostileText_StaysText()
    {
        var page = MarkdownPage.Render(SheetSections.Of(Sheet(Hostile)));
        page.ShouldNotContain("<script>", Case.Sensitive);
        page.ShouldContain(@"&lt;/script\>&lt;script\>alert(1)");
        page.ShouldContain(@"\[a\](javascript:b)");
        page.IndexOfAny(['\u202E', '\u0007', '\r']).ShouldBe(-1);
        var tables = page.Split('\n').Where(l => l.StartsWith('|')).ToList();
        // A bar in a text would be one more column.
        foreach (var row in tables.Where(l => l.Contains("alert", StringComparison.Ordinal))) Regex.Count(row, @"(?<!\\)\|").ShouldBe(6);
        page.ShouldContain("````\n``` in a prompt\n````");
    }

    [Fact]
    public void Render_Figures_AreThoseOfTheSheet()
    {
        var sheet = Sheet("Tell me");
        foreach (var page in new[] { WebUtility.HtmlDecode(MarkdownPage.Render(SheetSections.Of(sheet))).Replace("\\", "", StringComparison.Ordinal), WebUtility.HtmlDecode(HtmlPage.Render(SheetSections.Of(sheet))) })
        {
            page.ShouldContain("49.5 ± 2.1");
            page.ShouldContain("1,234");
            page.ShouldContain("0.875");
            page.ShouldContain("$0.0123");
            page.ShouldContain(sheet.Run.Release!.Sha256);
            page.ShouldContain("./xinstruct audit verify small-1");
        }

        MarkdownPage.Render(SheetSections.Of(sheet)).ShouldBe(MarkdownPage.Render(SheetSections.Of(Sheet("Tell me"))));
        HtmlPage.Render(SheetSections.Of(sheet)).ShouldBe(HtmlPage.Render(SheetSections.Of(Sheet("Tell me"))));
    }

    [Fact]
    public void Phrases_Top_AreTheMostFrequent()
    {
        var phrases = new PhraseCounter();
        foreach (var text in new[] { "Tell a story", "Tell a joke", "Tell a story", "Explain gravity", "Sing", "Explain rain", "Explain fog" }) phrases.Add(text);
        phrases.Top(2, 1).Select(v => $"{v.Verb} {v.Count} {v.Objects[0].Object} {v.Objects[0].Count}").ShouldBe(["explain 3 fog 1", "tell 3 story 2"]);
    }

    [Theory]
    [InlineData(10, 100, 10)]
    [InlineData(100, 10, 10)]
    [InlineData(101, 100, 100)]
    [InlineData(7, 3, 3)]
    public void Selection_OfMany_IsEvenAndOfThatSize(int count, int most, int expected)
    {
        var selection = new EvenSelection<int>(count, most);
        for (var i = 0; i < count; i++) selection.Add(i);
        selection.Chosen.Count.ShouldBe(expected);
        var gaps = selection.Chosen.Zip(selection.Chosen.Skip(1), (a, b) => b - a).ToList();
        (gaps.Max() - gaps.Min()).ShouldBeLessThanOrEqualTo(1);
    }

    private static string Element(string page, string open, string close)
    {
        var start = page.IndexOf($"<{open}>", StringComparison.Ordinal) + open.Length + 2;
        return page[start..page.IndexOf($"</{close}>", start, StringComparison.Ordinal)];
    }

    private static DataSheet Sheet(string text)
    {
        var hash = ContentHash.Of("x");
        var run = new Run
        {
            Name = "small-1",
            RecipeName = "small",
            Recipe = hash,
            Languages = ["sw"],
            IsCompleted = true,
            Inputs = [new InputContent("corpus", "sw", hash, 1234)],
            Checkpoints = [new CheckpointSaved("k", "student", hash, 5, 6, 0.875)],
            Release = new ReleaseSealed(1, hash, hash, hash, [new ReleaseFile("sw.jsonl", 9, hash, 2)]),
        };
        var iteration = new IterationReport(0, 4, 2, null, null, [1, 1, 2]) { Languages = [new LanguageIterationReport("sw", 4, 2, null, null)] };
        var report = new RunReport("small-1", "completed", ["sw"], new SampleCounts(4, 1, 2, 2), [iteration], null, null, null, new Ledger(3, 4, 0.0123m), 12, new Dictionary<string, string> { ["Marten"] = "official" });
        var day = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        return new DataSheet(
            run, report, [new LanguageStatistics("sw", 2, 2, new Summary(2, 49.5, 2.1), new Summary(2, 300, 1), 0.5, 1)],
            [new Rejection("sw", "ingest", "too-short", 1, text), new Rejection("sw", "refine", "not-kept", 2, null)],
            [new ScoreHistogram("sw", [0, 4], [0, 2])], [new ClusterMap("sw", 0.5, 2, [new MapPoint(1, 2, 0, text), new MapPoint(2, 1, 0, "b")])],
            [new VerbCount("tell", 2, [new ObjectCount("story", 1)])],
            [new Deed(new Act("generate", "1.0", Prompt: hash, Device: "cpu"), 2, 3, 4, 0.0123m, day, day)],
            new Dictionary<string, string> { [hash] = "``` in a prompt" }, """{"name":"small"}""");
    }
}
