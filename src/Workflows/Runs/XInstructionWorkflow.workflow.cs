using Temporalio.Exceptions;
using Temporalio.Workflows;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Corpora;
using XInstruct.Workflows.Diversification;
using XInstruct.Workflows.Evaluation;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Releases;
using XInstruct.Workflows.Selection;
using XInstruct.Workflows.Steering;
using XInstruct.Workflows.Training;

namespace XInstruct.Workflows.Runs;

/// <summary>
/// The main job, one per run: ingest → generate → refine (rate, keep, retrain, regenerate) → diversify → sealed release → train → evaluate
/// (X-Instruction, arXiv 2405.19744). One model serves all languages, so the loop stands here and each stage of each language is a child.
/// </summary>
[Workflow]
public sealed partial class XInstructionWorkflow
{
    private readonly RunInput _run;
    private readonly List<StageEntry> _stages = [];
    private readonly List<IterationCompleted> _iterations = [];
    private readonly Dictionary<string, RunningStage> _children = new(StringComparer.Ordinal);
    private readonly PausedParts _paused = new("run");
    private RunShape _shape = new([], 0, 1, 1, NeedsTokenizer: false);
    private SealedRelease? _release;
    private string _phase = "start";
    private readonly SortedDictionary<int, bool> _verdicts = [];
    private readonly SortedSet<string> _reopened = new(StringComparer.Ordinal);
    private int? _iteration;
    private int? _waitsFor;
    private bool _isOpen;
    private int _retries;
    private SettingsState _settings = new(0, new Dictionary<string, string>(StringComparer.Ordinal));

    /// <summary>A stage under way.</summary>
    private sealed record RunningStage(ChildWorkflowHandle<LanguageWorkflow, ShardResult> Handle, string Language, string Stage);

    [WorkflowInit]
    public XInstructionWorkflow(RunInput input) => _run = input;

    /// <summary>Where the run is.</summary>
    [WorkflowQuery]
    public RunProgress Progress => new(_phase, _iteration, _paused.IsWhole, [.. _stages], [.. _iterations], _release, _paused.All, _settings.Values, _waitsFor);

    [WorkflowRun]
    public async Task<RunResult> RunAsync(RunInput input)
    {
        _shape = await Workflow.ExecuteActivityAsync((IRunActivities a) => a.StartRunAsync(_run), ActivityDefaults.Cpu);
        foreach (var part in _shape.Paused ?? []) _paused.Pause(part);
        if (_shape.Settings is { } settings) TakeUp(settings);
        foreach (var (decided, isApproved) in _shape.Verdicts ?? new Dictionary<int, bool>()) _verdicts[decided] = isApproved;
        _phase = "ingest";
        var corpora = await ForEachLanguageAsync(IngestAsync);
        var tokenizer = _shape.NeedsTokenizer ? (await TrainTokenizerAsync()).Checkpoint : null;
        IReadOnlyList<ModelRef> evaluators = _shape.RemoteEvaluator ? [] : [await TrainEvaluatorAsync(tokenizer)];
        IReadOnlyList<ModelRef> generators = [];
        var last = _shape.Iterations;
        for (var iteration = 0; iteration <= last; iteration++)
        {
            _iteration = iteration;
            if (_verdicts.TryGetValue(iteration, out var isApproved) && !isApproved)
            {
                last = await UndoAsync(iteration);
                break;
            }

            IReadOnlyList<ModelRef> trained = _shape.RemoteGenerator ? [] : await TrainGeneratorsAsync(iteration, tokenizer);
            _isOpen = true;
            await RunStageAsync(Stage.Generate, corpora, iteration, trained);
            await RunStageAsync(Stage.Rate, corpora, iteration, evaluators);
            await TryAgainAsync(corpora, iteration, trained, evaluators);
            await KeepAsync(iteration);
            if (_shape.Approve && !await IsApprovedAsync(iteration))
            {
                last = await UndoAsync(iteration);
                break;
            }

            generators = trained;
        }

        if (_shape.Approve) await CloseAsync(last);
        await RunStageAsync(Stage.Embed, corpora, last, await EmbedderAsync(generators, evaluators, tokenizer));
        _iteration = null;
        await EnterAsync("diversify");
        await ForEachLanguageAsync(async language =>
        {
            await WaitForPartAsync(language, "diversify");
            var cluster = new ClusterInput(new LanguageInput(_run, language), corpora[language].Shards);
            return await Workflow.ExecuteActivityAsync((IClusteringActivities a) => a.SelectAsync(cluster), ActivityDefaults.Gpu);
        });
        await EnterAsync("release");
        _release = await Workflow.ExecuteActivityAsync((IReleaseActivities a) => a.SealReleaseAsync(_run), ActivityDefaults.Cpu);
        var student = await TrainAsync(ModelRole.Student, 0, last, tokenizer, []);
        await EnterAsync("evaluate");
        var evaluation = new EvaluateInput(_run, student.Initial!, student.Checkpoint);
        await Workflow.ExecuteActivityAsync((IEvaluationActivities a) => a.EvaluateAsync(evaluation), ActivityDefaults.Gpu);
        await Workflow.ExecuteActivityAsync((IRunActivities a) => a.CompleteRunAsync(_run), ActivityDefaults.Cpu);
        _phase = "done";
        await Workflow.WaitConditionAsync(() => Workflow.AllHandlersFinished);
        return new RunResult(_release, student.Checkpoint);
    }

