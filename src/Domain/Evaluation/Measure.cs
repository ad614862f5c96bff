using XInstruct.Domain.Metrics;

namespace XInstruct.Domain.Evaluation;

/// <summary>
/// Something that is counted over items: each gives some numbers, and the score follows from their sums. So a score of any choice of the items, as a
/// bootstrap draws them, costs additions only.
/// </summary>
public sealed class Measure
{
    private static readonly BleuOptions Chinese = new() { Tokenizer = TranslationTokenizer.Chinese }, Characters = new() { Tokenizer = TranslationTokenizer.Character };
    private static readonly ChrfOptions Plain = new(), Words = new() { WordOrder = 2 };

    private readonly Func<ItemScore, double[]?> _counts;
    private readonly Func<double[], double> _score;

    private Measure(string name, string title, Func<ItemScore, double[]?> counts, Func<double[], double>? score = null)
    {
        (Name, Title, _counts) = (name, title, counts);
        _score = score ?? (sums => 100 * sums[0] / sums[1]);
        HasMean = score is null;
    }

    /// <summary>All measures, by name.</summary>
    public static IReadOnlyDictionary<string, Measure> All { get; } = new Measure[]
    {
        new("accuracy", "accuracy", item => item is { Predicted: { } choice, Answer: { } answer } ? Share(choice == answer) : null) { IsBinary = true },
        Ranked("accuracyPerToken", "accuracy per token", ChoiceNormalization.Token),
        Ranked("accuracyPerCharacter", "acc_norm (per character)", ChoiceNormalization.Character),
        Ranked("accuracyPerByte", "accuracy per byte", ChoiceNormalization.Byte),
        new("macroF1", "macro F1", Confusion, MacroF1),
        OfWords("rouge1", "ROUGE-1", (output, reference) => Rouge.OfNgrams(output, reference, 1).FMeasure),
        OfWords("rouge2", "ROUGE-2", (output, reference) => Rouge.OfNgrams(output, reference, 2).FMeasure),
        OfWords("rougeL", "ROUGE-L", (output, reference) => Rouge.OfSubsequence(output, reference).FMeasure),
        Text("compatRouge1", "ROUGE-1, Latin only", (output, reference) => Rouge.OfNgrams(RougeWords.Latin(output), RougeWords.Latin(reference), 1).FMeasure),
        Text("compatRouge2", "ROUGE-2, Latin only", (output, reference) => Rouge.OfNgrams(RougeWords.Latin(output), RougeWords.Latin(reference), 2).FMeasure),
        Text("compatRougeL", "ROUGE-L, Latin only", (output, reference) => Rouge.OfSubsequence(RougeWords.Latin(output), RougeWords.Latin(reference)).FMeasure),
        OfWords("f1", "F1 of words", (output, reference) => Rouge.OfNgrams(output, reference, 1).FMeasure),
        Text("exactMatch", "exact match", (output, reference) => ExactMatch.IsMatch(output.Trim(), reference.Trim(), new ExactMatchOptions()) ? 1 : 0, isBinary: true),
        new("bleu", "BLEU", item => item is { Output: { } output, Reference: { } reference } ? Bleu.Counts(output, [reference], BleuOf(item.Language)) : null, sums => Bleu.OfCounts(sums, Characters)) { IsPercent = true },
        new("chrf", "chrF", item => item is { Output: { } output, Reference: { } reference } ? Chrf.Counts(output, [reference], Plain) : null, sums => Chrf.OfCounts(sums, Plain)) { IsPercent = true },
        new("chrfPlus", "chrF++", item => item is { Output: { } output, Reference: { } reference } ? Chrf.Counts(output, [reference], Words) : null, sums => Chrf.OfCounts(sums, Words)) { IsPercent = true },
        new("ter", "TER", item => item is { Output: { } output, Reference: { } reference } ? EditRate.Counts(output, [reference]) : null, EditRate.OfCounts) { IsLowerBetter = true },
        new("perplexity", "perplexity", item => item is { Scores: [var score], Tokens: [var tokens] } ? [score, tokens] : null, sums => Math.Exp(-sums[0] / sums[1])) { IsLowerBetter = true },
        new("bytePerplexity", "perplexity per byte", item => item is { Scores: [var score], Bytes: { } bytes } ? [score, bytes] : null, sums => Math.Exp(-sums[0] / sums[1])) { IsLowerBetter = true },
        new("bitsPerByte", "bits per byte", item => item is { Scores: [var score], Bytes: { } bytes } ? [score, bytes] : null, sums => -sums[0] / sums[1] / Math.Log(2)) { IsLowerBetter = true },
    }.ToDictionary(measure => measure.Name, StringComparer.Ordinal);

    /// <summary>Name in task files and results.</summary>
    public string Name { get; }

    /// <summary>Name in reports.</summary>
    public string Title { get; }

