using XInstruct.Activities.Audit;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Reports;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Truth;

/// <summary>Compares a run with the truth after the fact. Nothing of it reaches the pipeline.</summary>
public sealed class TruthComparison
{
    private readonly Recipe _recipe;
    private readonly IReadOnlyDictionary<string, CorpusTruth> _truths;
    private readonly InstructionReader _reader;

    private TruthComparison(Recipe recipe, IReadOnlyDictionary<string, CorpusTruth> truths, InstructionReader reader) =>
        (_recipe, _truths, _reader) = (recipe, truths, reader);

    /// <summary>Reads the truth of a recipe; null when it has none or its files are gone or unusable: a run is complete without it.</summary>
    public static async Task<TruthComparison?> LoadAsync(LoadedRecipe loaded, CancellationToken ct)
    {
        if (loaded.Recipe.Truth is null) return null;
        try
        {
            var truths = await TruthReader.ReadAsync(loaded, ct);
            return new TruthComparison(loaded.Recipe, truths, await TruthReader.ReaderAsync(loaded, truths.Values, ct));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or TruthException)
        {
            return null;
        }
    }

    /// <summary>Compares every iteration's instructions, and the rejections, with the truth.</summary>
    public async Task<TruthResult> CompareAsync(Run run, EventLog log, Contents contents, CancellationToken ct)
    {
        var history = await RunHistory.ReadAsync(run, log, ct);
        var instructions = await contents.ReadAsync([.. history.Texts.SelectMany(h => h.Instructions.Values).Distinct(StringComparer.Ordinal)], ct);
        var tallies = Score(history, run.Iterations.Select(i => i.Iteration), instructions);
        return new TruthResult(tallies, _recipe.Truth!.Spoilt is null ? null : await ScreenAsync(run, history, ct));
    }

    /// <summary>Counts of what is right and kept at the end of each iteration.</summary>
    public IReadOnlyDictionary<(int Iteration, string Language), Tally> Score(
        RunHistory history, IEnumerable<int> iterations, IReadOnlyDictionary<string, string> instructions)
    {
        var tallies = new Dictionary<(int, string), Tally>();
        foreach (var iteration in iterations)
        {
            foreach (var text in history.Texts)
            {
                var key = (iteration, text.Language);
                var tally = Tally.Of(IsRight(text, iteration, instructions), text.IsKeptAt(iteration));
                tallies[key] = tallies.TryGetValue(key, out var known) ? known + tally : tally;
            }
        }

        return tallies;
    }

    // A spoilt text that slipped through is wrong whatever its instruction.
    private bool IsRight(TextHistory text, int iteration, IReadOnlyDictionary<string, string> instructions) =>
        text.InstructionAt(iteration) is { } hash && instructions.TryGetValue(hash, out var instruction)
        && _truths[text.Language].Find(text.Row, text.Key) is { Spoilt: null } truth && _reader.IsRight(instruction, truth);

    private async Task<IReadOnlyList<ScreeningReport>> ScreenAsync(Run run, RunHistory history, CancellationToken ct)
    {
        var reports = new List<ScreeningReport>();
        foreach (var language in run.Languages) reports.Add(Screen(language, history, await KeysAsync(language, ct)));
        return reports;
    }

    /// <summary>How a language's spoilt and clean rows fared.</summary>
    /// <param name="language">Language code.</param>
    /// <param name="history">The run.</param>
    /// <param name="keys">Ids of the corpus rows by number: a rejection has only the number.</param>
    public ScreeningReport Screen(string language, RunHistory history, IReadOnlyDictionary<long, string> keys)
    {
        var truth = _truths[language];
        var accepted = history.Texts.Where(t => t.Language == language).Select(t => (Truth: truth.Find(t.Row, t.Key), Reason: (string?)null));
        var rejected = history.Rejected.Where(r => r.Key.Language == language).Select(r => (Truth: truth.Find(r.Key.Row, keys.GetValueOrDefault(r.Key.Row)), Reason: (string?)r.Value));
        var rows = accepted.Concat(rejected).Where(r => r.Truth is not null).ToList();
        var spoilt = rows.Where(r => r.Truth!.Spoilt is not null).ToList();
        return new ScreeningReport(
            language,
            spoilt.Count,
            spoilt.Count(r => r.Reason == r.Truth!.Spoilt),
            rows.Count - spoilt.Count,
            rows.Count(r => r.Truth!.Spoilt is null && r.Reason is not null));
    }

    private async Task<Dictionary<long, string>> KeysAsync(string language, CancellationToken ct)
    {
        var keys = new Dictionary<long, string>();
        var path = PathKey.For(_recipe.Corpus.Path, language);
        if (_recipe.Corpus.Id is not { } id || !File.Exists(path)) return keys;
        await foreach (var row in TableReader.ReadAsync(path, new TableReadOptions(_recipe.Corpus.MaxRowBytes), ct))
        {
            if (row.Columns is not null && row.Columns.TryGetValue(id, out var key)) keys[row.Number] = key;
        }

        return keys;
    }
}