    private async Task<ScreenedCorpus> IngestAsync(string language)
    {
        var input = new LanguageInput(_run, language);
        var staged = await Workflow.ExecuteActivityAsync((ICorpusActivities a) => a.StageSourceAsync(input), ActivityDefaults.Cpu);
        await RunStageAsync(Stage.Scan, language, staged.Shards, _shape.Window, 0, []);
        var screen = new ScreenInput(input, staged.Shards);
        var corpus = await Workflow.ExecuteActivityAsync((ICorpusActivities a) => a.ScreenCorpusAsync(screen), ActivityDefaults.Cpu);
        // One at a time: all shards of a source write to the source's stream.
        await RunStageAsync(Stage.Accept, language, staged.Shards, 1, 0, []);
        return corpus;
    }

    private async Task<TrainedModel> TrainTokenizerAsync()
    {
        await EnterAsync("train tokenizer");
        return await Workflow.ExecuteActivityAsync((ITrainingActivities a) => a.TrainTokenizerAsync(_run), ActivityDefaults.Cpu);
    }

    /// <summary>The local model whose hidden states are the embeddings, unless there is an encoder; with both models behind endpoints one that is trained on the seeds for this alone.</summary>
    private async Task<IReadOnlyList<ModelRef>> EmbedderAsync(IReadOnlyList<ModelRef> generators, IReadOnlyList<ModelRef> evaluators, string? tokenizer)
    {
        if (generators.Concat(evaluators).FirstOrDefault() is { } model) return [model];
        return _shape.HasEncoder ? [] : [new ModelRef("embedder", (await TrainAsync(ModelRole.Generator, 0, 0, tokenizer, [])).Checkpoint)];
    }

    private async Task<ModelRef> TrainEvaluatorAsync(string? tokenizer)
    {
        var folds = new List<ModelRef>();
        for (var fold = 0; fold < (_shape.RemoteGenerator ? 0 : 2); fold++)
        {
            folds.Add(new ModelRef($"fold-{fold}", (await TrainAsync(ModelRole.Fold, fold, 0, tokenizer, [])).Checkpoint));
        }

        return new ModelRef("evaluator", (await TrainAsync(ModelRole.Evaluator, 0, 0, tokenizer, folds)).Checkpoint);
    }

    private async Task<IReadOnlyList<ModelRef>> TrainGeneratorsAsync(int iteration, string? tokenizer)
    {
        var generators = new List<ModelRef>();
        for (var index = 0; index < _shape.Generators; index++)
        {
            var model = await TrainAsync(ModelRole.Generator, index, iteration, tokenizer, []);
            // Before anything is kept every generator has seen the seeds only and may label all; later each labels its own half.
            generators.Add(new ModelRef($"generator-{index}", model.Checkpoint, iteration == 0 || _shape.Generators == 1 ? null : index));
        }

        return generators;
    }

    private async Task<TrainedModel> TrainAsync(ModelRole role, int index, int iteration, string? tokenizer, IReadOnlyList<ModelRef> helpers)
    {
        await EnterAsync($"train {role.ToString().ToLowerInvariant()}" + (role is ModelRole.Generator or ModelRole.Fold ? $" {index}" : ""));
        var input = new TrainInput(_run, role, index, iteration, tokenizer, helpers);
        return await Workflow.ExecuteActivityAsync((ITrainingActivities a) => a.TrainModelAsync(input), ActivityDefaults.Gpu);
    }

    /// <summary>Waits for a verdict, however long.</summary>
    private async Task<bool> IsApprovedAsync(int iteration)
    {
        if (!_verdicts.ContainsKey(iteration))
        {
            _phase = "approval";
            _waitsFor = iteration;
            await Workflow.WaitConditionAsync(() => _verdicts.ContainsKey(iteration));
        }

        return _verdicts[iteration];
    }

    /// <summary>Undoes a rejected iteration.</summary>
    /// <returns>The last accepted one.</returns>
    private async Task<int> UndoAsync(int iteration)
    {
        await EnterAsync("undo");
        await ForEachLanguageAsync(language =>
        {
            var undo = new KeepInput(new LanguageInput(_run, language), iteration, IsLast: false);
            return Workflow.ExecuteActivityAsync((ISelectionActivities a) => a.RestoreAsync(undo), ActivityDefaults.Cpu);
        });
        return iteration - 1;
    }

    /// <summary>Rejects what the last accepted iteration did not keep.</summary>
    private async Task CloseAsync(int iteration)
    {
        await EnterAsync("keep");
        await ForEachLanguageAsync(language =>
        {
            var close = new KeepInput(new LanguageInput(_run, language), iteration, IsLast: true, IsApproved: true);
            return Workflow.ExecuteActivityAsync((ISelectionActivities a) => a.KeepAsync(close), ActivityDefaults.Cpu);
        });
    }

