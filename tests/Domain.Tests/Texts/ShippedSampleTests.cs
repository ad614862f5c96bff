using System.Text.Json;
using XInstruct.Domain.Deduplication;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Texts;
using XInstruct.Tests;
using Xunit.Abstractions;

namespace XInstruct.Domain.Tests.Texts;

/// <summary>The shipped samples, and the whole filter chain over them: a fifth is spoilt on purpose, and only this test reads how.</summary>
public sealed class ShippedSampleTests(ITestOutputHelper output)
{
    private static readonly string Samples = Path.Combine(SharedData.Root, "samples");

    // Where a phrase takes an item or a number.
    private static readonly string[] Gaps = ["{i}", "{n}"];

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

    [Fact]
    public void Texts_ShippedSamples_HaveTheirCountsLengthsAndUnseenPhrases()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Samples, "phrases"), "*.json"))
        {
            var language = Path.GetFileNameWithoutExtension(file);
            var truth = Rows("truth", language).ToDictionary(r => r.GetProperty("id").GetString()!, StringComparer.Ordinal);
            var corpus = Rows("corpus", language).ToList();
            var seeds = Rows("seeds", language).Select(r => r.GetProperty("output").GetString()!).ToList();
            corpus.Count.ShouldBe(300, language);
            seeds.Count.ShouldBe(40, language);
            corpus.Select(r => r.GetProperty("id").GetString()!).ShouldBe(truth.Keys, ignoreOrder: true);
            truth.Values.Count(r => r.GetProperty("spoilt").ValueKind != JsonValueKind.Null).ShouldBe(60, language);
            var clean = corpus.Where(r => truth[r.GetProperty("id").GetString()!].GetProperty("spoilt").ValueKind == JsonValueKind.Null).Select(r => r.GetProperty("text").GetString()!);
            seeds.Concat(clean).ShouldAllBe(t => t.Length >= 150 && t.Length <= 500, language);
            using var tables = JsonDocument.Parse(File.ReadAllText(file));
            var phrases = Texts(tables.RootElement.GetProperty("topics")).Concat(Texts(tables.RootElement.GetProperty("intents"))).Concat(Texts(tables.RootElement.GetProperty("neutral"))).ToList();
            var unseen = phrases.Count(p => !seeds.Exists(s => p.Split(Gaps, StringSplitOptions.None).All(part => s.Contains(part, StringComparison.Ordinal))));
            ((double)unseen / phrases.Count).ShouldBeGreaterThanOrEqualTo(0.2, language);
        }
    }

    private static IEnumerable<string> Texts(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => [element.GetString()!],
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Texts),
        _ => element.EnumerateObject().SelectMany(p => Texts(p.Value)),
    };

    private static IEnumerable<(string? Truth, string? Reason)> Outcomes(string language, TextScreen screen, double nearDuplicate)
    {
        var truth = Rows("truth", language).ToDictionary(r => r.GetProperty("id").GetString()!, r => r.GetProperty("spoilt").GetString(), StringComparer.Ordinal);
        using var finder = new NearDuplicateFinder(nearDuplicate, () => new MemoryStream());
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
