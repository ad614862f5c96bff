using System.Text.Json;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.Audit;

/// <summary>A sample that two releases do not have alike.</summary>
/// <param name="Change">added, removed or changed.</param>
/// <param name="Version">The first version of its history at which the two runs differ; null when one of them never had the text.</param>
/// <param name="Before">Type of the event that the earlier run has there.</param>
/// <param name="After">Type of the event that the later run has there.</param>
/// <param name="Why">What differed there: the model, the prompt, the verdict, …</param>
/// <param name="Columns">Of a changed one: the columns of the release that differ; none when it came to the same by another way.</param>
/// <param name="Instruction">Of a changed one: the instruction, word by word, when it differs.</param>
public sealed record SampleDiff(
    string Change, Guid Sample, string Language, long? Version, string? Before, string? After, string Why, IReadOnlyList<string> Columns, IReadOnlyList<DiffPart>? Instruction = null);

/// <summary>How many samples differ in one way for one reason.</summary>
public sealed record DiffReason(string Change, string Why, int Samples);

/// <summary>What two releases differ in.</summary>
/// <param name="Same">Samples with the same history in both.</param>
public sealed record ReleaseComparison(string Before, string After, int Same, int Added, int Removed, int Changed, IReadOnlyList<DiffReason> Reasons);