    /// <summary>Failed samples that someone wants tried again are, as often as that is asked for before pairs are kept.</summary>
    private async Task TryAgainAsync(Dictionary<string, ScreenedCorpus> corpora, int iteration, IReadOnlyList<ModelRef> generators, IReadOnlyList<ModelRef> evaluators)
    {
        for (var round = 1; ; round++)
        {
            // Who pauses 'keep' has time to look at what failed.
            if (_retries > 0 || _paused.Holds(null, "keep")) await Workflow.WaitConditionAsync(() => _retries == 0 && (_reopened.Count > 0 || !_paused.Holds(null, "keep")));
            if (_reopened.Count == 0)
            {
                _isOpen = false;
                return;
            }

            var languages = _reopened.ToList();
            _reopened.Clear();
            foreach (var (stage, models) in new[] { (Stage.Generate, generators), (Stage.Rate, evaluators) })
            {
                await EnterAsync(stage.ToString().ToLowerInvariant());
                var again = languages.Select(language => RunStageAsync(stage, language, corpora[language].Shards, _shape.Window, iteration, models, $"-retry-{round}")).ToList();
                await Workflow.WhenAllAsync(again);
            }
        }
    }

    private async Task KeepAsync(int iteration)
    {
        await EnterAsync("keep");
        var counts = await ForEachLanguageAsync(async language =>
        {
            await WaitForPartAsync(language, "keep");
            var keep = new KeepInput(new LanguageInput(_run, language), iteration, iteration == _shape.Iterations && !_shape.Approve);
            return await Workflow.ExecuteActivityAsync((ISelectionActivities a) => a.KeepAsync(keep), ActivityDefaults.Cpu);
        });
        var completed = new IterationCompleted(iteration, [.. _shape.Languages.Select(l => counts[l])]);
        var record = new IterationInput(_run, completed);
        await Workflow.ExecuteActivityAsync((IRunActivities a) => a.CompleteIterationAsync(record), ActivityDefaults.Cpu);
        _iterations.Add(completed);
    }

    private async Task RunStageAsync(
        Stage stage, Dictionary<string, ScreenedCorpus> corpora, int iteration, IReadOnlyList<ModelRef> models)
    {
        await EnterAsync(stage.ToString().ToLowerInvariant());
        await ForEachLanguageAsync(language => RunStageAsync(stage, language, corpora[language].Shards, _shape.Window, iteration, models));
    }

    private async Task<ShardResult> RunStageAsync(
        Stage stage, string language, int shards, int window, int iteration, IReadOnlyList<ModelRef> models, string suffix = "")
    {
        var part = stage is Stage.Scan or Stage.Accept ? "ingest" : stage.ToString().ToLowerInvariant();
        await Workflow.WaitConditionAsync(() => !_paused.Holds(language, part));
        var name = stage.ToString().ToLowerInvariant() + (stage is Stage.Generate or Stage.Rate ? $"-{iteration}" : "");
        var id = $"{_run.Run}/{language}/{name}{suffix}";
        var remote = (stage == Stage.Generate && _shape.RemoteGenerator) || (stage == Stage.Rate && _shape.RemoteEvaluator);
        var input = new StageInput(new LanguageInput(_run, language), stage, shards, stage == Stage.Accept ? window : Window, iteration, models, Remote: remote, Revision: _settings.Revision);
        var entry = _stages.Count;
        _stages.Add(new StageEntry(id, language, stage, iteration, shards, null));
        var child = await Workflow.StartChildWorkflowAsync(
            (LanguageWorkflow w) => w.RunAsync(input), new ChildWorkflowOptions { Id = id, TaskQueue = TaskQueues.Cpu });
        _children[id] = new RunningStage(child, language, part);
        if (_paused.Holds(language, part)) await HoldAsync(child, paused: true);
        if (_settings.Revision != input.Revision) await TellAsync(child);
        try
        {
            var result = await child.GetResultAsync();
            _stages[entry] = new StageEntry(id, language, stage, iteration, shards, result);
            return result;
        }
        finally
        {
            _children.Remove(id);
        }
    }

    private async Task<Dictionary<string, T>> ForEachLanguageAsync<T>(Func<string, Task<T>> work)
    {
        var tasks = _shape.Languages.Select(work).ToList();
        var results = await Workflow.WhenAllAsync(tasks);
        return _shape.Languages.Zip(results).ToDictionary(p => p.First, p => p.Second, StringComparer.Ordinal);
    }

    private async Task EnterAsync(string phase)
    {
        await Workflow.WaitConditionAsync(() => !_paused.Holds(null, phase.Split(' ')[0]));
        _phase = phase;
    }

    /// <summary>Waits where runs that began before parts could be paused did not: for a pause of a part alone, so that their histories replay.</summary>
    private async Task WaitForPartAsync(string language, string stage)
    {
        if (_paused.HoldsPart(language, stage)) await Workflow.WaitConditionAsync(() => !_paused.Holds(language, stage));
    }

    private int Window => (int?)_settings.Values.Number("concurrency") ?? _shape.Window;
}
