using System.Globalization;
using XInstruct.Domain.Deduplication;
using XInstruct.Domain.Statistics;

namespace XInstruct.Benchmarks.Samples;

/// <summary>A composed text and what it is.</summary>
internal sealed record ComposedText(string Text, string Topic, string Intent, string Instruction);

/// <summary>A corpus row with its truth.</summary>
internal sealed record SampleRow(string Id, string Text, string? Topic, string? Intent, string? Spoilt, string? Of);

/// <summary>Seeds and corpus of one language, composed from its phrase table. The last phrases of every list never occur in a seed.</summary>
internal sealed class LanguageSample
{
    private const int Texts = 300;
    private const int EachKind = 12;
    private const int MinLength = 160;
    private const int MaxLength = 500;
    private const double HeldOutShare = 0.4;
    private readonly string _code;
    private readonly PhraseTable _table;
    private readonly SampleRandom _random;
    private readonly List<HashSet<string>> _shingles = [];

    public LanguageSample(string code, PhraseTable table, bool byRemainder)
    {
        (_code, _table, _random) = (code, table, new SampleRandom($"samples/{code}", byRemainder));
        var cells = table.Topics.Keys.Order(StringComparer.Ordinal).SelectMany(t => table.Intents.Keys.Order(StringComparer.Ordinal).Select(i => (Topic: t, Intent: i))).ToArray();
        _random.Shuffle(cells);
        Seeds = [.. Enumerable.Range(0, 40).Select(n => Compose(cells[n % cells.Length].Topic, cells[n % cells.Length].Intent, isSeed: true))];
        var clean = Texts - (5 * EachKind);
        Clean = [.. Enumerable.Range(0, clean).Select(n => Compose(cells[n % cells.Length].Topic, cells[n % cells.Length].Intent, isSeed: false))];
    }

    public IReadOnlyList<ComposedText> Seeds { get; }

    public IReadOnlyList<ComposedText> Clean { get; }

    /// <summary>The corpus: clean texts and a fifth spoilt, in a shuffled order where every original stands before its copies.</summary>
    public IReadOnlyList<SampleRow> Spoil(IReadOnlyList<ComposedText> others)
    {
        var order = Enumerable.Range(0, Texts).ToArray();
        _random.Shuffle(order);
        var ids = order.Select(n => string.Create(CultureInfo.InvariantCulture, $"{_code}-{DeterministicRandom.SeedOf($"{_code}/{n}") & 0xFFFFFFFF:x8}")).ToArray();
        var rows = Clean.Select((c, i) => new SampleRow(ids[i], c.Text, c.Topic, c.Intent, null, null)).ToList();
        var originals = rows.Take(2 * EachKind).ToList();
        for (var k = 0; k < EachKind; k++)
        {
            var at = Clean.Count + (5 * k);
            rows.Add(new SampleRow(ids[at], Copy(originals[k].Text), null, null, "duplicate", originals[k].Id));
            rows.Add(new SampleRow(ids[at + 1], Change(originals[EachKind + k].Text), null, null, "near-duplicate", originals[EachKind + k].Id));
            rows.Add(new SampleRow(ids[at + 2], Short(Clean[_random.Next(Clean.Count)].Text), null, null, "too-short", null));
            rows.Add(new SampleRow(ids[at + 3], others[_random.Next(others.Count)].Text, null, null, "wrong-language", null));
            rows.Add(new SampleRow(ids[at + 4], Menu(), null, null, "boilerplate", null));
        }

        // Originals keep the first places, copies fall anywhere behind them.
        var behind = rows.Skip(2 * EachKind).ToArray();
        _random.Shuffle(behind);
        return [.. originals, .. behind];
    }

    /// <summary>
    /// Two sentences of the topic, two of the intent and a neutral one; where sentences are short, further ones of the topic until the text is
    /// long enough.
    /// </summary>
    private ComposedText Compose(string topic, string intent, bool isSeed)
    {
        for (var attempt = 0; ; attempt++)
        {
            var own = Sentences(topic, isSeed);
            List<string> sentences = [.. own.Take(2), .. Draw(Known(_table.Neutral, isSeed), 1), .. Draw(Known(_table.Intents[intent], isSeed), 2)];
            foreach (var more in own.Skip(2))
            {
                if (sentences.Sum(s => s.Length + 1) > MinLength) break;
                sentences.Add(more);
            }

            var order = sentences.ToArray();
            _random.Shuffle(order);
            var text = string.Join(' ', order);
            var shingles = MinHash.Shingles(text);
            // Clean texts are no near-duplicates of each other, nor of a seed.
            if (text.Length is < MinLength or > MaxLength || _shingles.Any(s => Jaccard(s, shingles) >= 0.6))
            {
                if (attempt > 5000) throw new InvalidOperationException($"The phrases of '{_code}' are too few for another text on {topic}, {intent}.");
                continue;
            }

            _shingles.Add(shingles);
            var templates = Instructions.Templates[intent];
            var instruction = templates[_random.Next(templates.Length)].Replace("{topic}", topic, StringComparison.Ordinal).Replace("{language}", _table.Language, StringComparison.Ordinal);
            return new ComposedText(text, topic, intent, instruction);
        }
    }

    /// <summary>A topic's sentences in a drawn order, their gaps filled.</summary>
    private List<string> Sentences(string topic, bool isSeed)
    {
        var items = Known(_table.Topics[topic].Items, isSeed);
        return [.. Draw(Known(_table.Topics[topic].Sentences, isSeed), int.MaxValue).Select(s => s
            .Replace("{i}", items[_random.Next(items.Count)], StringComparison.Ordinal)
            .Replace("{n}", (2 + _random.Next(88)).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal))];
    }

    /// <summary>A seed draws from the first phrases of a list only: what else the corpus says must be learnt from the corpus.</summary>
    private static IReadOnlyList<string> Known(IReadOnlyList<string> phrases, bool isSeed) =>
        isSeed ? [.. phrases.Take(phrases.Count - (int)Math.Ceiling(phrases.Count * HeldOutShare))] : phrases;

    private IEnumerable<string> Draw(IReadOnlyList<string> phrases, int count)
    {
        var order = phrases.ToArray();
        _random.Shuffle(order);
        return order.Take(count);
    }

    private static string Copy(string text) => "\uFEFF" + text.Replace(". ", ".  ", StringComparison.Ordinal) + "\n";

    /// <summary>One word is exchanged for a different one of the same text.</summary>
    private string Change(string text)
    {
        var words = text.Split(' ');
        var at = 1 + _random.Next(words.Length - 2);
        var others = words.Where(w => w != words[at]).ToList();
        words[at] = others[_random.Next(others.Count)];
        return string.Join(' ', words);
    }

    private string Short(string text) => text[..(40 + _random.Next(60))];

    private string Menu()
    {
        var parts = _table.Boilerplate[0].Split(' ');
        var start = _random.Next(parts.Length);
        var menu = string.Join(' ', parts.Skip(start).Concat(parts.Take(start)));
        return string.Create(CultureInfo.InvariantCulture, $"{menu} » {_random.Next(100000)} | {_random.Next(100000)} » {_random.Next(100000)}");
    }

    private static double Jaccard(HashSet<string> a, HashSet<string> b)
    {
        var common = a.Count(b.Contains);
        return (double)common / (a.Count + b.Count - common);
    }
}
