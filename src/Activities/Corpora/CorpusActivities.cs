using System.Runtime.CompilerServices;
using Temporalio.Activities;
using Temporalio.Exceptions;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Deduplication;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Sources;
using XInstruct.Domain.Texts;
using XInstruct.Workflows;
using XInstruct.Workflows.Corpora;
using XInstruct.Workflows.Languages;

namespace XInstruct.Activities.Corpora;

/// <summary>Ingest: stage → scan (in parallel) → screen (once, in row order) → accept.</summary>
public sealed class CorpusActivities(EventWriter writer, RunLibrary library, FileStore files, Contents contents) : ICorpusActivities
{
    /// <inheritdoc/>
    [Activity]
    public async Task<StagedSource> StageSourceAsync(LanguageInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var document = await library.RecipeAsync(input.Run, ct);
        var corpus = document.Recipe.Corpus;
        var hash = document.Input("corpus", input.Language)!;
        if (corpus.Withdrawable) await contents.ProtectAsync(Identity.Source(input.Language, hash), ct);
        var seedRows = await library.SeedRowsAsync(input, ct);
        var chunk = new List<CorpusRow>();
        var (rows, shards) = (0L, 0);
        await foreach (var row in TableReader.ReadAsync(files.Blob(hash), new TableReadOptions(corpus.MaxRowBytes), ct))
        {
            if (row.Problem is "truncated" or "trailing-data") throw Damaged(input.Language, hash, row);
            rows++;
            if (seedRows.Contains(row.Number)) continue;
            chunk.Add(Map(row, corpus));
            if (chunk.Count < document.Recipe.Plan.ShardSize) continue;
            await files.WriteWorkAsync(input.Run.Run, ChunkKey(input, shards++), new CorpusChunk(chunk), ct);
            heartbeat.Advance(chunk.Count);
            chunk.Clear();
        }

        if (chunk.Count > 0) await files.WriteWorkAsync(input.Run.Run, ChunkKey(input, shards++), new CorpusChunk(chunk), ct);
        return new StagedSource(rows, shards);
    }

    /// <inheritdoc/>
    [Activity]
    public async Task<ShardResult> ScanShardAsync(ShardInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var language = input.Language;
        var recipe = (await library.RecipeAsync(language.Run, ct)).Recipe;
        var screen = new TextScreen(await library.IdentifierAsync(language.Run, ct), Filters(recipe.Corpus));
        var chunk = await ReadAsync<CorpusChunk>(language, ChunkKey(language, input.Shard), ct);
        var rows = new List<ScannedRow>(chunk.Rows.Count);
        foreach (var row in chunk.Rows)
        {
            ct.ThrowIfCancellationRequested();
            rows.Add(Scan(row, language.Language, screen));
            heartbeat.Advance(1);
        }

        var bad = chunk.Rows.Count(r => r.Problem is not null);
        await files.WriteWorkAsync(language.Run.Run, ScanKey(language, input.Shard), new ScannedChunk(rows, bad), ct);
        return new ShardResult(rows.Count, rows.Count(r => r.Reason is not null), LastReason: rows.LastOrDefault(r => r.Reason is not null)?.Reason);
    }

    /// <inheritdoc/>
    [Activity]
    public async Task<ScreenedCorpus> ScreenCorpusAsync(ScreenInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var language = input.Language;
        var recipe = (await library.RecipeAsync(language.Run, ct)).Recipe;
        // Read twice: of most texts nothing need be held while the others are looked at.
        using var finder = await NearDuplicateFinder.ForeseeAsync(recipe.Corpus.NearDuplicate, SketchesAsync(input, ct), FileStore.Unnamed);
        var ids = new List<Guid>();
        var (rejected, bad) = (0L, 0);
        for (var shard = 0; shard < input.Shards; shard++)
        {
            var scan = await ReadAsync<ScannedChunk>(language, ScanKey(language, shard), ct);
            bad += scan.Bad;
            var verdict = new List<RejectedRow>();
            foreach (var row in scan.Rows)
            {
                if (Reject(row, finder) is { } reason) verdict.Add(reason);
                else ids.Add(Identity.Sample(language.Language, row.Sketch!.ExactHash));
            }

            rejected += verdict.Count;
            await files.WriteWorkAsync(language.Run.Run, VerdictKey(language, shard), new ChunkVerdict(verdict), ct);
            heartbeat.Advance(scan.Rows.Count);
        }

        if (bad > recipe.Corpus.MaxBadRows) throw TooManyBadRows(language.Language, bad, recipe.Corpus.MaxBadRows);
        if (ids.Count == 0) throw NothingLeft(language.Language, rejected);
        ids.Sort(Identity.Compare);
        var plan = new SamplePlan(ids);
        await files.WriteWorkAsync(language.Run.Run, $"{language.Language}/plan.json", plan, ct);
        return new ScreenedCorpus(ids.Count, rejected, plan.Shards(recipe.Plan.ShardSize));
    }

