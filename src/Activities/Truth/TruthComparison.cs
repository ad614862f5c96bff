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
    private const int TextsAtOnce = 2000;

    private readonly Recipe _recipe;
    private readonly IReadOnlyDictionary<string, CorpusTruth> _truths;
    private readonly InstructionReader _reader;

    private TruthComparison(Recipe recipe, IReadOnlyDictionary<string, CorpusTruth> truths, InstructionReader reader) =>
        (_recipe, _truths, _reader) = (recipe, truths, reader);

    /// <summary>Reads the truth of a recipe; null when it has none.</summary>
    /// <exception cref="TruthException">Its files are gone or unusable. A run is complete without them: only the comparison is not possible.</exception>
    public static async Task<TruthComparison?> LoadAsync(LoadedRecipe loaded, CancellationToken ct)
    {
        if (loaded.Recipe.Truth is null) return null;
        try
        {
            var truths = await TruthReader.ReadAsync(loaded, ct);
            return new TruthComparison(loaded.Recipe, truths, await TruthReader.ReaderAsync(loaded, truths.Values, ct));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TruthException($"The truth cannot be read: {e.Message}");
        }
    }

    /// <summary>Compares every iteration's instructions, the rejections, and what the seeds alone would give, with the truth.</summary>
    /// <param name="seeds">The seeds that train, of all languages.</param>
    public async Task<TruthResult> CompareAsync(Run run, EventLog log, Contents contents, IReadOnlyCollection<Seed> seeds, CancellationToken ct)
    {
        var history = await RunHistory.ReadAsync(run, log, ct);
        var instructions = await contents.ReadAsync([.. history.Texts.SelectMany(h => h.Instructions.Values).Distinct(StringComparer.Ordinal)], ct);
        var tallies = Score(history, run.Iterations.Select(i => i.Iteration), instructions);
        return new TruthResult(
            tallies,
            _recipe.Truth!.Spoilt is null ? null : await ScreenAsync(run, history, ct),
            seeds.Count == 0 ? null : await BaselineAsync(new Baseline(_recipe.Truth.Fields, _reader, seeds), run, history, contents, ct));
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
                var tally = Tally.Of(IsRight(text, iteration, instructions), text.Kept <= iteration);
                tallies[key] = tallies.TryGetValue(key, out var known) ? known + tally : tally;
            }
        }

        return tallies;
    }

    /// <summary>Accuracy over all accepted texts, by the rule of <see cref="IsRight"/>.</summary>
    private async Task<BaselineReport?> BaselineAsync(Baseline baseline, Run run, RunHistory history, Contents contents, CancellationToken ct)
    {
        var languages = new List<LanguageBaseline>();
        var (all, chances, hits) = (0, 0.0, 0);
        foreach (var language in run.Languages)
        {
            var (count, chance, right) = (0, 0.0, 0);
            foreach (var batch in history.Texts.Where(t => t.Language == language).Chunk(TextsAtOnce))
            {
                count += batch.Length;
                var known = batch.Select(t => (t.Text, Truth: Usable(t))).Where(t => t.Truth is not null).ToList();
                chance += known.Sum(t => baseline.Chance(t.Truth!));
                var texts = await contents.ReadAsync([.. known.Select(t => t.Text)], ct);
                right += known.Count(t => texts.TryGetValue(t.Text, out var text) && baseline.IsRight(text, t.Truth!));
            }

            if (count == 0) continue;
            languages.Add(new LanguageBaseline(language, Math.Round(chance / count, 4), Math.Round((double)right / count, 4)));
            (all, chances, hits) = (all + count, chances + chance, hits + right);
        }

        return all == 0 ? null : new BaselineReport(Math.Round(chances / all, 4), Math.Round((double)hits / all, 4), languages);
    }

    // A spoilt text that slipped through is wrong whatever its instruction.
    private bool IsRight(TextHistory text, int iteration, IReadOnlyDictionary<string, string> instructions) =>
        text.InstructionAt(iteration) is { } hash && instructions.TryGetValue(hash, out var instruction)
        && Usable(text) is { } truth && _reader.IsRight(instruction, truth);

    private TruthRow? Usable(TextHistory text) => _truths[text.Language].Find(text.Row, text.Key) is { Spoilt: null } truth ? truth : null;

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
