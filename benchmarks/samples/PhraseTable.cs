namespace XInstruct.Benchmarks.Samples;

/// <summary>Sentences of one topic, with {i} for an item and {n} for a number.</summary>
internal sealed record TopicPhrases(IReadOnlyList<string> Items, IReadOnlyList<string> Sentences);

/// <summary>Phrases of one language; the neutral ones tell neither topic nor intent.</summary>
internal sealed record PhraseTable(
    string Language, IReadOnlyDictionary<string, TopicPhrases> Topics, IReadOnlyDictionary<string, IReadOnlyList<string>> Intents,
    IReadOnlyList<string> Neutral, IReadOnlyList<string> Boilerplate);

/// <summary>English instructions: paraphrases by intent, the topic's name, and the words by which each is known again.</summary>
internal static class Instructions
{
    public static IReadOnlyDictionary<string, string[]> Templates { get; } = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["howto"] = ["Give step by step instructions about {topic} in {language}."],
        ["explain"] = ["Explain an important fact about {topic} in {language}."],
        ["compare"] = ["Compare two options about {topic} in {language}."],
        ["story"] = ["Tell a personal story about {topic} in {language}."],
    };

    public static IReadOnlyDictionary<string, IReadOnlyDictionary<string, string[]>> Lexicon { get; } = new SortedDictionary<string, IReadOnlyDictionary<string, string[]>>(StringComparer.Ordinal)
    {
        ["intent"] = new SortedDictionary<string, string[]>(StringComparer.Ordinal)
        {
            ["howto"] = ["instructions", "steps"],
            ["explain"] = ["explain"],
            ["compare"] = ["compare"],
            ["story"] = ["story"],
        },
        ["topic"] = new SortedDictionary<string, string[]>(StringComparer.Ordinal)
        {
            ["cooking"] = ["cooking"],
            ["gardening"] = ["gardening"],
            ["health"] = ["health"],
            ["travel"] = ["travel"],
            ["football"] = ["football"],
            ["phones"] = ["phones"],
        },
    };
}
