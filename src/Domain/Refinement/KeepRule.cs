using System.Buffers.Binary;
using System.Security.Cryptography;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Samples;

namespace XInstruct.Domain.Refinement;

/// <summary>
/// Which pairs of a language are kept at the end of an iteration (methods section 1, with the ranking of docs/method.md): a share of its
/// texts, the best first; pairs kept earlier that were not judged anew stay and count.
/// </summary>
public static class KeepRule
{
    /// <summary>The newly kept pairs, best first.</summary>
    /// <param name="samples">All accepted texts of the language, ordered by sample id.</param>
    /// <param name="options">The loop's options.</param>
    /// <param name="iteration">Iteration that ends.</param>
    /// <param name="seed">The run's seed, for <see cref="Ranking.Random"/>.</param>
    public static IReadOnlyList<Sample> Choose(IReadOnlyList<Sample> samples, RefineOptions options, int iteration, int seed)
    {
        var share = options.Keep[Math.Min(iteration, options.Keep.Count - 1)];
        var target = (int)Math.Floor(share * samples.Count + 0.5);
        var room = target - samples.Count(s => s.Kept < iteration);
        if (room <= 0) return [];
        var candidates = samples
            .Where(s => (s.Kept is null || s.Kept == iteration) && s.Instruction is not null && s.Level is not null)
            .Where(s => !options.RequireBest || s.Level == 2)
            .ToList();
        var score = Score(candidates, options.Rank, iteration, seed);
        var ranked = candidates.OrderBy(s => score[s.SampleId]).ThenBy(s => s.SampleId, Comparer<Guid>.Create(Identity.Compare)).ToList();
        return Balance(ranked, samples, room, options.BalanceLabels, target, iteration);
    }

    /// <summary>Where an instruction takes few forms, each gets the same share of what is kept, so that confidence cannot drift to one label.</summary>
    private static List<Sample> Balance(
        List<Sample> ranked, IReadOnlyList<Sample> samples, int room, int forms, int target, int iteration)
    {
        var groups = ranked.GroupBy(s => s.Instruction!, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).ToList();
        if (groups.Count < 2 || groups.Count > forms) return [.. ranked.Take(room)];
        var quota = target / groups.Count;
        var taken = new HashSet<Guid>();
        foreach (var group in groups)
        {
            var before = samples.Count(s => s.Kept < iteration && s.Instruction == group.Key);
            foreach (var sample in group.Take(Math.Max(0, quota - before))) taken.Add(sample.SampleId);
        }

        return [.. ranked.Where(s => taken.Contains(s.SampleId)).Take(room)];
    }

    // Lower is better.
    private static Dictionary<Guid, double> Score(List<Sample> candidates, Ranking ranking, int iteration, int seed)
    {
        var evaluator = Ranks(candidates, s => s.BestProbability);
        // The two halves were written by different generators, whose confidence is not on one scale: rank within each.
        var generator = candidates.GroupBy(s => Identity.Half(s.SampleId))
            .SelectMany(half => Ranks([.. half], s => s.LogProbability ?? double.NegativeInfinity))
            .ToDictionary(p => p.Key, p => p.Value);
        return candidates.ToDictionary(s => s.SampleId, s => ranking switch
        {
            Ranking.Evaluator => evaluator[s.SampleId],
            Ranking.Generator => generator[s.SampleId],
            Ranking.Both => evaluator[s.SampleId] + generator[s.SampleId],
            _ => Draw(s.SampleId, iteration, seed),
        });
    }

    /// <summary>Rank as a share of the list: 0 the best, ties share the better rank.</summary>
    private static Dictionary<Guid, double> Ranks(List<Sample> samples, Func<Sample, double> value)
    {
        var ordered = samples.OrderByDescending(value).ThenBy(s => s.SampleId, Comparer<Guid>.Create(Identity.Compare)).ToList();
        var ranks = new Dictionary<Guid, double>(samples.Count);
        for (var i = 0; i < ordered.Count; i++)
        {
            var tied = i > 0 && value(ordered[i]).Equals(value(ordered[i - 1]));
            ranks[ordered[i].SampleId] = tied ? ranks[ordered[i - 1].SampleId] : (double)i / ordered.Count;
        }

        return ranks;
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
