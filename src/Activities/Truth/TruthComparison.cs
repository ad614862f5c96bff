using System.Text.Json;
using System.Text.RegularExpressions;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Reports;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Truth;

/// <summary>What the truth says of one row.</summary>
internal sealed record TruthRow(IReadOnlyDictionary<string, string> Fields, string? Spoilt);

/// <summary>Compares a run with the truth after the fact. Nothing of it reaches the pipeline.</summary>
public sealed class TruthComparison
{
    private readonly TruthOptions _options;
    private readonly Dictionary<string, Dictionary<string, TruthRow>> _rows;
    private readonly InstructionReader _reader;

    private TruthComparison(TruthOptions options, Dictionary<string, Dictionary<string, TruthRow>> rows, InstructionReader reader) =>
        (_options, _rows, _reader) = (options, rows, reader);

    /// <summary>Reads the truth of a recipe; null when its files are gone.</summary>
    public static async Task<TruthComparison?> LoadAsync(LoadedRecipe loaded, CancellationToken ct)
    {
        var options = loaded.Recipe.Truth!;
        var rows = new Dictionary<string, Dictionary<string, TruthRow>>(StringComparer.Ordinal);
        foreach (var language in loaded.Recipe.Languages)
        {
            var path = (options.AlignWith ?? options.Path).Replace("{lang}", language, StringComparison.Ordinal);
            if (!File.Exists(path)) return null;
            rows[language] = await ReadAsync(path, options, language, ct);
        }

        return new TruthComparison(options, rows, await InstructionReader.LoadAsync(options, rows.Values.SelectMany(r => r.Values), ct));
    }

    /// <summary>Compares every iteration's instructions, and the rejections, with the truth.</summary>
    public async Task<TruthResult> CompareAsync(Run run, EventLog log, Contents contents, CancellationToken ct)
    {
        var histories = await HistoriesAsync(run, log, ct);
        var texts = await contents.ReadAsync([.. histories.Values.SelectMany(h => h.Instructions.Values).Distinct(StringComparer.Ordinal)], ct);
        var scores = new Dictionary<(int, string), Tally>();
        foreach (var iteration in run.Iterations.Select(i => i.Iteration))
        {
            foreach (var history in histories.Values)
            {
                var tally = scores.TryGetValue((iteration, history.Language), out var known) ? known : scores[(iteration, history.Language)] = new Tally();
                var instruction = history.Instructions.Where(i => i.Key <= iteration).OrderBy(i => i.Key).LastOrDefault().Value;
                var isRight = instruction is not null && texts.TryGetValue(instruction, out var text) && IsRight(history, text);
                tally.Count(isRight, history.Kept <= iteration);
            }
        }

        return new TruthResult(scores, _options.Spoilt is null ? null : await ScreeningAsync(run, log, histories.Values, ct));
    }

    private bool IsRight(History history, string instruction) =>
        _rows[history.Language].TryGetValue(_options.Id is null ? $"{history.Row}" : history.Key ?? "", out var truth) && truth.Spoilt is null
        && _options.Fields.All(f => truth.Fields.TryGetValue(f, out var value) && _reader.Read(f, instruction) == value)
        && _reader.ReadLanguage(instruction) == history.Language;

    private sealed class History(string language, long row, string? key)
    {
        public string Language { get; } = language;

        public long Row { get; } = row;

        public string? Key { get; } = key;

        public int? Kept { get; set; }

        public SortedDictionary<int, string> Instructions { get; } = [];
    }

    private static async Task<Dictionary<Guid, History>> HistoriesAsync(Run run, EventLog log, CancellationToken ct)
    {
        var histories = new Dictionary<Guid, History>();
        await foreach (var e in log.ReadAsync(run.Name, ct))
        {
            if (e.Type == "text_accepted")
            {
                histories[e.Stream] = new History(
                    e.Data.GetProperty("language").GetString()!, e.Data.GetProperty("row").GetInt64(), e.Data.TryGetProperty("key", out var key) ? key.GetString() : null);
            }
            else if (histories.TryGetValue(e.Stream, out var history))
            {
                if (e.Type is "instruction_generated" or "instruction_revised") history.Instructions[e.Data.GetProperty("iteration").GetInt32()] = e.Data.GetProperty("instruction").GetString()!;
                if (e.Type == "sample_kept") history.Kept = e.Data.GetProperty("iteration").GetInt32();
            }
        }

        return histories;
    }

    private async Task<IReadOnlyList<ScreeningReport>> ScreeningAsync(Run run, EventLog log, IEnumerable<History> accepted, CancellationToken ct)
    {
        var rejected = new Dictionary<(string, long), string>();
        await foreach (var e in log.ReadAsync(run.Name, ct))
        {
            if (e.Type != "rows_rejected") continue;
            var language = e.Data.GetProperty("language").GetString()!;
            foreach (var row in e.Data.GetProperty("rows").EnumerateArray()) rejected[(language, row.GetProperty("row").GetInt64())] = row.GetProperty("reason").GetString()!;
        }

        // Rejected rows carry a number, the truth an id: both files stand in the same order where ids are used.
        return [.. run.Languages.Select(language =>
        {
            var rows = _rows[language].Values.Select((t, i) => (Truth: t, Reason: rejected.GetValueOrDefault((language, i)))).ToList();
            return new ScreeningReport(
                language,
                rows.Count(r => r.Truth.Spoilt is not null),
                rows.Count(r => r.Truth.Spoilt is not null && r.Reason == r.Truth.Spoilt),
                rows.Count(r => r.Truth.Spoilt is null),
                rows.Count(r => r.Truth.Spoilt is null && r.Reason is not null));
        })];
    }