/// <summary>
/// Compares two sealed releases by the log. A sample has the same id in every run, and its content chain is a function of what inputs and seeds determine: equal hashes are
/// equal histories, and the first unequal one is the revision at which the runs parted.
/// </summary>
public sealed class ReleaseDiff(EventLog log, Contents contents)
{
    /// <summary>Compares two runs' releases, by language and sample.</summary>
    /// <param name="before">Run id of the earlier one.</param>
    /// <param name="after">Run id of the later one.</param>
    /// <param name="each">Takes each sample that differs.</param>
    /// <param name="ct">Cancellation.</param>
    /// <exception cref="UnsealedException">One has no sealed release.</exception>
    public async Task<ReleaseComparison> CompareAsync(string before, string after, Action<SampleDiff> each, CancellationToken ct)
    {
        var (a, b) = (await LoggedRelease.ReadAsync(log, before, ct), await LoggedRelease.ReadAsync(log, after, ct));
        var (counts, same) = (new Dictionary<(string Change, string Why), int>(), 0);
        foreach (var language in a.Samples.Keys.Union(b.Samples.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var (left, right) = (ById(a, language), ById(b, language));
            foreach (var id in left.Keys.Union(right.Keys).Order(Comparer<Guid>.Create(Identity.Compare)))
            {
                var (x, y) = (left.GetValueOrDefault(id), right.GetValueOrDefault(id));
                if (x is not null && y is not null && x.Head!.Content == y.Head!.Content)
                {
                    same++;
                    continue;
                }

                var diff = await DiffAsync(before, after, language, id, x, y, ct);
                var key = (diff.Change, diff.Why);
                counts[key] = counts.GetValueOrDefault(key) + 1;
                each(diff);
            }
        }

        int Count(string change) => counts.Where(c => c.Key.Change == change).Sum(c => c.Value);
        var reasons = counts.OrderBy(c => c.Key.Change, StringComparer.Ordinal).ThenByDescending(c => c.Value).ThenBy(c => c.Key.Why, StringComparer.Ordinal).Select(c => new DiffReason(c.Key.Change, c.Key.Why, c.Value));
        return new ReleaseComparison(before, after, same, Count("added"), Count("removed"), Count("changed"), [.. reasons]);
    }

    private static Dictionary<Guid, Sample> ById(LoggedRelease release, string language) => (release.Samples.GetValueOrDefault(language) ?? []).ToDictionary(s => s.SampleId);

    private async Task<SampleDiff> DiffAsync(string before, string after, string language, Guid id, Sample? x, Sample? y, CancellationToken ct)
    {
        var change = x is null ? "added" : y is null ? "removed" : "changed";
        var (a, b) = (await HistoryAsync(before, id, ct), await HistoryAsync(after, id, ct));
        if (a.Count == 0 || b.Count == 0)
        {
            var run = a.Count == 0 ? before : after;
            return new SampleDiff(change, id, language, null, a is [var x0, ..] ? x0.Type : null, b is [var y0, ..] ? y0.Type : null, $"{run} has not taken in the text", []);
        }

        var at = 0;
        while (at < a.Count && at < b.Count && a[at].Header(EventHeaders.Content) == b[at].Header(EventHeaders.Content)) at++;
        var (first, second) = (at < a.Count ? a[at] : null, at < b.Count ? b[at] : null);
        var why = await WhyAsync(first, second, ct);
        if (x is null || y is null) why += $"; {(x is null ? before : after)} {Fate((x is null ? a : b).Aggregate((Sample?)null, StoredState.After)!)}";
        return new SampleDiff(change, id, language, at + 1, first?.Type, second?.Type, why, Columns(x, y), await WordsAsync(x, y, ct));
    }

    private async Task<List<StoredEvent>> HistoryAsync(string run, Guid id, CancellationToken ct) =>
        [.. (await log.ReadStreamAsync(Identity.Stream(run, id), ct)).Where(e => !EventTypes.IsBeside(e.Type))];

    /// <summary>What became of a sample that is in no release.</summary>
    private static string Fate(Sample sample) => sample switch
    {
        { Cluster: not null } => "selected it",
        { Rejected: { } reason } => $"rejected it: {reason}",
        { Failure: { } reason } => $"failed on it: {reason}",
        { Kept: not null } => "kept it and did not select it",
        _ => "did not keep it",
    };

    private async Task<string> WhyAsync(StoredEvent? a, StoredEvent? b, CancellationToken ct)
    {
        if (a is null || b is null) return $"only one of them has a {(a ?? b)!.Type}";
        if (a.Type != b.Type) return $"{a.Type} in one, {b.Type} in the other";
        var hashes = new[] { a, b }.Select(e => e.Header(EventHeaders.Act)).OfType<string>().ToList();
        var acts = await contents.ReadAsync(hashes, ct);
        var differing = Differing(Members(a, acts), Members(b, acts)).Select(m => m == "models" ? "model" : m).ToList();
        if (differing.Count > 0) return $"{a.Type} by another {string.Join(", ", differing)}";
        return a.Header(EventHeaders.Seed) != b.Header(EventHeaders.Seed) ? $"{a.Type} with another seed" : $"{a.Type} with another {string.Join(", ", Differing(a.Data, b.Data))}";
    }

    private static JsonElement Members(StoredEvent e, IReadOnlyDictionary<string, string> acts) =>
        e.Header(EventHeaders.Act) is { } act && acts.TryGetValue(act, out var json) ? JsonSerializer.Deserialize<JsonElement>(json) : JsonSerializer.SerializeToElement(new { });

    private static IEnumerable<string> Differing(JsonElement a, JsonElement b)
    {
        var names = a.EnumerateObject().Concat(b.EnumerateObject()).Select(m => m.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
        return names.Where(n => (a.TryGetProperty(n, out var x) ? x.GetRawText() : null) != (b.TryGetProperty(n, out var y) ? y.GetRawText() : null));
    }

    private static IReadOnlyList<string> Columns(Sample? x, Sample? y)
    {
        if (x is null || y is null) return [];
        var columns = new List<string>();
        if (x.Instruction != y.Instruction) columns.Add("instruction");
        if (x.Text != y.Text) columns.Add("output");
        if (Math.Round(x.BestProbability, 6) != Math.Round(y.BestProbability, 6)) columns.Add("score");
        if (x.Cluster != y.Cluster) columns.Add("cluster");
        if (x.Generated != y.Generated) columns.Add("iteration");
        if (x.Revision != y.Revision) columns.Add("version");
        if ((x.Source, x.Row) != (y.Source, y.Row)) columns.Add("source and row");
        return columns;
    }

    private async Task<IReadOnlyList<DiffPart>?> WordsAsync(Sample? x, Sample? y, CancellationToken ct)
    {
        if (x is null || y is null || x.Instruction == y.Instruction) return null;
        var texts = await contents.ReadAsync([x.Instruction!, y.Instruction!], ct);
        return texts.TryGetValue(x.Instruction!, out var before) && texts.TryGetValue(y.Instruction!, out var after) ? WordDiff.Of(before, after) : null;
    }
}
