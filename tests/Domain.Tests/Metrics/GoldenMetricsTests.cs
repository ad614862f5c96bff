using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using XInstruct.Domain.Metrics;
using XInstruct.Domain.Statistics;
using XInstruct.Tests;
using Xunit.Abstractions;

namespace XInstruct.Domain.Tests.Metrics;

/// <summary>Metrics against sacreBLEU, rouge_score, lm-evaluation-harness, scikit-learn and scipy.</summary>
public sealed class GoldenMetricsTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [GoldenFact("metrics/bleu_chrf.json")]
    public void Sentences_AreSacreBleus()
    {
        var pairs = Read("metrics/bleu_chrf.json").GetProperty("pairs").EnumerateArray().ToList();
        foreach (var pair in pairs)
        {
            var (hypothesis, references) = (Text(pair, "hyp"), new[] { Text(pair, "ref") });
            foreach (var score in pair.GetProperty("sentence_bleu").EnumerateObject())
                Bleu.OfSentence(hypothesis, references, new BleuOptions { Tokenizer = Tokenizer(score.Name), EffectiveOrder = true }).Score.ShouldBe(score.Value.GetDouble(), 1e-4, $"{score.Name}: {hypothesis}");
            var detail = pair.GetProperty("bleu13a_detail");
            Check(Bleu.OfSentence(hypothesis, references, new BleuOptions { EffectiveOrder = true }), detail, hypothesis);
            Chrf.OfSentence(hypothesis, references, new ChrfOptions()).ShouldBe(pair.GetProperty("chrf").GetDouble(), 1e-4, hypothesis);
            Chrf.OfSentence(hypothesis, references, new ChrfOptions { WordOrder = 2 }).ShouldBe(pair.GetProperty("chrf++").GetDouble(), 1e-4, hypothesis);
            EditRate.OfSentence(hypothesis, references).ShouldBe(pair.GetProperty("ter").GetDouble(), 1e-4, hypothesis);
        }

        output.WriteLine($"{pairs.Count} pairs");
    }

    [GoldenFact("metrics/bleu_chrf.json")]
    public void Corpora_AreSacreBleus()
    {
        var root = Read("metrics/bleu_chrf.json");
        var pairs = root.GetProperty("pairs").EnumerateArray().Select(p => (Language: Text(p, "lang"), Output: Text(p, "hyp"), Reference: Text(p, "ref"))).ToList();
        var corpora = root.GetProperty("corpus").EnumerateArray().ToList();
        foreach (var corpus in corpora)
        {
            var (metric, note, expected) = (Text(corpus, "metric"), Text(corpus, "note"), corpus.GetProperty("score").GetDouble());
            var chosen = Find(note, @"lang=(\w+)") is { Success: true } lang ? pairs.Where(p => p.Language == lang.Groups[1].Value).ToList() : pairs;
            if (Find(note, "hyp=\"(.*)\" ref=\"(.*)\" ") is { Success: true } own) chosen = [("en", own.Groups[1].Value, own.Groups[2].Value)];
            var hasTwo = note.StartsWith("two references", StringComparison.Ordinal);
            var sentences = chosen.Select((p, i) => (p.Output, (IReadOnlyList<string>)(hasTwo ? [p.Reference, chosen[(i + 1) % chosen.Count].Reference] : new[] { p.Reference }))).ToList();
            var isLower = note.Contains("lowercase", StringComparison.Ordinal);
            var score = metric switch
            {
                "bleu" => Corpus(),
                "ter" => EditRate.OfCorpus(sentences),
                _ => Chrf.OfCorpus(sentences, note.Contains("char_order=4", StringComparison.Ordinal)
                    ? new ChrfOptions { CharacterOrder = 4, Beta = 1 }
                    : new ChrfOptions { WordOrder = metric == "chrf++" ? 2 : 0, Lowercase = isLower }),
            };
            score.ShouldBe(expected, Math.Max(1e-6 * expected, 1e-6), $"{metric}: {note}");

            double Corpus()
            {
                var tokenizer = Find(note, @"tokenize=(\w+)") is { Success: true } named ? Tokenizer(named.Groups[1].Value) : TranslationTokenizer.V13a;
                var smoothing = Find(note, @"smooth=(\S+) value=(\S+)") is { Success: true } smooth
                    ? (smooth.Groups[1].Value, smooth.Groups[2].Value == "None" ? 1 : double.Parse(smooth.Groups[2].Value, CultureInfo.InvariantCulture))
                    : ("exp", 1);
                var result = Bleu.OfCorpus(sentences, new BleuOptions { Tokenizer = tokenizer, Lowercase = isLower, Smoothing = Smoothing(smoothing.Item1), SmoothingValue = smoothing.Item2 });
                Check(result, corpus, note);
                return result.Score;
            }
        }

        output.WriteLine($"{corpora.Count} corpora");
    }

    [GoldenFact("metrics/rouge.json")]
    public void Rouge_IsGooglesAndStemsAreNltks()
    {
        var root = Read("metrics/rouge.json");
        var (cases, stems) = (root.GetProperty("cases").EnumerateArray().ToList(), root.GetProperty("porter_stems").EnumerateArray().ToList());
        foreach (var stem in stems) PorterStemmer.Stem(stem[0].GetString()!).ShouldBe(stem[1].GetString());
        foreach (var one in cases)
        {
            var (target, prediction) = (Text(one, "target"), Text(one, "prediction"));
            foreach (var (name, cut) in new (string, Func<string, string[]>)[]
            {
                ("nostem", text => RougeWords.Latin(text)), ("stem", text => RougeWords.Latin(text, stems: true)),
                ("whitespace_lower", text => text.ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)),
            })
            {
                var (a, b) = (cut(prediction), cut(target));
                for (var order = 1; order <= 3; order++) Check(Rouge.OfNgrams(a, b, order), one.GetProperty(name).GetProperty($"rouge{order}"), prediction);
                Check(Rouge.OfSubsequence(a, b), one.GetProperty(name).GetProperty("rougeL"), prediction);
                Check(Rouge.OfSummary(Lines(prediction, cut), Lines(target, cut)), one.GetProperty(name).GetProperty("rougeLsum"), prediction);
            }
        }

        output.WriteLine($"{cases.Count} pairs, {stems.Count} stems");

        static void Check(Overlap overlap, JsonElement expected, string what) => new[] { overlap.Precision, overlap.Recall, overlap.FMeasure }
            .Zip(new[] { "precision", "recall", "fmeasure" }).ToList().ForEach(pair => pair.First.ShouldBe(expected.GetProperty(pair.Second).GetDouble(), 1e-7, what));

        static string[][] Lines(string text, Func<string, string[]> cut) => [.. text.Split('\n').Where(line => line.Length > 0).Select(cut)];
    }

    [GoldenFact("metrics/lm_eval.json")]
    public void Choices_AreTheHarness()
    {
        var root = Read("metrics/lm_eval.json");
        var (sums, means, exact) = (new List<double>(), new List<double>(), new List<double>());
        foreach (var item in root.GetProperty("multiple_choice").EnumerateArray())
        {
            var gold = item.GetProperty("gold").GetInt32();
            ScoredChoice[] choices =
            [
                .. item.GetProperty("choices").EnumerateArray().Zip(item.GetProperty("loglikelihoods").Doubles(), item.GetProperty("is_greedy").EnumerateArray())
                    .Select(c => new ScoredChoice(c.First.GetString()!, c.Second, 1, c.Third.GetBoolean())),
            ];
            ChoiceScores.Best(choices, ChoiceNormalization.Sum).ShouldBe(item.GetProperty("pred").GetInt32());
            ChoiceScores.Best(choices, ChoiceNormalization.Character).ShouldBe(item.GetProperty("pred_norm").GetInt32());
            ShouldBeNear(ChoiceScores.Probabilities(choices), item.GetProperty("prob_norm").Doubles(), 1e-6);
            sums.Add(ChoiceScores.Best(choices, ChoiceNormalization.Sum) == gold ? 1 : 0);
            means.Add(ChoiceScores.Best(choices, ChoiceNormalization.Character) == gold ? 1 : 0);
            exact.Add(choices[gold].IsGreedy ? 1 : 0);
        }

        var expected = root.GetProperty("aggregates");
        foreach (var (name, values) in new[] { ("acc", sums), ("acc_norm", means), ("exact_match", exact) })
        {
            Summary.Of(values).Mean.ShouldBe(expected.GetProperty(name).GetDouble(), 1e-6);
            Summary.Of(values).StandardError.ShouldBe(expected.GetProperty($"{name}_stderr").GetDouble(), 1e-6);
        }

        foreach (var one in root.GetProperty("exact_match").EnumerateArray())
        {
            var options = one.GetProperty("kwargs");
            var match = new ExactMatchOptions
            {
                IgnoreCase = options.TryGetProperty("ignore_case", out _),
                IgnorePunctuation = options.TryGetProperty("ignore_punctuation", out _),
                IgnoreNumbers = options.TryGetProperty("ignore_numbers", out _),
                Ignored = options.TryGetProperty("regexes_to_ignore", out var patterns) ? [.. patterns.EnumerateArray().Select(p => new Regex(p.GetString()!, RegexOptions.None, Patience))] : [],
            };
            one.GetProperty("predictions").EnumerateArray().Zip(one.GetProperty("references").EnumerateArray())
                .Average(pair => ExactMatch.IsMatch(pair.First.GetString()!, pair.Second.GetString()!, match) ? 1.0 : 0).ShouldBe(one.GetProperty("exact_match").GetDouble(), 1e-6);
        }
    }

    [GoldenFact("metrics/lm_eval.json")]
    public void WindowsAndPerplexity_AreTheHarness()
    {
        var root = Read("metrics/lm_eval.json");
        foreach (var one in root.GetProperty("rolling_windows").EnumerateArray())
        {
            var windows = Perplexity.Windows(one.GetProperty("tokens").Ints(), one.GetProperty("prefix_token").GetInt32(), one.GetProperty("max_seq_len").GetInt32(), one.GetProperty("context_len").GetInt32()).ToList();
            var expected = one.GetProperty("disjoint").EnumerateArray().ToList();
            windows.Count.ShouldBe(expected.Count);
            for (var i = 0; i < windows.Count; i++)
            {
                windows[i].Context.ShouldBe(expected[i].GetProperty("context").Ints());
                windows[i].Continuation.ShouldBe(expected[i].GetProperty("continuation").Ints());
                // What the model reads: all but the last token.
                int[] input = [.. windows[i].Context, .. windows[i].Continuation.SkipLast(1)];
                input.ShouldBe(one.GetProperty("windows")[i].GetProperty("input").Ints());
            }
        }

        var perplexity = root.GetProperty("perplexity");
        var texts = perplexity.GetProperty("loglikelihood_and_weight").Rows().Select(row => (row[0], row[1])).ToList();
        Perplexity.Of(perplexity.GetProperty("lls_used_for_perplexity").Doubles()).ShouldBe(perplexity.GetProperty("perplexity_over_lls").GetDouble(), 1e-6 * 1e16);
        Perplexity.OfTexts(texts).ShouldBe(perplexity.GetProperty("weighted_perplexity").GetDouble(), 1e-6);
        Perplexity.BitsPerByte(texts).ShouldBe(perplexity.GetProperty("bits_per_byte").GetDouble(), 1e-6);
        var group = root.GetProperty("group_aggregation");
        var (means, sizes, errors) = (group.GetProperty("metrics").Doubles(), group.GetProperty("sizes").Ints(), group.GetProperty("stderrs").Doubles());
        GroupMean.Of([.. means.Zip(sizes)]).ShouldBe(group.GetProperty("weighted_mean").GetDouble(), 1e-7);
        GroupMean.Of([.. means.Zip(sizes)], isWeighted: false).ShouldBe(group.GetProperty("unweighted_mean").GetDouble(), 1e-7);
        GroupMean.StandardError([.. errors.Zip(sizes)]).ShouldBe(group.GetProperty("pooled_sample_stderr").GetDouble(), 1e-7);
    }

    [GoldenFact("metrics/classification.json")]
    public void Classification_IsScikitLearns()
    {
        var root = Read("metrics/classification.json");
        foreach (var one in root.GetProperty("classification").EnumerateArray())
        {
            var truth = one.GetProperty("y_true").Ints();
            var scores = new Classification(truth, one.GetProperty("y_pred").Ints(), one.GetProperty("num_classes").GetInt32());
            scores.Accuracy.ShouldBe(one.GetProperty("accuracy").GetDouble(), 1e-6);
            scores.BalancedAccuracy.ShouldBe(one.GetProperty("balanced_accuracy").GetDouble(), 1e-6);
            scores.MatthewsCorrelation.ShouldBe(one.GetProperty("mcc").GetDouble(), 1e-6);
            scores.Kappa.ShouldBe(one.GetProperty("cohen_kappa").GetDouble(), 1e-6);
            scores.Confusion.ShouldBe(one.GetProperty("confusion_matrix").EnumerateArray().Select(row => row.Ints()));
            foreach (var (name, mean) in new[] { ("macro", scores.Macro), ("micro", scores.Micro), ("weighted", scores.Weighted) })
                ShouldBeNear([mean.Precision, mean.Recall, mean.F1], [.. new[] { "precision", "recall", "f1" }.Select(part => one.GetProperty(name).GetProperty(part).GetDouble())], 1e-6);
            ShouldBeNear([.. scores.Classes.Select(c => c.Precision)], one.GetProperty("per_class").GetProperty("precision").Doubles(), 1e-6);
            ShouldBeNear([.. scores.Classes.Select(c => c.Recall)], one.GetProperty("per_class").GetProperty("recall").Doubles(), 1e-6);
            ShouldBeNear([.. scores.Classes.Select(c => c.F1)], one.GetProperty("per_class").GetProperty("f1").Doubles(), 1e-6);
            if (!one.TryGetProperty("scores", out var numbers)) continue;
            bool[] positive = [.. truth.Select(t => t == 1)];
            Ranks.AreaUnderRoc(positive, numbers.Doubles()).ShouldBe(one.GetProperty("roc_auc").GetDouble(), 1e-6);
            Ranks.AveragePrecision(positive, numbers.Doubles()).ShouldBe(one.GetProperty("average_precision").GetDouble(), 1e-6);
        }

        foreach (var one in root.GetProperty("correlation").EnumerateArray())
        {
            var (x, y) = (one.GetProperty("x").Doubles(), one.GetProperty("y").Doubles());
            Ranks.Pearson(x, y).ShouldBe(one.GetProperty("pearson").GetDouble(), 1e-6);
            Ranks.Spearman(x, y).ShouldBe(one.GetProperty("spearman").GetDouble(), 1e-6);
            Ranks.Kendall(x, y).ShouldBe(one.GetProperty("kendall_tau_b").GetDouble(), 1e-6);
        }
    }

    private static void Check(BleuScore score, JsonElement expected, string what)
    {
        ShouldBeNear(score.Matches, expected.GetProperty("counts").Doubles(), 1e-9, what);
        ShouldBeNear(score.Totals, expected.GetProperty("totals").Doubles(), 1e-9, what);
        ShouldBeNear(score.Precisions, expected.GetProperty("precisions").Doubles(), 1e-4, what);
        score.BrevityPenalty.ShouldBe(expected.GetProperty("bp").GetDouble(), 1e-6, what);
        (score.Length, score.ReferenceLength).ShouldBe((expected.GetProperty("sys_len").GetInt32(), expected.GetProperty("ref_len").GetInt32()), what);
    }

    private static void ShouldBeNear(IReadOnlyList<double> values, double[] expected, double tolerance, string what = "")
    {
        values.Count.ShouldBe(expected.Length, what);
        for (var i = 0; i < expected.Length; i++) values[i].ShouldBe(expected[i], tolerance, what);
    }

    private static TranslationTokenizer Tokenizer(string name) => name switch
    {
        "13a" => TranslationTokenizer.V13a,
        "intl" => TranslationTokenizer.International,
        "char" => TranslationTokenizer.Character,
        "zh" => TranslationTokenizer.Chinese,
        "none" => TranslationTokenizer.None,
        _ => throw new ArgumentException(name, nameof(name)),
    };

    private static BleuSmoothing Smoothing(string name) => name switch
    {
        "exp" => BleuSmoothing.Exponential,
        "floor" => BleuSmoothing.Floor,
        "add-k" => BleuSmoothing.AddK,
        "none" => BleuSmoothing.None,
        _ => throw new ArgumentException(name, nameof(name)),
    };

    private static Match Find(string text, string pattern) => Regex.Match(text, pattern, RegexOptions.None, Patience);

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static JsonElement Read(string file) => Golden.Json(Golden.Find(file)!);
}
