using System.Collections.Concurrent;
using Temporalio.Activities;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Corpora;
using XInstruct.Workflows.Diversification;
using XInstruct.Workflows.Evaluation;
using XInstruct.Workflows.Generation;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Rating;
using XInstruct.Workflows.Releases;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Selection;
using XInstruct.Workflows.Training;

namespace XInstruct.Workflows.Tests;

/// <summary>All activities of a run without their work: each writes its name down, then does what the script says of that name.</summary>
public sealed class ScriptedActivities :
    IRunActivities, ICorpusActivities, IGenerationActivities, IRatingActivities, ISelectionActivities, IEmbeddingActivities,
    IClusteringActivities, IReleaseActivities, ITrainingActivities, ITuningActivities, IEvaluationActivities
{
    private readonly ConcurrentQueue<string> _calls = new();

    public RunShape Shape { get; init; } = new(["sw"], 0, 1, 2, NeedsTokenizer: false);

    /// <summary>Shards of each source.</summary>
    public int Shards { get; init; } = 2;

    /// <summary>By name of the call: fails or waits.</summary>
    public ConcurrentDictionary<string, Func<Task>> Script { get; } = new(StringComparer.Ordinal);

    /// <summary>Every attempt of every activity, in the order of their starts.</summary>
    public IReadOnlyList<string> Calls => [.. _calls];

    [Activity]
    public Task<RunShape> StartRunAsync(RunInput input) => AnswerAsync("start", Shape);

    [Activity]
    public Task<StagedSource> StageSourceAsync(LanguageInput input) => AnswerAsync($"stage {input.Language}", new StagedSource(100, Shards));

    [Activity]
    public Task<ShardResult> ScanShardAsync(ShardInput input) => AnswerAsync("scan", input);

    [Activity]
    public Task<ScreenedCorpus> ScreenCorpusAsync(ScreenInput input) =>
        AnswerAsync($"screen {input.Language.Language} {input.Shards}", new ScreenedCorpus(90, 10, Shards));

    [Activity]
    public Task<ShardResult> AcceptShardAsync(ShardInput input) => AnswerAsync("accept", input);

    [Activity]
    public Task<TrainedModel> TrainTokenizerAsync(RunInput input) => AnswerAsync("train tokenizer", new TrainedModel("t", null, 0, 0, null));

    [Activity]
    public Task<TrainedModel> TrainModelAsync(TrainInput input)
    {
        var name = $"{input.Role}-{input.Index}-{input.Iteration}".ToLowerInvariant();
        return AnswerAsync(
            $"train {name}{string.Concat(input.Helpers.Select(h => " +" + h.Checkpoint))}{(input.Tokenizer is { } t ? " " + t : "")}",
            new TrainedModel(name, $"{name}-initial", 1, 1, 1));
    }

    [Activity]
    public Task<ShardResult> GenerateShardAsync(ShardInput input) => AnswerAsync("generate", input);

    [Activity]
    public Task<ShardResult> RateShardAsync(ShardInput input) => AnswerAsync("rate", input);

    [Activity]
    public Task<LanguageIteration> KeepAsync(KeepInput input) => AnswerAsync(
        $"keep {input.Language.Language} {input.Iteration}{(input.IsLast ? " last" : "")}",
        new LanguageIteration(input.Language.Language, 90, 9, 9, [30, 30, 30]));

    [Activity]
    public Task CompleteIterationAsync(IterationInput input) =>
        AnswerAsync($"complete {input.Iteration.Iteration} {string.Join(' ', input.Iteration.Languages.Select(l => l.Language))}", 0);

    [Activity]
    public Task<ShardResult> EmbedShardAsync(ShardInput input) => AnswerAsync("embed", input);

    [Activity]
    public Task<ShardResult> SelectAsync(ClusterInput input) =>
        AnswerAsync($"select {input.Language.Language} {input.Shards}", new ShardResult(9, 0));

    [Activity]
    public Task<SealedRelease> SealReleaseAsync(RunInput input) => AnswerAsync("release", new SealedRelease(1, "sha", 9));

    [Activity]
    public Task EvaluateAsync(EvaluateInput input) => AnswerAsync($"evaluate {input.Before} {input.After}", 0);

    [Activity]
    public Task RecordSteeringAsync(RecordSteeringInput input) => AnswerAsync($"record {input.Command.Command} {input.Command.Who}{(input.Command.Part().IsWhole() ? "" : $" {input.Command.Part()}")}", 0);

    [Activity]
    public Task CompleteRunAsync(RunInput input) => AnswerAsync("end", 0);

    [Activity]
    public Task StartTrainingAsync(TuneInput input) => AnswerAsync("start training", 0);

    [Activity]
    public Task<TunedModel> TuneAsync(TuneInput input) => AnswerAsync($"tune {input.Recipe}", new TunedModel("model", "base", 5, 50, 1.5, 4, 1.25, false));

    [Activity]
    public Task<TunedModel> EndTrainingAsync(EndTrainingInput input) => AnswerAsync($"end training {input.Model.Model}", input.Model);

    [Activity]
    public Task RecordTrainingSteeringAsync(TrainingSteeringInput input) => AnswerAsync($"record {input.Command.Command} {input.Command.Who}", 0);

    /// <summary>Makes every call of a name wait, alive, until it is opened or cancelled.</summary>
    public Gate Close(string call)
    {
        var gate = new Gate();
        Script[call] = gate.PassAsync;
        return gate;
    }

    /// <summary>"rate sw 1/0 evaluator": where the endpoints are, stage, language, shard/iteration and the models with the half that each may label.</summary>
    private Task<ShardResult> AnswerAsync(string stage, ShardInput input) => AnswerAsync(
        $"{(ActivityExecutionContext.Current.Info.TaskQueue == TaskQueues.Api ? "api " : "")}{stage} {input.Language.Language} {input.Shard}/{input.Iteration}"
            + string.Concat(input.Models.Select(m => $" {m.Checkpoint}{(m.Half is { } half ? $":{half}" : "")}")),
        new ShardResult(10, 1, 100, 20, $"last of {input.Shard}"));

    private async Task<T> AnswerAsync<T>(string call, T answer)
    {
        _calls.Enqueue(call);
        if (Script.TryGetValue(call, out var script)) await script();
        return answer;
    }
}

/// <summary>Holds activities back until it is opened; each goes on heartbeating, and ends when it is cancelled.</summary>
public sealed class Gate
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the first activity waits here.</summary>
    public Task Reached => _reached.Task.WaitAsync(TimeSpan.FromMinutes(1));

    /// <summary>True when an activity was cancelled here.</summary>
    public bool Cancelled { get; private set; }

    public void Open() => _opened.TrySetResult();

    public async Task PassAsync()
    {
        var context = ActivityExecutionContext.Current;
        _reached.TrySetResult();
        while (!_opened.Task.IsCompleted)
        {
            context.Heartbeat();
            Cancelled |= context.CancellationToken.IsCancellationRequested;
            context.CancellationToken.ThrowIfCancellationRequested();
            await Task.WhenAny(_opened.Task, Task.Delay(100));
        }
    }
}
