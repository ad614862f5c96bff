using System.Text.Json;
using XInstruct.Domain.Deduplication;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Texts;
using XInstruct.Tests;
using Xunit.Abstractions;

namespace XInstruct.Domain.Tests.Texts;

/// <summary>The whole filter chain over the shipped samples, a fifth of which are spoilt on purpose; only this test reads how.</summary>
public sealed class SpoiltSampleTests(ITestOutputHelper output)
{
    private static readonly string Samples = Path.Combine(SharedData.Root, "samples");

    [Theory]
    [InlineData(0.7)]
    [InlineData(0.8)]
    public void Chain_ShippedSamples_RejectsTheSpoiltForTheirReasonAndKeepsTheRest(double nearDuplicate)
    {
        string[] languages = [.. Directory.GetFiles(Path.Combine(Samples, "corpus"), "*.jsonl").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)];
        languages.Length.ShouldBeGreaterThanOrEqualTo(6);
        var profiles = languages.ToDictionary(l => l, l => (IReadOnlyList<string>)[.. Rows("seeds", l).Select(r => r.GetProperty("output").GetString()!)], StringComparer.Ordinal);
        var screen = new TextScreen(LanguageIdentifier.Build(profiles), new FilterOptions { MinChars = 100, MaxChars = 1000 });
        var spoilt = new List<(string Reason, bool Found)>();
        foreach (var language in languages)
        {
            var outcomes = Outcomes(language, screen, nearDuplicate).ToList();
            var falsely = outcomes.Where(o => o.Truth is null).CountBy(o => o.Reason ?? "accepted").ToList();
            output.WriteLine($"{language}: {string.Join(", ", falsely)}; missed: {string.Join(", ", outcomes.Where(o => o.Truth is not null && o.Truth != o.Reason))}");
            outcomes.Count(o => o.Truth is null && o.Reason is not null).ShouldBeLessThanOrEqualTo(outcomes.Count(o => o.Truth is null) / 50, language);
            spoilt.AddRange(outcomes.Where(o => o.Truth is not null).Select(o => (o.Truth!, o.Truth == o.Reason)));
        }

        var kinds = spoilt.GroupBy(s => s.Reason, StringComparer.Ordinal).ToList();
        kinds.Select(k => k.Key).ShouldBe(
            [RejectionReason.Boilerplate, RejectionReason.Duplicate, RejectionReason.NearDuplicate, RejectionReason.TooShort, RejectionReason.WrongLanguage], ignoreOrder: true);
        foreach (var kind in kinds) kind.Average(s => s.Found ? 1.0 : 0.0).ShouldBeGreaterThanOrEqualTo(0.95, kind.Key);
    }

    private static IEnumerable<(string? Truth, string? Reason)> Outcomes(string language, TextScreen screen, double nearDuplicate)
    {
        var truth = Rows("truth", language).ToDictionary(r => r.GetProperty("id").GetString()!, r => r.GetProperty("spoilt").GetString(), StringComparer.Ordinal);
        var finder = new NearDuplicateFinder(nearDuplicate);
        var row = 0L;
        foreach (var document in Rows("corpus", language))
        {
            var text = document.GetProperty("text").GetString()!;
            var reason = screen.Check(text, language).Reason;
            if (reason is null && finder.Add(row, TextSketch.Of(text)) is { } duplicate) reason = duplicate.IsExact ? RejectionReason.Duplicate : RejectionReason.NearDuplicate;
            row++;
            yield return (truth[document.GetProperty("id").GetString()!], reason);
        }
    }

    private static IEnumerable<JsonElement> Rows(string folder, string language) =>
        File.ReadLines(Path.Combine(Samples, folder, language + ".jsonl")).Select(line => JsonDocument.Parse(line).RootElement);
}