    private static async Task<Dictionary<string, TruthRow>> ReadAsync(string path, TruthOptions options, string language, CancellationToken ct)
    {
        var rows = new Dictionary<string, TruthRow>(StringComparer.Ordinal);
        await foreach (var row in TableReader.ReadAsync(path, new TableReadOptions(), ct))
        {
            if (row.Columns is not { } columns) continue;
            var key = options.Id is { } id && columns.TryGetValue(id, out var value) ? value : $"{row.Number}";
            var spoilt = options.Spoilt is { } column ? columns.GetValueOrDefault(column) : null;
            rows[key] = new TruthRow(columns.Where(c => options.Fields.Contains(c.Key, StringComparer.Ordinal)).ToDictionary(c => c.Key, c => c.Value, StringComparer.Ordinal), spoilt);
        }

        return rows;
    }
}

/// <summary>Right and kept, counted.</summary>
internal sealed class Tally
{
    public int All { get; private set; }

    public int Right { get; private set; }

    public int Kept { get; private set; }

    public int RightKept { get; private set; }

    public void Count(bool isRight, bool isKept)
    {
        All++;
        if (isRight) Right++;
        if (isKept) Kept++;
        if (isRight && isKept) RightKept++;
    }
}

/// <summary>Precision and accuracy by iteration and language.</summary>
public sealed class TruthResult
{
    private readonly Dictionary<(int Iteration, string Language), Tally> _scores;

    internal TruthResult(Dictionary<(int, string), Tally> scores, IReadOnlyList<ScreeningReport>? screening) => (_scores, Screening) = (scores, screening);

    /// <summary>How well spoilt rows were found.</summary>
    public IReadOnlyList<ScreeningReport>? Screening { get; }

    /// <summary>Precision (right among kept) and accuracy (right among all accepted texts) of an iteration; of all languages when none is named.</summary>
    public (double? Precision, double? Accuracy) Of(int iteration, string? language)
    {
        var tallies = _scores.Where(s => s.Key.Iteration == iteration && (language is null || s.Key.Language == language)).Select(s => s.Value).ToList();
        var (kept, all) = (tallies.Sum(t => t.Kept), tallies.Sum(t => t.All));
        return (kept == 0 ? null : Math.Round((double)tallies.Sum(t => t.RightKept) / kept, 4), all == 0 ? null : Math.Round((double)tallies.Sum(t => t.Right) / all, 4));
    }
}

/// <summary>Reads from an English instruction what it asks for, by words.</summary>
internal sealed class InstructionReader
{
    private static readonly JsonSerializerOptions Plain = new() { PropertyNameCaseInsensitive = false };
    private readonly Dictionary<string, List<(string Value, Regex Words)>> _fields;
    private readonly Dictionary<string, string?> _languages = new(StringComparer.Ordinal);

    private InstructionReader(Dictionary<string, Dictionary<string, string[]>> lexicon) => _fields = lexicon.ToDictionary(
        f => f.Key,
        f => f.Value.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => (v.Key, Pattern(v.Value))).ToList(),
        StringComparer.Ordinal);

    public static async Task<InstructionReader> LoadAsync(TruthOptions options, IEnumerable<TruthRow> rows, CancellationToken ct)
    {
        if (options.Lexicon is { } path && File.Exists(path))
        {
            await using var stream = File.OpenRead(path);
            return new InstructionReader((await JsonSerializer.DeserializeAsync<Dictionary<string, Dictionary<string, string[]>>>(stream, Plain, ct))!);
        }

        // Without a lexicon the value itself is looked for.
        return new InstructionReader(options.Fields.ToDictionary(
            f => f,
            f => rows.Select(r => r.Fields.GetValueOrDefault(f)).OfType<string>().Distinct(StringComparer.Ordinal).ToDictionary(v => v, v => new[] { v }, StringComparer.Ordinal),
            StringComparer.Ordinal));
    }

    /// <summary>The one value of a field whose words the instruction has; null when there is none, or more than one.</summary>
    public string? Read(string field, string instruction)
    {
        if (!_fields.TryGetValue(field, out var values)) return null;
        var found = values.Where(v => v.Words.IsMatch(instruction)).Take(2).ToList();
        return found.Count == 1 ? found[0].Value : null;
    }

    /// <summary>Code of the language whose English name the instruction has; null when there is none.</summary>
    public string? ReadLanguage(string instruction)
    {
        if (_languages.TryGetValue(instruction, out var known)) return known;
        var words = Regex.Matches(instruction, @"\p{Lu}\p{L}+", RegexOptions.None, TimeSpan.FromSeconds(1)).Select(m => m.Value).ToHashSet(StringComparer.Ordinal);
        return _languages[instruction] = Names.Value.FirstOrDefault(n => words.Contains(n.Name)).Code;
    }

    private static readonly Lazy<List<(string Name, string Code)>> Names = new(() =>
        [.. System.Globalization.CultureInfo.GetCultures(System.Globalization.CultureTypes.NeutralCultures)
            .Where(c => c.Name.Length is 2 or 3).OrderBy(c => c.Name, StringComparer.Ordinal).Select(c => (c.EnglishName, c.Name))]);

    private static Regex Pattern(string[] words) =>
        new(@"(?<!\w)(?:" + string.Join('|', words.Select(Regex.Escape)) + @")(?!\w)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