    /// <summary>Whether an item is simply right or wrong.</summary>
    public bool IsBinary { get; private init; }

    /// <summary>Whether less is better.</summary>
    public bool IsLowerBetter { get; private init; }

    /// <summary>Whether the score is the mean of the items', times 100.</summary>
    public bool HasMean { get; }

    /// <summary>Whether it runs from 0 to 100 and may be averaged with others that do.</summary>
    public bool IsShare => HasMean || IsPercent;

    private bool IsPercent { get; init; }

    /// <summary>Measures of a task whose file names none.</summary>
    public static IReadOnlyList<string> Default(TaskForm form) => form switch
    {
        TaskForm.Generate => ["rougeL", "rouge1", "rouge2", "exactMatch", "f1"],
        TaskForm.Perplexity => ["perplexity", "bytePerplexity", "bitsPerByte"],
        _ => ["accuracy", "macroF1"],
    };

    /// <summary>What a form can be measured by.</summary>
    public static IEnumerable<string> Of(TaskForm form) => All.Values.Where(measure => form switch
    {
        TaskForm.Choice => measure.Name.StartsWith("accuracy", StringComparison.Ordinal) || measure.Name == "macroF1",
        TaskForm.Label => measure.Name is "accuracy" or "macroF1",
        TaskForm.Generate => measure.Name is not ("macroF1" or "perplexity" or "bytePerplexity" or "bitsPerByte") && !measure.Name.StartsWith("accuracy", StringComparison.Ordinal),
        TaskForm.Perplexity => measure.Name is "perplexity" or "bytePerplexity" or "bitsPerByte",
        _ => true,
    }).Select(measure => measure.Name);

    /// <summary>An item's numbers; null when it has none.</summary>
    public double[]? Counts(ItemScore item) => item.Error is null ? _counts(item) : null;

    /// <summary>The score that sums give.</summary>
    public double Score(double[] sums) => _score(sums);

    private static Measure Ranked(string name, string title, ChoiceNormalization by) => new(name, title, item =>
        item is { Choices: { } choices, Scores: { } scores, Tokens: { } tokens, Answer: { } answer }
            ? Share(ChoiceScores.Best([.. choices.Select((choice, i) => new ScoredChoice(choice, scores[i], tokens[i], false))], by) == answer)
            : null)
    {
        IsBinary = true,
    };

    private static Measure Text(string name, string title, Func<string, string, double> of, bool isBinary = false) =>
        new(name, title, item => item is { Output: { } output, Reference: { } reference } ? [of(output, reference), 1] : null) { IsBinary = isBinary };

    private static Measure OfWords(string name, string title, Func<IReadOnlyList<string>, IReadOnlyList<string>, double> of) =>
        new(name, title, item => item is { Output: { } output, Reference: { } reference } ? [of(item.OutputWords ?? RougeWords.AnyScript(output), item.ReferenceWords ?? RougeWords.AnyScript(reference)), 1] : null);

    private static double[] Share(bool isRight) => [isRight ? 1 : 0, 1];

    /// <summary>An item's numbers beside those of items with more choices.</summary>
    internal static double[] Widened(double[] counts, Measure measure, int classes)
    {
        var own = (int)Math.Round(Math.Sqrt(counts.Length));
        if (measure.Name != "macroF1" || own == classes) return counts;
        var wide = new double[classes * classes];
        for (var answer = 0; answer < own; answer++)
        {
            for (var predicted = 0; predicted < own; predicted++) wide[(answer * classes) + predicted] = counts[(answer * own) + predicted];
        }

        return wide;
    }

    // One of the cells (answer, prediction) of a square.
    private static double[]? Confusion(ItemScore item)
    {
        if (item is not { Predicted: { } predicted, Answer: { } answer, Choices: { } choices }) return null;
        var cells = new double[choices.Count * choices.Count];
        cells[(answer * choices.Count) + predicted] = 1;
        return cells;
    }

    private static double MacroF1(double[] cells)
    {
        var classes = (int)Math.Round(Math.Sqrt(cells.Length));
        var (sum, occurring) = (0.0, 0);
        for (var c = 0; c < classes; c++)
        {
            var (truth, predicted) = (0.0, 0.0);
            for (var other = 0; other < classes; other++)
            {
                truth += cells[(c * classes) + other];
                predicted += cells[(other * classes) + c];
            }

            if (truth + predicted == 0) continue;
            occurring++;
            sum += 2 * cells[(c * classes) + c] / (truth + predicted);
        }

        return 100 * sum / occurring;
    }

    // Words of languages that set no spaces are their characters; sacreBLEU's own way for Chinese.
    private static BleuOptions BleuOf(string language) => language.Split('-')[0] switch
    {
        "zh" => Chinese,
        "ja" or "ko" or "th" or "lo" or "km" or "my" => Characters,
        _ => new BleuOptions(),
    };
}
