using Marten;
using Npgsql;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Truth;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;

namespace XInstruct.Activities.Reports;

/// <summary>Builds a run's report from its events; the truth, when the user has one, is compared here and nowhere else.</summary>
public sealed class RunReporter(IDocumentStore store, NpgsqlDataSource database, FileStore files, Contents contents, EventLog log, RunLibrary library, BudgetBook budget, FailureReader failures)
{
    /// <summary>The report of a run.</summary>
    /// <param name="run">The run.</param>
    /// <param name="recipe">The user's recipe file, for its truth; null to go without.</param>
    public async Task<RunReport> ReportAsync(Run run, LoadedRecipe? recipe, string status, double seconds, CancellationToken ct)
    {
        var warnings = recipe?.Warnings.ToList() ?? [];
        var comparison = recipe is null ? null : await CompareAsync(run, recipe, warnings, ct);
        var (counts, reasons, checks) = await CountAsync(run.Name, ct);
        return new RunReport(
            run.Name,
            status,
            run.Languages,
            counts,
            [.. run.Iterations.Select(i => Iteration(i, comparison))],
            run.Release is { } r ? new ReleaseReport(Path.Combine(files.Releases(run.Name), $"{r.Number}"), r.Files, r.Sha256) : null,
            run.Checkpoints.LastOrDefault(c => c.Role == "student") is { } s ? new ModelReport(files.Tree(s.Checkpoint), s.Checkpoint) : null,
            run.Evaluation is { } e ? new EvaluationReport(e.Candidates, e.Languages) : null,
            await LedgerAsync(run.Name, ct),
            Math.Round(seconds, 1),
            Packages.InUse)
        {
            Warnings = warnings,
            LanguageCheck = checks,
            Rejections = reasons,
            Training = [.. run.Checkpoints.Where(c => c.Steps > 0).Select(c => new TrainingReport(c.Role, c.Steps, c.Tokens, c.Loss))],
            Baselines = comparison?.Baseline,
            Screening = comparison?.Screening,
            Paused = !run.IsCompleted && Steering.Paused(run.Steered) is { Count: > 0 } paused ? paused : null,
            WaitsFor = await WaitsForAsync(run, ct),
            Failures = await failures.ReadAsync(run.Name, ct) is { Count: > 0 } failed ? failed : null,
            Steered = run.Steered is { Count: > 0 } steered ? steered : null,
        };
    }

    private async Task<int?> WaitsForAsync(Run run, CancellationToken ct) =>
        run is { IsCompleted: false, Release: null, Iterations: [.., var last] } && !Steering.Verdicts(run.Steered).ContainsKey(last.Iteration)
        && (await library.RecipeAsync(new RunInput(run.Name, run.Recipe), ct)).Recipe.Refine.Approve ? last.Iteration : null;

    private async Task<TruthResult?> CompareAsync(Run run, LoadedRecipe recipe, List<RecipeProblem> warnings, CancellationToken ct)
    {
        try
        {
            return await TruthComparison.LoadAsync(recipe, ct) is { } truth ? await truth.CompareAsync(run, log, contents, await SeedsAsync(run, ct), ct) : null;
        }
        catch (TruthException e)
        {
            if (warnings.Count == 0) warnings.Add(new RecipeProblem(recipe.Path, 0, 0, "truth", e.Message));
            return null;
        }
    }

    private async Task<List<Seed>> SeedsAsync(Run run, CancellationToken ct)
    {
        var seeds = new List<Seed>();
        foreach (var language in run.Languages)
        {
            seeds.AddRange((await library.SeedsAsync(new LanguageInput(new RunInput(run.Name, run.Recipe), language), ct)).Training);
        }

        return seeds;
    }

    private static IterationReport Iteration(IterationCompleted iteration, TruthResult? truth)
    {
        var (precision, accuracy) = truth?.Of(iteration.Iteration, null) ?? (null, null);
        return new IterationReport(
            iteration.Iteration,
            iteration.Languages.Sum(l => l.Rated),
            iteration.Languages.Sum(l => l.KeptInAll),
            precision,
            accuracy,
            [.. Enumerable.Range(0, 3).Select(level => iteration.Languages.Sum(l => l.Levels[level]))])
        {
            Languages = [.. iteration.Languages.Select(l =>
            {
                var (p, a) = truth?.Of(iteration.Iteration, l.Language) ?? (null, null);
                return new LanguageIterationReport(l.Language, l.Rated, l.KeptInAll, p, a);
            })],
        };
    }

    private async Task<(SampleCounts Counts, IReadOnlyDictionary<string, long> Reasons, IReadOnlyDictionary<string, string> Checks)> CountAsync(string run, CancellationToken ct)
    {
        const string schema = StoreConfiguration.Schema;
        await using var command = database.CreateCommand($"""
            select count(*), count(data ->> 'kept'), count(data ->> 'cluster') from {schema}.mt_doc_sample where data ->> 'run' = $1
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = run });
        long texts, kept, selected;
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            await reader.ReadAsync(ct);
            (texts, kept, selected) = (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
        }

        await using var session = store.QuerySession();
        var sources = (await session.Query<Domain.Sources.Source>().Where(s => s.Run == run).ToListAsync(ct)).OrderBy(s => s.Language, StringComparer.Ordinal).ToList();
        var reasons = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (reason, count) in sources.SelectMany(s => s.Reasons)) reasons[reason] = reasons.GetValueOrDefault(reason) + count;
        var checks = new SortedDictionary<string, string>(StringComparer.Ordinal);
        await using var check = database.CreateCommand($"""
            select data ->> 'language', min(data ->> 'checkedBy') from {schema}.mt_events
            where type = 'text_accepted' and headers ->> 'run' = $1 group by 1
            """);
        check.Parameters.Add(new NpgsqlParameter { Value = run });
        await using (var reader = await check.ExecuteReaderAsync(ct))
        {
            while (await reader.ReadAsync(ct)) checks[reader.GetString(0)] = reader.GetString(1);
        }

        return (new SampleCounts(texts, reasons.Values.Sum(), kept, selected), reasons, checks);
    }

    private async Task<Ledger> LedgerAsync(string run, CancellationToken ct)
    {
        await using var command = database.CreateCommand($"""
            select coalesce(sum((headers ->> 'tokensIn')::bigint), 0)::bigint, coalesce(sum((headers ->> 'tokensOut')::bigint), 0)::bigint,
                   coalesce(sum((headers ->> 'usd')::numeric), 0)
            from {StoreConfiguration.Schema}.mt_events where headers ->> 'run' = $1 and type <> 'sample_rerated'
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = run });
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        var calls = await budget.LedgerAsync(run, ct);
        return new Ledger(reader.GetInt64(0), reader.GetInt64(1), reader.GetDecimal(2)) { Calls = calls.Count > 0 ? calls : null };
    }
}
