using System.Text.Json.Serialization;

namespace XInstruct.Domain.Evaluation;

/// <summary>What a model made of one item: a line of <c>items.jsonl</c>.</summary>
public sealed record ItemScore
{
    /// <summary>Name of the model in the recipe.</summary>
    public string Model { get; init; } = "";

    /// <summary>Task.</summary>
    public string Task { get; init; } = "";

    /// <summary>Language of the item.</summary>
    public string Language { get; init; } = "";

    /// <summary>Data set, where the task has several.</summary>
    public string? Dataset { get; init; }

    /// <summary>Template, where a data set has several.</summary>
    public string? Template { get; init; }

    /// <summary>The item's id.</summary>
    public string Id { get; init; } = "";

    /// <summary>Row of the file, from 1.</summary>
    public long Row { get; init; }

    /// <summary>SHA-256 of what the model was asked, examples and all, before a chat template.</summary>
    public string? Prompt { get; init; }

    /// <summary>Choices or labels; null when the answer was generated.</summary>
    public IReadOnlyList<string>? Choices { get; init; }

    /// <summary>Of each choice its log-likelihood (natural logarithm), of each label its probability mass (behind an endpoint also of each choice: its letter's), of a text its log-likelihood.</summary>
    public IReadOnlyList<double>? Scores { get; init; }

    /// <summary>Tokens of each choice, or of the text.</summary>
    public IReadOnlyList<int>? Tokens { get; init; }

    /// <summary>UTF-8 bytes of the text whose perplexity is taken.</summary>
    public int? Bytes { get; init; }

    /// <summary>The chosen one of <see cref="Choices"/>.</summary>
    public int? Predicted { get; init; }

    /// <summary>The right one of <see cref="Choices"/>.</summary>
    public int? Answer { get; init; }

    /// <summary>Whether several had the highest score and one of them was drawn.</summary>
    public bool? Tie { get; init; }

    /// <summary>Of a model behind an endpoint, the probability of all first tokens that it did not tell: the most that each of <see cref="Scores"/> may lack. Null when nothing is.</summary>
    public double? Untold { get; init; }

    /// <summary>Whether <see cref="Untold"/> is enough to make another choice the best.</summary>
    public bool? Uncertain { get; init; }

    /// <summary>Tokens that count for more than one label and so cannot tell those apart; null when there is none.</summary>
    public int? SharedIds { get; init; }

    /// <summary>What was generated.</summary>
    public string? Output { get; init; }

    /// <summary>What should have been.</summary>
    public string? Reference { get; init; }

    /// <summary>Words of <see cref="Output"/> where a language has a way of its own to find them; not written to files.</summary>
    [JsonIgnore]
    public IReadOnlyList<string>? OutputWords { get; init; }

    /// <summary>Words of <see cref="Reference"/> likewise.</summary>
    [JsonIgnore]
    public IReadOnlyList<string>? ReferenceWords { get; init; }

    /// <summary>Why the item has no score, in a word; then it counts in no measure, and tables say how many such there are.</summary>
    public string? Error { get; init; }

    /// <summary>The item's own measures, where a single item has them.</summary>
    public IReadOnlyDictionary<string, double>? Values { get; init; }
}
