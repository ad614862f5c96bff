using Temporalio.Workflows;
using XInstruct.Workflows.Corpora;
using XInstruct.Workflows.Diversification;
using XInstruct.Workflows.Generation;
using XInstruct.Workflows.Rating;

namespace XInstruct.Workflows.Languages;

/// <summary>One stage of one language.</summary>
/// <param name="Cursor">First shard that is not done; grows over continue-as-new.</param>
/// <param name="So">What the shards before the cursor came to.</param>
/// <param name="Remote">The model is behind an endpoint.</param>
/// <param name="Paused">Whether new shards are held back from the beginning.</param>
public sealed record StageInput(
    LanguageInput Language,
    Stage Stage,
    int Shards,
    int Window,
    int Iteration,
    IReadOnlyList<ModelRef> Models,
    int Cursor = 0,
    ShardResult? So = null,
    bool Remote = false,
    bool Paused = false);

/// <summary>How far a stage is.</summary>
public sealed record StageProgress(string Language, Stage Stage, int Iteration, int Shards, int ShardsDone, ShardResult Result, bool IsPaused);

/// <summary>Runs the shards of one stage of one language in windows; a cursor, never data, goes over continue-as-new.</summary>
[Workflow]
public sealed class LanguageWorkflow
{
    private readonly StageInput _input;
    private ShardResult _result;
    private int _done;
    private bool _paused;

    [WorkflowInit]
    public LanguageWorkflow(StageInput input)
    {
        _input = input;
        _done = input.Cursor;
        _result = input.So ?? new ShardResult(0, 0);
        _paused = input.Paused;
    }

    /// <summary>How far the stage is.</summary>
    [WorkflowQuery]
    public StageProgress Progress => new(
        _input.Language.Language, _input.Stage, _input.Iteration, _input.Shards, _done, _result, _paused);

    /// <summary>Holds back new shards, or lets them go on.</summary>
    [WorkflowSignal]
    public Task SetPausedAsync(bool paused)
    {
        _paused = paused;
        return Task.CompletedTask;
    }

    [WorkflowRun]
    public async Task<ShardResult> RunAsync(StageInput input)
    {
        var running = new Queue<Task<ShardResult>>();
        var next = input.Cursor;
        while (_done < input.Shards)
        {
            while (next < input.Shards && running.Count < input.Window && !Workflow.ContinueAsNewSuggested)
            {
                await Workflow.WaitConditionAsync(() => !_paused);
                running.Enqueue(RunShardAsync(next++));
            }

            if (running.Count == 0)
            {
                await Workflow.WaitConditionAsync(() => Workflow.AllHandlersFinished);
                var rest = input with { Cursor = _done, So = _result, Paused = _paused };
                throw Workflow.CreateContinueAsNewException((LanguageWorkflow w) => w.RunAsync(rest));
            }

            // In order: the cursor says that every shard before it is done.
            _result = _result.Add(await running.Dequeue());
            _done++;
        }

        return _result;
    }

    private Task<ShardResult> RunShardAsync(int number)
    {
        var shard = new ShardInput(_input.Language, number, _input.Iteration, _input.Models);
        // The same activity, by other means, where the endpoints can be reached.
        var model = _input.Remote ? ActivityDefaults.Api : ActivityDefaults.Gpu;
        return _input.Stage switch
        {
            Stage.Scan => Workflow.ExecuteActivityAsync((ICorpusActivities a) => a.ScanShardAsync(shard), ActivityDefaults.Cpu),
            Stage.Accept => Workflow.ExecuteActivityAsync((ICorpusActivities a) => a.AcceptShardAsync(shard), ActivityDefaults.Cpu),
            Stage.Generate => Workflow.ExecuteActivityAsync((IGenerationActivities a) => a.GenerateShardAsync(shard), model),
            Stage.Rate => Workflow.ExecuteActivityAsync((IRatingActivities a) => a.RateShardAsync(shard), model),
            _ => Workflow.ExecuteActivityAsync((IEmbeddingActivities a) => a.EmbedShardAsync(shard), ActivityDefaults.Gpu),
        };
    }
}
