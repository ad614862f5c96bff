using System.Text.Json;
using Temporalio.Activities;
using Temporalio.Exceptions;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Models;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Jobs;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Workflows;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Activities.Jobs;

/// <summary>Does jobs of every kind, a part an activity. What a part gave is stored under its hash before its event is written.</summary>
public sealed class JobActivities(JobStore jobs, JobKinds kinds, EventWriter writer, FileStore files, BudgetBook budget) : IJobActivities
{
    /// <inheritdoc/>
    [Activity]
    public Task<IReadOnlyList<JobStage>> StartJobAsync(JobInput input) => TryAsync(async heartbeat =>
    {
        var ct = heartbeat.Token;
        // Calls of an earlier start are over; what they reserved of the budget counts as paid.
        await budget.EndRunAsync(input.Job, ct);
        var (kind, job) = await OpenAsync(input, ct);
        var started = new JobStarted(input.Job, input.Kind, input.Recipe, job.Document.Inputs);
        await WriteAsync(input, "start", current => Job.Start(current, started) ?? Steering.GoOn(current!.Steered), ct);
        return kind.StagesOf(job);
    });

    /// <inheritdoc/>
    [Activity]
    public Task<JobStageState> OpenStageAsync(JobStageInput input) => TryAsync(async heartbeat =>
    {
        var ct = heartbeat.Token;
        var (kind, job) = await OpenAsync(input.Job, ct);
        var parts = await kind.CountAsync(job, input.Stage, ct);
        var known = await jobs.PartsAsync(input.Job.Job, input.Stage, ct);
        var done = 0;
        while (done < known.Count && known[done].Part == done && files.HasBlob(known[done].File)) done++;
        return new JobStageState(parts, done);
    });

    /// <inheritdoc/>
    [Activity]
    public Task WorkOnPartAsync(JobPartInput input) => TryAsync(async heartbeat =>
    {
        var ct = heartbeat.Token;
        var known = await jobs.PartAsync(input, ct);
        if (known is not null && files.HasBlob(known.File)) return 0;
        var (kind, job) = await OpenAsync(input.Job, ct);
        await using var work = new JobWork(input.Stage, input.Part, files.NewFile(), heartbeat);
        await kind.WorkAsync(job, work, ct);
        var (hash, bytes) = await work.StoreAsync(files, ct);
        if (known is not null && known.File != hash) throw new TamperedException($"Part {input.Part} of stage {input.Stage} gave other bytes when it was done again: its file {known.File} is lost.");
        var stream = Identity.JobPartStream(input.Job.Recipe, input.Stage, input.Part);
        var done = new JobPartDone(input.Stage, input.Part, hash, bytes, work.Rows);
        var change = new Change<JobPart>(stream, stream, part => JobPart.Record(part, done) is { } e ? new Fact(e, Cost: work.Cost) : null);
        await writer.WriteAsync(input.Job.Job, new Act($"{input.Job.Kind}/{input.Stage}", CodeVersion.Current, Device: work.Device), [change], ct);
        return 0;
    });

    /// <inheritdoc/>
    [Activity]
    public Task EndStageAsync(JobStageInput input) => TryAsync(async heartbeat =>
    {
        var ct = heartbeat.Token;
        var parts = await jobs.PartsAsync(input.Job.Job, input.Stage, ct);
        var root = MerkleTree.Root(parts.Select(p => new MerkleTree.Leaf(Identity.JobPartStream(input.Job.Recipe, input.Stage, p.Part), 1, p.File)));
        var ended = new JobStageEnded(input.Stage, parts.Count, parts.Sum(p => p.Rows), root);
        await WriteAsync(input.Job, input.Stage, job => job?.EndStage(ended), ct);
        return 0;
    });

    /// <inheritdoc/>
    [Activity]
    public Task<string> EndJobAsync(JobInput input) => TryAsync(async heartbeat =>
    {
        var ct = heartbeat.Token;
        var known = (await jobs.FindAsync(input.Recipe, ct))?.Ended?.Result;
        if (known is not null && files.HasTree(known)) return known;
        var (kind, job) = await OpenAsync(input, ct);
        var folder = files.NewFolder();
        await kind.FinishAsync(job, folder, ct);
        var ended = new JobEnded(await files.PutTreeAsync(folder, ct));
        if (known is not null && known != ended.Result) throw new TamperedException($"The result of job {input.Job}, {known}, is lost, and it came out otherwise when it was put together again: as {ended.Result}.");
        await WriteAsync(input, "end", current => current?.End(ended), ct);
        return (await jobs.FindAsync(input.Recipe, ct))!.Ended!.Result;
    });

    /// <inheritdoc/>
    [Activity]
    public Task RecordJobSteeringAsync(JobSteeringInput input) =>
        WriteAsync(input.Job, "steer", job => Steering.Record(job?.Steered ?? [], input.Command), ActivityExecutionContext.Current.CancellationToken);

    /// <summary>Work that may be long: it heartbeats, and what no retry mends ends the job with the reason.</summary>
    internal static async Task<T> TryAsync<T>(Func<Heartbeat, Task<T>> work)
    {
        using var heartbeat = Heartbeat.Start();
        try
        {
            return await work(heartbeat);
        }
        catch (Exception e) when (BadInput.IsIn(e))
        {
            throw BadInput.Failure(e.Message, e);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or FormatException or KeyNotFoundException or JsonException or InvalidDataException or (InvalidOperationException and not ObjectDisposedException))
        {
            throw new ApplicationFailureException(e.Message, e, FailureTypes.JobFailed, nonRetryable: true);
        }
    }

    private async Task<(JobKind Kind, JobContext Job)> OpenAsync(JobInput input, CancellationToken ct)
    {
        var kind = kinds.Find(input.Kind) ?? throw BadInput.Failure($"This worker knows no job '{input.Kind}': it is older than what started it.");
        return (kind, kind.Open(input.Job, await jobs.DocumentAsync(input.Recipe, ct), jobs));
    }

    private Task WriteAsync(JobInput input, string stage, Func<Job?, object?> decide, CancellationToken ct)
    {
        var stream = Identity.JobStream(input.Recipe);
        var change = new Change<Job>(stream, stream, job => decide(job) is { } e ? new Fact(e) : null);
        return writer.WriteAsync(input.Job, new Act($"{input.Kind}/{stage}", CodeVersion.Current), [change], ct);
    }
}