    /// <inheritdoc/>
    [Activity]
    public async Task<ShardResult> AcceptShardAsync(ShardInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var language = input.Language;
        var run = language.Run.Run;
        var document = await library.RecipeAsync(language.Run, ct);
        var source = Identity.Source(language.Language, document.Input("corpus", language.Language)!);
        var chunk = await ReadAsync<CorpusChunk>(language, ChunkKey(language, input.Shard), ct);
        var scan = await ReadAsync<ScannedChunk>(language, ScanKey(language, input.Shard), ct);
        var verdict = await ReadAsync<ChunkVerdict>(language, VerdictKey(language, input.Shard), ct);
        var act = new Act("ingest", CodeVersion.Current);
        var rejected = verdict.Rejected.Select(r => r.Row).ToHashSet();
        var accepted = chunk.Rows.Zip(scan.Rows).Where(p => !rejected.Contains(p.First.Row)).ToList();
        foreach (var batch in accepted.Chunk(document.Recipe.Plan.ShardSize))
        {
            await writer.WriteAsync<Sample>(run, act, [.. batch.Select(p => Accept(run, language.Language, source, p.First, p.Second))], ct);
            heartbeat.Advance(batch.Length);
        }

        var rows = new RowsRejected(source, language.Language, input.Shard, chunk.Rows.Count, verdict.Rejected);
        await writer.WriteAsync<Source>(
            run, act, [new Change<Source>(Identity.Stream(run, source), source, s => Source.Reject(s, rows) is { } e ? new Fact(e) : null)], ct);
        return new ShardResult(accepted.Count, verdict.Rejected.Count, LastReason: verdict.Rejected.Count > 0 ? verdict.Rejected[^1].Reason : null);
    }

    private async IAsyncEnumerable<TextSketch> SketchesAsync(ScreenInput input, [EnumeratorCancellation] CancellationToken ct)
    {
        for (var shard = 0; shard < input.Shards; shard++)
        {
            var scan = await ReadAsync<ScannedChunk>(input.Language, ScanKey(input.Language, shard), ct);
            foreach (var row in scan.Rows)
            {
                if (row.Sketch is { } sketch) yield return sketch;
            }
        }
    }

    private static Change<Sample> Accept(string run, string language, Guid source, CorpusRow row, ScannedRow scanned)
    {
        var id = Identity.Sample(language, scanned.Sketch!.ExactHash);
        var content = Content.Of(source, row.Text!);
        var text = new TextAccepted(id, language, source, row.Row, row.Key, content.Hash, TextNormalizer.CodePoints(row.Text!), scanned.CheckedBy!);
        return new Change<Sample>(Identity.Stream(run, id), id, s => Sample.Accept(s, text) is { } e ? new Fact(e, [content]) : null);
    }

    private static CorpusRow Map(TableRow row, CorpusOptions corpus)
    {
        if (row.Columns is null) return new CorpusRow(row.Number, null, null, row.Problem ?? "malformed");
        var key = corpus.Id is { } id ? row.Find(id) : null;
        return row.Find(corpus.Text) is { } text
            ? new CorpusRow(row.Number, key, text, null)
            : new CorpusRow(row.Number, key, null, "no-column");
    }

    private static ScannedRow Scan(CorpusRow row, string language, TextScreen screen)
    {
        if (row.Text is null) return new ScannedRow(row.Row, row.Problem, null, null);
        var result = screen.Check(row.Text, language);
        return result.Reason is { } reason
            ? new ScannedRow(row.Row, reason, null, null)
            : new ScannedRow(row.Row, null, result.CheckedBy, TextSketch.Of(row.Text));
    }

    private static RejectedRow? Reject(ScannedRow row, NearDuplicateFinder finder)
    {
        if (row.Reason is not null) return new RejectedRow(row.Row, row.Reason);
        var duplicate = finder.Add(row.Row, row.Sketch!);
        return duplicate is null ? null : new RejectedRow(row.Row, duplicate.Value.IsExact ? "duplicate" : "near-duplicate", duplicate.Value.Row);
    }

    private static FilterOptions Filters(CorpusOptions corpus) => new() { MinChars = corpus.MinChars, MaxChars = corpus.MaxChars };

    private async Task<T> ReadAsync<T>(LanguageInput language, string key, CancellationToken ct)
        where T : class =>
        await files.ReadWorkAsync<T>(language.Run.Run, key, ct)
        ?? throw new TamperedException($"Work file {files.Work(language.Run.Run, key)} is missing. Do all workers share this directory? 'xinstruct doctor' checks it.");

    private static string ChunkKey(LanguageInput language, int shard) => $"{language.Language}/chunk-{shard:D6}.json";

    private static string ScanKey(LanguageInput language, int shard) => $"{language.Language}/scan-{shard:D6}.json";

    private static string VerdictKey(LanguageInput language, int shard) => $"{language.Language}/verdict-{shard:D6}.json";

    // What cannot be read behind this row may be most of the corpus: going on without it would lose it silently.
    private static ApplicationFailureException Damaged(string language, string hash, TableRow row) => BadInput.Failure(
        $"The {language} corpus (SHA-256 {hash}) cannot be read to its end: " + (row.Problem == "truncated"
            ? $"its gzip data, JSON array or Parquet is damaged or cut after {row.Number} rows. Get a whole copy, then run again with --new."
            : $"after {row.Number} rows its JSON array ends, but the file does not. Put all rows into one array, or one a line, then run again with --new."));

    private static ApplicationFailureException TooManyBadRows(string language, int bad, int allowed) => new(
        $"The {language} corpus has {bad} malformed rows, corpus.maxBadRows allows {allowed}. Mend the file or raise the limit, then run again with --new.",
        errorType: FailureTypes.TooManyBadRows,
        nonRetryable: true);

    private static ApplicationFailureException NothingLeft(string language, long rejected) => new(
        $"No {language} text is left: all {rejected} rows were rejected. Look at the reasons with 'xinstruct status', and at corpus.minChars, corpus.text and the language code.",
        errorType: FailureTypes.NothingLeft,
        nonRetryable: true);
}
