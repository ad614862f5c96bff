using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Samples;

namespace XInstruct.Domain.Refinement;

/// <summary>What the rule asks of a sample: 64 bytes, since a language may have millions.</summary>
/// <param name="Sample">Sample id.</param>
/// <param name="Form">The instruction, by the first half of its hash; zero for none.</param>
/// <param name="Level">Its rating.</param>
/// <param name="BestProbability">P(level 2).</param>
/// <param name="LogProbability">The generator's confidence; negative infinity for none.</param>
/// <param name="Kept">Iteration that kept it.</param>
/// <param name="Rated">Iteration that rated it.</param>
public readonly record struct Candidate(Guid Sample, UInt128 Form, sbyte? Level, double BestProbability, double LogProbability, int? Kept, int Rated)
{
    /// <summary>Of a sample.</summary>
    public static Candidate Of(Sample sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        var form = sample.Instruction is { } hash ? UInt128.Parse(hash.AsSpan(0, 32), NumberStyles.HexNumber, CultureInfo.InvariantCulture) : 0;
        return new(sample.SampleId, form, (sbyte?)sample.Level, sample.BestProbability, sample.LogProbability ?? double.NegativeInfinity, sample.Kept, sample.Rated);
    }
}

/// <summary>
/// Which pairs of a language are kept at the end of an iteration (methods section 1, with the ranking of docs/method.md): a share of its
/// texts, the best first; pairs kept earlier that were not judged anew stay and count.
/// </summary>
public static class KeepRule
{
    /// <summary>Places in <paramref name="samples"/> of the newly kept pairs, best first.</summary>
    /// <param name="samples">All accepted texts of the language, ordered by sample id.</param>
    /// <param name="options">The loop's options.</param>
    /// <param name="iteration">Iteration that ends.</param>
    /// <param name="seed">The run's seed, for <see cref="Ranking.Random"/>.</param>
    public static IReadOnlyList<int> Choose(IReadOnlyList<Candidate> samples, RefineOptions options, int iteration, int seed)
    {
        var share = options.Keep[Math.Min(iteration, options.Keep.Count - 1)];
        var target = (int)Math.Floor(share * samples.Count + 0.5);
        var room = target - samples.Count(s => s.Kept < iteration);
        if (room <= 0) return [];
        var candidates = Enumerable.Range(0, samples.Count).Where(i => samples[i] is var s && (s.Kept is null || s.Kept == iteration) && s.Form != 0 && s.Level is not null
            && (!options.RequireBest || s.Level == 2)).ToArray();
        var score = Score(samples, candidates, options.Rank, iteration, seed);
        Array.Sort(candidates, (a, b) => score[a].CompareTo(score[b]) is var order and not 0 ? order : a.CompareTo(b));
        return [.. Balance(candidates, samples, options.BalanceLabels, target, iteration).Take(room)];
    }

    /// <summary>Where an instruction takes few forms, each gets the same share of what is kept, so that confidence cannot drift to one label.</summary>
    private static IEnumerable<int> Balance(int[] ranked, IReadOnlyList<Candidate> samples, int forms, int target, int iteration)
    {
        var found = ranked.Select(i => samples[i].Form).Distinct().Take(forms + 1).ToList();
        if (found.Count < 2 || found.Count > forms) return ranked;
        var quota = target / found.Count;
        var left = found.ToDictionary(form => form, form => quota - samples.Count(s => s.Kept < iteration && s.Form == form));
        return ranked.Where(i => left[samples[i].Form]-- > 0);
    }

    // By place; lower is better.
    private static double[] Score(IReadOnlyList<Candidate> samples, int[] candidates, Ranking ranking, int iteration, int seed)
    {
        var score = new double[samples.Count];
        if (ranking is not (Ranking.Evaluator or Ranking.Generator or Ranking.Both))
        {
            foreach (var i in candidates) score[i] = Draw(samples[i].Sample, iteration, seed);
        }

        if (ranking is Ranking.Evaluator or Ranking.Both) AddRanks(candidates, s => s.BestProbability);
        if (ranking is Ranking.Generator or Ranking.Both)
        {
            // The two halves were written by different generators, whose confidence is not on one scale: rank within each.
            foreach (var half in candidates.GroupBy(i => Identity.Half(samples[i].Sample))) AddRanks(half, s => s.LogProbability);
        }

        return score;

        // Rank as a share of the list: 0 the best, ties share the better rank.
        void AddRanks(IEnumerable<int> list, Func<Candidate, double> value)
        {
            var ordered = list.OrderByDescending(i => value(samples[i])).ToArray();
            for (var (i, rank) = (0, 0.0); i < ordered.Length; i++)
            {
                if (i == 0 || !value(samples[ordered[i]]).Equals(value(samples[ordered[i - 1]]))) rank = (double)i / ordered.Length;
                score[ordered[i]] += rank;
            }
        }
    }

    private static double Draw(Guid sample, int iteration, int seed)
    {
        Span<byte> bytes = stackalloc byte[24];
        sample.TryWriteBytes(bytes, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(bytes[16..], iteration);
        BinaryPrimitives.WriteInt32BigEndian(bytes[20..], seed);
        return BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(bytes)) / (double)ulong.MaxValue;
    }
}
