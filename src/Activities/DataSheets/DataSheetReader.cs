using System.Globalization;
using System.Text.Json;
using Npgsql;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Releases;
using XInstruct.Activities.Reports;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Statistics;
using XInstruct.Workflows.Runs;

namespace XInstruct.Activities.DataSheets;

/// <summary>Gathers a release's data sheet from the sealed files, the events and the inputs.</summary>
public sealed class DataSheetReader(
    RunReporter reporter, ReleaseReader releases, RunLibrary library, RejectionReader rejections, ClusterMapReader maps, Contents contents, NpgsqlDataSource database)
{
    /// <summary>Bins of the score histograms.</summary>
    public const int Bins = 50;

    private const int TopVerbs = 16;
    private const int TopObjects = 4;

    /// <summary>The sheet of a run's release.</summary>
    /// <param name="run">The run; its release is sealed.</param>
    /// <param name="recipe">The user's recipe file, for its truth; null to go without.</param>
    /// <exception cref="TamperedException">The release is not what was sealed.</exception>
    public async Task<DataSheet> ReadAsync(Run run, LoadedRecipe? recipe, CancellationToken ct)
    {
        await releases.VerifyAsync(run, run.Release!.Files, ct);
        var document = await library.RecipeAsync(new RunInput(run.Name, run.Recipe), ct);
        var deeds = await DeedsAsync(run.Name, ct);
        var status = run.IsCompleted ? "completed" : "sealed";
        var report = await reporter.ReportAsync(run, recipe, status, deeds.Count == 0 ? 0 : (deeds.Max(d => d.To) - deeds.Min(d => d.From)).TotalSeconds, ct);
        var phrases = new PhraseCounter();
        var (languages, chart) = (new List<LanguageStatistics>(), new List<ClusterMap>());
        foreach (var file in run.Release.Files)
        {
            var language = Path.GetFileNameWithoutExtension(file.Name);
            var points = new EvenSelection<ReleaseRow>(file.Rows, ClusterMapReader.MaxPoints);
            languages.Add(await ReleaseStatistics.OfAsync(language, releases.ReadAsync(run, file, ct), row =>
            {
                phrases.Add(row.Instruction);
                points.Add(row);
            }));
            if (await maps.ReadAsync(run, language, document.Recipe, points.Chosen, file.Rows, ct) is { } map) chart.Add(map);
        }

        var prompts = await contents.ReadAsync([.. deeds.Select(d => d.Act.Prompt).OfType<string>().Distinct(StringComparer.Ordinal)], ct);
        return new DataSheet(
            run, report, languages, await rejections.ReadAsync(run, document, ct), await ScoresAsync(run, ct), chart, phrases.Top(TopVerbs, TopObjects), deeds,
            new SortedDictionary<string, string>(prompts.ToDictionary(), StringComparer.Ordinal), JsonSerializer.Serialize(document.Recipe, EventJson.Options));
    }

    private async Task<IReadOnlyList<ScoreHistogram>> ScoresAsync(Run run, CancellationToken ct)
    {
        var byLanguage = run.Languages.ToDictionary(l => l, _ => (Rated: new long[Bins], Released: new long[Bins]), StringComparer.Ordinal);
        await using var command = database.CreateCommand($"""
            select data ->> 'language', least({Bins}, width_bucket((data -> 'probabilities' ->> 2)::float8, 0, 1, {Bins})), count(*), count(data ->> 'cluster')
            from {StoreConfiguration.Schema}.mt_doc_sample where data ->> 'run' = $1 and jsonb_array_length(data -> 'probabilities') = 3 group by 1, 2
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = run.Name });
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            if (!byLanguage.TryGetValue(reader.GetString(0), out var bins)) continue;
            bins.Rated[reader.GetInt32(1) - 1] = reader.GetInt64(2);
            bins.Released[reader.GetInt32(1) - 1] = reader.GetInt64(3);
        }

        return [.. run.Languages.Select(l => new ScoreHistogram(l, byLanguage[l].Rated, byLanguage[l].Released))];
    }

    private async Task<IReadOnlyList<Deed>> DeedsAsync(string run, CancellationToken ct)
    {
        var rows = new List<(string Act, long Events, long In, long Out, decimal Usd, DateTime From, DateTime To)>();
        await using (var command = database.CreateCommand($"""
            select headers ->> 'act', count(*), coalesce(sum((headers ->> 'tokensIn')::bigint), 0)::bigint, coalesce(sum((headers ->> 'tokensOut')::bigint), 0)::bigint,
                   coalesce(sum((headers ->> 'usd')::numeric), 0), min(headers ->> 'at'), max(headers ->> 'at')
            from {StoreConfiguration.Schema}.mt_events where headers ->> 'run' = $1 and headers ->> 'act' is not null group by 1
            """))
        {
            command.Parameters.Add(new NpgsqlParameter { Value = run });
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
            {
                rows.Add((reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetDecimal(4), Time(reader.GetString(5)), Time(reader.GetString(6))));
            }
        }

        var acts = await contents.ReadAsync([.. rows.Select(r => r.Act)], ct);
        return
        [
            .. rows.Where(r => acts.ContainsKey(r.Act)).OrderBy(r => r.From).ThenBy(r => r.Act, StringComparer.Ordinal)
                .Select(r => new Deed(JsonSerializer.Deserialize<Act>(acts[r.Act], EventJson.Options)!, r.Events, r.In, r.Out, r.Usd, r.From, r.To)),
        ];
    }

    private static DateTime Time(string text) => DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
}

/// <summary>Counts verbs and objects of instructions.</summary>
internal sealed class PhraseCounter
{
    private readonly Dictionary<string, Dictionary<string, int>> _counts = new(StringComparer.Ordinal);

    public void Add(string instruction)
    {
        if (InstructionPhrase.Of(instruction) is not { } phrase) return;
        if (!_counts.TryGetValue(phrase.Verb, out var objects)) _counts[phrase.Verb] = objects = new Dictionary<string, int>(StringComparer.Ordinal);
        var name = phrase.Object ?? "";
        objects[name] = objects.GetValueOrDefault(name) + 1;
    }

    /// <summary>The most frequent verbs, each with its most frequent objects.</summary>
    public IReadOnlyList<VerbCount> Top(int verbs, int objects) =>
    [
        .. _counts.Select(v => new VerbCount(v.Key, v.Value.Values.Sum(), [.. v.Value.Where(o => o.Key.Length > 0).OrderByDescending(o => o.Value).ThenBy(o => o.Key, StringComparer.Ordinal).Take(objects).Select(o => new ObjectCount(o.Key, o.Value))]))
            .OrderByDescending(v => v.Count).ThenBy(v => v.Verb, StringComparer.Ordinal).Take(verbs),
    ];
}

/// <summary>Chooses at most so many of a known number of items, evenly spread over their order.</summary>
internal sealed class EvenSelection<T>(int count, int most)
{
    private readonly List<T> _chosen = [];
    private long _seen;

    public IReadOnlyList<T> Chosen => _chosen;

    public void Add(T item)
    {
        // One is due each time the share of items seen passes the share chosen.
        if (count <= most || _seen * most / count >= _chosen.Count) _chosen.Add(item);
        _seen++;
    }
}
