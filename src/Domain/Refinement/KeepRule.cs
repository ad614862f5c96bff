using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Sorting;

namespace XInstruct.Domain.Refinement;

/// <summary>What the rule asks of a sample.</summary>
/// <param name="Sample">Sample id.</param>
/// <param name="Form">The instruction, by the first half of its hash; zero for none.</param>
/// <param name="Level">Its rating.</param>
/// <param name="BestProbability">P(level 2).</param>
/// <param name="LogProbability">The generator's confidence; negative infinity for none.</param>
/// <param name="Kept">Iteration that kept it.</param>
public readonly record struct Candidate(Guid Sample, UInt128 Form, int? Level, double BestProbability, double LogProbability, int? Kept)
{
    /// <summary>Of a sample.</summary>
    public static Candidate Of(Sample sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        var form = sample.Instruction is { } hash ? UInt128.Parse(hash.AsSpan(0, 32), NumberStyles.HexNumber, CultureInfo.InvariantCulture) : 0;
        return new(sample.SampleId, form, sample.Level, sample.BestProbability, sample.LogProbability ?? double.NegativeInfinity, sample.Kept);
    }
}

/// <summary>
/// Which pairs of a language are kept at the end of an iteration (methods section 1, with the ranking of docs/method.md): a share of its
/// texts, the best first; pairs kept earlier that were not judged anew stay and count. Not thread-safe.
/// </summary>
/// <param name="options">The loop's options.</param>
/// <param name="iteration">Iteration that ends.</param>
/// <param name="seed">The run's seed, for <see cref="Ranking.Random"/>.</param>
/// <param name="spill">Opens a stream for pairs that memory should not hold (<see cref="ExternalSorter{T}"/>): a language may have millions.</param>
public sealed class KeepRule(RefineOptions options, int iteration, int seed, Func<Stream> spill) : IDisposable
{
    private readonly ExternalSorter<Pair> _pairs = new(spill, ByScore);
    private readonly Dictionary<UInt128, int> _forms = [];
    private readonly Dictionary<UInt128, int> _keptForms = [];
    private int _count;

    /// <summary>Pairs kept in earlier iterations that stay.</summary>
    public int KeptBefore { get; private set; }

    private bool Balances => options.BalanceLabels > 1 && _forms.Count <= options.BalanceLabels;

    /// <summary>Adds the next of all accepted texts of the language, which come ordered by sample id.</summary>
    public void Add(Candidate sample)
    {
        var place = _count++;
        if (sample.Kept < iteration)
        {
            KeptBefore++;
            if (Balances) CollectionsMarshal.GetValueRefOrAddDefault(_keptForms, sample.Form, out _)++;
        }

        if ((sample.Kept ?? iteration) != iteration || sample.Form == 0 || sample.Level is null || (options.RequireBest && sample.Level != 2)) return;
        _pairs.Add(new Pair
        {
            Score = options.Rank == Ranking.Random ? Draw(sample.Sample, iteration, seed) : 0,
            Best = sample.BestProbability,
            Confidence = sample.LogProbability,
            Place = place,
            Form = Form(sample.Form),
            Half = (byte)Identity.Half(sample.Sample),
        });
    }

    /// <summary>Places of the newly kept pairs in the order of adding, best first; nothing is added after it.</summary>
    public IEnumerable<int> Choose()
    {
        var share = options.Keep[Math.Min(iteration, options.Keep.Count - 1)];
        var target = (int)Math.Floor(share * _count + 0.5);
        var room = target - KeptBefore;
        return room <= 0 ? [] : Balance(Ranked(), target).Take(room).Select(p => p.Place);
    }

    /// <inheritdoc/>
    public void Dispose() => _pairs.Dispose();

    // Forms are told apart up to the first that is too many.
    private int Form(UInt128 instruction)
    {
        if (!Balances) return 0;
        if (!_forms.TryGetValue(instruction, out var form)) _forms[instruction] = form = _forms.Count;
        return form;
    }

    /// <summary>Where an instruction takes few forms, each gets the same share of what is kept, so that confidence cannot drift to one label.</summary>
    private IEnumerable<Pair> Balance(IEnumerable<Pair> ranked, int target)
    {
        if (!Balances || _forms.Count < 2) return ranked;
        var left = new int[_forms.Count];
        foreach (var (instruction, form) in _forms) left[form] = target / left.Length - _keptForms.GetValueOrDefault(instruction);
        return ranked.Where(p => left[p.Form]-- > 0);
    }

    private IEnumerable<Pair> Ranked()
    {
        var pairs = _pairs.Sorted();
        if (options.Rank is Ranking.Evaluator or Ranking.Both) pairs = AddRanks(pairs, ByBest, _ => 0);
        // The two halves were written by different generators, whose confidence is not on one scale: rank within each.
        if (options.Rank is Ranking.Generator or Ranking.Both) pairs = AddRanks(pairs, ByConfidence, p => p.Half);
        return options.Rank is Ranking.Random ? pairs : InOrder(pairs, ByScore);
    }

    private IEnumerable<Pair> InOrder(IEnumerable<Pair> pairs, Comparison<Pair> order)
    {
        using var sorter = new ExternalSorter<Pair>(spill, order);
        foreach (var pair in pairs) sorter.Add(pair);
        foreach (var pair in sorter.Sorted()) yield return pair;
    }

    // Rank as a share of its list: 0 the best, ties share the better rank.
    private IEnumerable<Pair> AddRanks(IEnumerable<Pair> pairs, Comparison<Pair> order, Func<Pair, int> list)
    {
        var (counts, ranked) = (new int[2], new int[2]);
        var (rank, last) = (0.0, (Pair?)null);
        foreach (var pair in InOrder(pairs.Select(Counted), order))
        {
            var (place, count) = (ranked[list(pair)]++, counts[list(pair)]);
            if (last is null || order(last.Value, pair) != 0) rank = (double)place / count;
            yield return pair with { Score = pair.Score + rank };
            last = pair;
        }

        Pair Counted(Pair pair)
        {
            counts[list(pair)]++;
            return pair;
        }
    }

    private static int ByScore(Pair a, Pair b) => a.Score.CompareTo(b.Score) is var order and not 0 ? order : a.Place.CompareTo(b.Place);

    private static int ByBest(Pair a, Pair b) => b.Best.CompareTo(a.Best);

    private static int ByConfidence(Pair a, Pair b) => a.Half.CompareTo(b.Half) is var order and not 0 ? order : b.Confidence.CompareTo(a.Confidence);

    private static double Draw(Guid sample, int iteration, int seed)
    {
        Span<byte> bytes = stackalloc byte[24];
        sample.TryWriteBytes(bytes, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(bytes[16..], iteration);
        BinaryPrimitives.WriteInt32BigEndian(bytes[20..], seed);
        return BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(bytes)) / (double)ulong.MaxValue;
    }

    /// <summary>A pair that may be kept. A lower score is better.</summary>
    private record struct Pair(double Score, double Best, double Confidence, int Place, int Form, byte Half);
}
