using System.Text;
using XInstruct.Activities.Models;
using XInstruct.Activities.Tables;
using XInstruct.Training.Scoring;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Jobs;

/// <summary>How the pairs of a file are scored.</summary>
/// <param name="Model">The model.</param>
public sealed record ScoreOptions(ModelFolder Model)
{
    /// <summary>Column with what comes before.</summary>
    public string ContextColumn { get; init; } = "context";

    /// <summary>Column with what is scored.</summary>
    public string ContinuationColumn { get; init; } = "continuation";

    /// <summary>Columns that are copied.</summary>
    public IReadOnlyList<string> Keep { get; init; } = [];

    /// <summary>Tokens of a batch, padding counted.</summary>
    public int BatchTokens { get; init; } = 4096;

    /// <summary>Threads of the tensor library.</summary>
    public int Threads { get; init; } = 1;
}

/// <summary>Works out how probable the continuations of a file are after their contexts.</summary>
public sealed class ScoreJob(ScoreOptions options) : RowJob
{
    /// <summary>Columns of the output; the others of the input may be kept.</summary>
    public static readonly IReadOnlySet<string> Columns =
        new HashSet<string>(StringComparer.Ordinal) { "row", "error", "message", "logLikelihood", "tokens", "perToken", "perCharacter", "perByte", "isGreedy" };

    private LocalModel? _model;
    private int? _begin;

    /// <inheritdoc/>
    protected override async Task<IReadOnlyDictionary<string, string>> SettingsAsync(CancellationToken ct)
    {
        var settings = await ModelSettingsAsync(options.Model, options.Threads, ct);
        settings["command"] = "score";
        Flatten(options, settings);
        return settings;
    }

    /// <inheritdoc/>
    protected override void Load()
    {
        _model = options.Model.Load();
        var named = TokenizerConfig.Load(options.Model.Path);
        _begin = (named.BeginToken ?? named.EndToken) is { } token && _model.Tokenizer.FindId(token) is { } id ? id : _model.Decoder.Config.EndId;
    }

    /// <inheritdoc/>
    protected override void Work(IReadOnlyList<TableRow> rows, Action<JobRow> done, Action<long, long> tokens, CancellationToken ct)
    {
        var pairs = rows.Select(Pair).ToList();
        var requests = pairs.Select(pair => pair.Request).OfType<ScoreRequest>().ToList();
        var scores = SharedContextScorer.Score(_model!.Decoder, requests, options.BatchTokens, options.Threads, cancellation: ct);
        tokens(requests.Sum(request => (long)request.Prompt.Length), requests.Sum(request => (long)request.Completion.Length));
        var next = 0;
        for (var i = 0; i < rows.Count; i++) done(pairs[i].Error ?? Row(rows[i], scores[next++]));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _model?.Decoder.Dispose();
        base.Dispose(disposing);
    }

    private (ScoreRequest? Request, JobRow? Error) Pair(TableRow row)
    {
        if (row.Problem is { } problem) return (null, JobRow.Failed(problem));
        if (row.Find(options.ContinuationColumn) is not { } continuation) return (null, JobRow.Failed("no-column", $"There is no '{options.ContinuationColumn}'."));
        if (row.Find(options.ContextColumn) is not { } context) return (null, JobRow.Failed("no-column", $"There is no '{options.ContextColumn}'."));
        if (continuation.Length == 0) return (null, JobRow.Failed("empty-continuation"));
        try
        {
            var request = PairEncoder.Encode(_model!.Tokenizer, context, continuation, _begin);
            var (length, most) = (request.Prompt.Length + request.Completion.Length, _model.Decoder.Config.MaxPositions);
            return length - 1 > most ? (null, JobRow.Failed("pair-too-long", $"The pair has {length} tokens; the model takes {most}.")) : (request, null);
        }
        catch (ArgumentException e)
        {
            return (null, JobRow.Failed("empty-continuation", e.Message));
        }
    }

    private JobRow Row(TableRow row, SequenceScore score)
    {
        if (!double.IsFinite(score.LogLikelihood)) return JobRow.Failed("failed", "The model gave numbers that are none.");
        var continuation = row.Find(options.ContinuationColumn)!;
        var line = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var column in options.Keep)
        {
            if (row.Find(column) is { } value) line[column] = value;
        }

        line["logLikelihood"] = Math.Round(score.LogLikelihood, 4);
        line["tokens"] = score.Tokens;
        line["perToken"] = Math.Round(score.Mean, 6);
        line["perCharacter"] = Math.Round(score.LogLikelihood / continuation.EnumerateRunes().Count(), 6);
        line["perByte"] = Math.Round(score.LogLikelihood / Encoding.UTF8.GetByteCount(continuation), 6);
        line["isGreedy"] = score.IsGreedy;
        return new JobRow(line);
    }
}
