using System.Text.Json;

namespace XInstruct.Benchmarks.Tiny;

/// <summary>A text of the corpus with what it is really about, which only the report reads.</summary>
internal sealed record TinyText(string Id, string Language, string Text, string Topic, string Intent);

/// <summary>A seed pair.</summary>
internal sealed record TinySeed(string Language, string Instruction, string Output);

/// <summary>Corpus, seeds and truth of some languages from the layout of <c>samples/</c>; spoilt texts are left out.</summary>
internal sealed record TinyCorpus(IReadOnlyList<TinyText> Texts, IReadOnlyList<TinySeed> Seeds, JsonElement Lexicon)
{
    public static TinyCorpus Load(string folder, IEnumerable<string> languages)
    {
        var texts = new List<TinyText>();
        var seeds = new List<TinySeed>();
        foreach (var language in languages)
        {
            var truth = Rows(folder, "truth", language).ToDictionary(row => row.GetProperty("id").ToString(), StringComparer.Ordinal);
            foreach (var row in Rows(folder, "corpus", language))
            {
                var id = row.GetProperty("id").ToString();
                var known = truth[id];
                if (known.TryGetProperty("spoilt", out var spoilt) && spoilt.ValueKind is not (JsonValueKind.Null or JsonValueKind.False))
                    continue;
                texts.Add(new TinyText(id, language, row.GetProperty("text").GetString()!, Word(known, "topic"), Word(known, "intent")));
            }
            seeds.AddRange(Rows(folder, "seeds", language).Select(row => new TinySeed(
                language, row.GetProperty("instruction").GetString()!, row.GetProperty("output").GetString()!)));
        }
        return new TinyCorpus([.. texts.OrderBy(text => text.Id, StringComparer.Ordinal)], seeds, JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "lexicon.json"))).RootElement);
    }

    /// <summary>Whether an instruction names the text's topic, intent and language and no other.</summary>
    public bool IsRight(TinyText text, string instruction)
        => Names(instruction, "topic", text.Topic) && Names(instruction, "intent", text.Intent)
            && instruction.Contains(Domain.Languages.Language.Parse(text.Language).EnglishName, StringComparison.OrdinalIgnoreCase);

    private bool Names(string instruction, string kind, string value)
        => Lexicon.GetProperty(kind).EnumerateObject().Where(label => label.Value.EnumerateArray()
            .Any(word => instruction.Contains(word.GetString()!, StringComparison.OrdinalIgnoreCase))).Select(label => label.Name).SequenceEqual([value]);

    private static string Word(JsonElement row, string name) => row.GetProperty(name).GetString()!;

    private static IEnumerable<JsonElement> Rows(string folder, string kind, string language)
        => File.ReadLines(Path.Combine(folder, kind, $"{language}.jsonl")).Where(line => line.Length > 0).Select(line => JsonDocument.Parse(line).RootElement);
}
