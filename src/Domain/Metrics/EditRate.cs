namespace XInstruct.Domain.Metrics;

/// <summary>
/// Translation edit rate (Snover et al. 2006): words inserted, deleted, replaced and runs of words moved until the output is the reference, per word of
/// the reference. As sacreBLEU 2.5.1 computes it: capitals count as small letters, words end at white space, and Tercom's limits hold.
/// </summary>
public static class EditRate
{
    private const int LongestShift = 10, FarthestShift = 50, Beam = 25, MostCandidates = 1000;

    /// <summary>Of one sentence: 0 for equal texts, 100 for as many edits as the references have words on average; it may be more.</summary>
    public static double OfSentence(string output, IReadOnlyList<string> references) => OfCorpus([(output, references)]);

    /// <summary>Of a corpus: edits to each sentence's closest reference over words.</summary>
    public static double OfCorpus(IEnumerable<(string Output, IReadOnlyList<string> References)> sentences)
    {
        ArgumentNullException.ThrowIfNull(sentences);
        var sums = new double[2];
        foreach (var (output, references) in sentences)
        {
            var counts = Counts(output, references);
            (sums[0], sums[1]) = (sums[0] + counts[0], sums[1] + counts[1]);
        }

        return OfCounts(sums);
    }

    /// <summary>What a sentence adds to a corpus: edits to its closest reference, and words of the references on average.</summary>
    internal static double[] Counts(string output, IReadOnlyList<string> references)
    {
        var words = Words(output);
        var others = references.Select(Words).ToArray();
        return [others.Min(other => Edits(words, other)), others.Average(other => other.Length)];
    }

    /// <summary>The rate of summed <see cref="Counts"/>.</summary>
    internal static double OfCounts(double[] sums) => sums[1] > 0 ? 100 * sums[0] / sums[1] : sums[0] > 0 ? 100 : 0;

    private static string[] Words(string text) => text.TrimEnd().ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static int Edits(string[] output, string[] reference)
    {
        if (reference.Length == 0) return output.Length;
        var (shifts, candidates) = (0, 0);
        while (BestShift(output, reference, ref candidates) is { } shifted && candidates < MostCandidates)
        {
            shifts++;
            output = shifted;
        }

        return shifts + new EditPath(output, reference, Beam).Cost;
    }

    /// <summary>The move that saves most edits; then the longest, the earliest, the one to the earliest place. Null when none saves any.</summary>
    private static string[]? BestShift(string[] output, string[] reference, ref int candidates)
    {
        var path = new EditPath(output, reference, Beam);
        ((int Saved, int Length, int Start, int Target) Rank, string[] Words)? best = null;
        foreach (var (start, at, length) in SharedRuns(output, reference))
        {
            // What stands right need not move, and not within itself.
            if (!path.OutputErrors.AsSpan(start, length).Contains(true) || !path.ReferenceErrors.AsSpan(at, length).Contains(true)) continue;
            if (path.Alignment[at] >= start && path.Alignment[at] < start + length) continue;
            var before = -1;
            for (var i = at - 1; i < at + length; i++)
            {
                if (i >= reference.Length) break;
                var target = i < 0 ? 0 : path.Alignment[i] + 1;
                if (target == before) continue;
                before = target;
                var moved = Moved(output, start, length, target);
                var rank = (path.Cost - new EditPath(moved, reference, Beam).Cost, length, -start, -target);
                candidates++;
                if (best is null || rank.CompareTo(best.Value.Rank) > 0 || (rank == best.Value.Rank && Compare(moved, best.Value.Words) > 0)) best = (rank, moved);
            }

            if (candidates >= MostCandidates) break;
        }

        return best is { Rank.Saved: > 0 } found ? found.Words : null;
    }

    private static int Compare(string[] a, string[] b) => a.Zip(b, string.CompareOrdinal).FirstOrDefault(order => order != 0);

    /// <summary>Runs of words that both have, of every length from one on.</summary>
    private static IEnumerable<(int Start, int At, int Length)> SharedRuns(string[] output, string[] reference)
    {
        for (var start = 0; start < output.Length; start++)
        {
            for (var at = Math.Max(0, start - FarthestShift); at < reference.Length && at <= start + FarthestShift; at++)
            {
                for (var i = 0; i < LongestShift && start + i < output.Length && at + i < reference.Length && output[start + i] == reference[at + i]; i++) yield return (start, at, i + 1);
            }
        }
    }

    // Before the word at the target, counted with the run in its place.
    private static string[] Moved(string[] words, int start, int length, int target)
    {
        var run = words.AsSpan(start, length);
        if (target < start) return [.. words.AsSpan(0, target), .. run, .. words.AsSpan(target, start - target), .. words.AsSpan(start + length)];
        var end = target > start + length ? target : Math.Min(words.Length, length + target);
        return [.. words.AsSpan(0, start), .. words.AsSpan(start + length, end - start - length), .. run, .. words.AsSpan(end)];
    }
}
