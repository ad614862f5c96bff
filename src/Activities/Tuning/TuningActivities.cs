using Temporalio.Activities;
using Temporalio.Exceptions;
using XInstruct.Activities.Models;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Models;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Training.Tuning;
using XInstruct.Workflows;
using XInstruct.Workflows.Training;

namespace XInstruct.Activities.Tuning;

/// <summary>Trains by a training recipe. Checkpoints lie where all workers see them, so that any worker goes on from the last one.</summary>
public sealed class TuningActivities(EventWriter writer, Contents contents, FileStore files, ModelReader models) : ITuningActivities
{
    private const string BaseFile = "base.json";

    /// <inheritdoc/>
    [Activity]
    public async Task StartTrainingAsync(TuneInput input)
    {
        var ct = ActivityExecutionContext.Current.CancellationToken;
        var document = await DocumentAsync(input, ct);
        var started = new TrainingStarted(input.Training, input.Recipe, document.Method, document.Release, document.Inputs);
        await WriteAsync(input, document, model => Model.Start(model, started) ?? Steering.GoOn(model!.Steered), ct);
    }

    /// <inheritdoc/>
    [Activity]
    public async Task<TunedModel> TuneAsync(TuneInput input)
    {
        using var heartbeat = Heartbeat.Start();
        try
        {
            return await TuneAsync(input, heartbeat, heartbeat.Token);
        }
        catch (Exception e) when (heartbeat.Token.IsCancellationRequested && e is not OperationCanceledException)
        {
            // A pause waits for it and must not find a failure, as of an event store that was away at that moment: what is wrong shows when it goes on.
            throw new OperationCanceledException(e.Message, e, heartbeat.Token);
        }
    }

    private async Task<TunedModel> TuneAsync(TuneInput input, Heartbeat heartbeat, CancellationToken ct)
    {
        var document = await DocumentAsync(input, ct);
        if (await models.FindAsync(Identity.ModelStream(input.Recipe), ct) is { Trained: { } known } && files.HasTree(known.Model)) return Result(known);
        var folder = new TrainingFolder(files, input.Training);
        Exception? unrecorded = null;
        try
        {
            var (trained, heldOut) = await TrainingRows.ReadAsync(document, files, ct);
            var start = await BaseAsync(input, document, trained, ct);
            var result = files.NewFolder();
            // Off the activity's thread: hours of training must not keep a scheduler thread. On its own thread it waits for a checkpoint's event, so that
            // at most the checkpoint that is gone on from can lack one.
            var report = await Task.Factory.StartNew(
                () => new Tuner(document, files.Tree(start)).Run(
                    trained, heldOut, folder.Checkpoints, result, new Progress(heartbeat, folder), Record, ct),
                ct,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
            folder.Write(report.Metrics);
            var model = await files.PutTreeAsync(result, ct);
            return new TunedModel(model, start, report.Steps, report.Tokens, Math.Round(report.LastLoss, 6), report.BestStep, report.BestLoss is { } best ? Math.Round(best, 6) : null, report.StoppedEarly);
        }
        catch (Exception e) when (BadInput.IsIn(e))
        {
            throw BadInput.Failure(e.Message, e);
        }
        catch (Exception e) when (e != unrecorded && e is (TrainingMemoryException or InvalidOperationException or NotSupportedException or ArgumentException))
        {
            throw new ApplicationFailureException(e.Message, e, FailureTypes.TrainingFailed, nonRetryable: true);
        }

        // An event store that is away is no fault of the training, whatever it throws.
        void Record(SavedTuning saved)
        {
            try
            {
                RecordAsync(input, document, saved, ct).GetAwaiter().GetResult();
            }
            catch (Exception e)
            {
                unrecorded = e;
                throw;
            }
        }
    }

    /// <inheritdoc/>
    [Activity]
    public async Task<TunedModel> EndTrainingAsync(EndTrainingInput input)
    {
        var ct = ActivityExecutionContext.Current.CancellationToken;
        var (tuned, document) = (input.Model, await DocumentAsync(input.Training, ct));
        var trained = new ModelTrained(tuned.Model, tuned.Base, tuned.Steps, tuned.Tokens, tuned.Loss, tuned.BestStep, tuned.EvaluationLoss, tuned.StoppedEarly);
        await WriteAsync(input.Training, document, model => model?.End(trained), ct);
        var first = (await models.FindAsync(Identity.ModelStream(input.Training.Recipe), ct))!.Trained!;
        var checkpoints = new TrainingFolder(files, input.Training.Training).Checkpoints;
        // The result stands under its hash; what it took to get there is many times larger.
        if (Directory.Exists(checkpoints)) Directory.Delete(checkpoints, recursive: true);
        return Result(first);
    }

    /// <inheritdoc/>
    [Activity]
    public async Task RecordTrainingSteeringAsync(TrainingSteeringInput input)
    {
        var ct = ActivityExecutionContext.Current.CancellationToken;
        var stream = Identity.ModelStream(input.Training.Recipe);
        var change = new Change<Model>(stream, stream, model => Steering.Record(model?.Steered ?? [], input.Command) is { } e ? new Fact(e) : null);
        await writer.WriteAsync<Model>(input.Training.Training, new Act("steer", CodeVersion.Current), [change], ct);
    }

    private static TunedModel Result(ModelTrained m) => new(m.Model, m.Base, m.Steps, m.Tokens, m.Loss, m.BestStep, m.EvaluationLoss, m.StoppedEarly);

    private async Task<TrainingDocument> DocumentAsync(TuneInput input, CancellationToken ct) => TrainingDocument.Parse((await contents.ReadAsync([input.Recipe], ct))[input.Recipe]);

    /// <summary>The stored model that the training starts from: made once, so that a new one is the same whoever goes on.</summary>
    private async Task<string> BaseAsync(TuneInput input, TrainingDocument document, IReadOnlyList<SourceRow> rows, CancellationToken ct)
    {
        if (await files.ReadWorkAsync<BaseModel>(input.Training, BaseFile, ct) is { } known && files.HasTree(known.Tree)) return known.Tree;
        var tree = await BaseModels.StoreAsync(document, rows, files, ct);
        await files.WriteWorkAsync(input.Training, BaseFile, new BaseModel(tree), ct);
        return tree;
    }

    private Task RecordAsync(TuneInput input, TrainingDocument document, SavedTuning saved, CancellationToken ct)
    {
        var m = saved.Metrics;
        var @event = new ModelCheckpointSaved(saved.Step, saved.Hash, m.Tokens, Math.Round(m.Loss, 6), m.EvaluationLoss is { } loss ? Math.Round(loss, 6) : null);
        return WriteAsync(input, document, model => model?.Save(@event), ct);
    }

    private Task WriteAsync(TuneInput input, TrainingDocument document, Func<Model?, object?> decide, CancellationToken ct)
    {
        var stream = Identity.ModelStream(input.Recipe);
        var act = new Act("train", CodeVersion.Current, Device: ModelLibrary.Device(document.Recipe.Threads));
        return writer.WriteAsync<Model>(input.Training, act, [new Change<Model>(stream, stream, model => decide(model) is { } e ? new Fact(e) : null)], ct);
    }

    private sealed record BaseModel(string Tree);

    private sealed class Progress(Heartbeat heartbeat, TrainingFolder folder) : IProgress<TuningProgress>
    {
        public void Report(TuningProgress value)
        {
            heartbeat.Advance(1);
            folder.Tell(value);
        }
    }
}
