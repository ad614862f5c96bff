using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using Temporalio.Api.Enums.V1;
using Temporalio.Exceptions;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Reports;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tuning;
using XInstruct.Cli.Display;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Jobs;
using XInstruct.Domain.Models;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Chains;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Cli.Commands;

/// <summary><c>status</c> and <c>watch</c>.</summary>
internal static class StatusCommand
{
    /// <summary>So long a workflow may take to say where it is: without a worker it never does.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static Command Status()
    {
        var run = new Argument<string?>("run") { Description = "Id of a run, a job, a chain or a training; without it, all are listed.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("status", "Shows runs, jobs, chains and trainings, or one of them: where it is, why it does not go on, and what it came to.") { run, CommonOptions.AsOf, CommonOptions.Svg };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var json = result.GetValue(CommonOptions.Json);
            if (result.GetValue(CommonOptions.AsOf) is { } asOf) return await ThenAsync(deployment, result.GetValue(run), asOf, json, ct);
            return await TerminalPicture.RecordAsync(
                result.GetValue(CommonOptions.Svg), () => result.GetValue(run) is { } id ? OneAsync(deployment, id, json, ct) : AllAsync(deployment, json, ct));
        });
        return command.WithExamples("xinstruct status", "xinstruct status demo-1a2b3c4d --json", "xinstruct status my-judging-5e6f7a8b", "xinstruct status demo-1a2b3c4d --as-of 2026-11-22T01:30Z", "xinstruct status demo-1a2b3c4d --svg status.svg");
    }

    public static Command Watch()
    {
        var run = new Argument<string>("run") { Description = "Run id." };
        var command = new Command("watch", "Follows a run that other processes work on, until it ends.") { run };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var (id, json) = (result.GetValue(run)!, result.GetValue(CommonOptions.Json));
            var end = deployment.Client.GetWorkflowHandle<Workflows.Runs.XInstructionWorkflow, Workflows.Runs.RunResult>(id).GetResultAsync();
            await RunCommand.WatchAsync(deployment, id, end, json, ct);
            try
            {
                await end;
            }
            catch (WorkflowFailedException e)
            {
                return Failures.Say(id, e, json);
            }

            return await OneAsync(deployment, id, json, ct);
        });
        return command.WithExamples("xinstruct watch demo-1a2b3c4d");
    }

    /// <summary>Runs as they were, by the log.</summary>
    private static async Task<int> ThenAsync(Deployment deployment, string? id, DateTimeOffset asOf, bool json, CancellationToken ct)
    {
        var runs = id is null ? (await deployment.Get<RunReader>().ListAsync(ct)).Select(r => r.Name).ToList() : [id];
        var table = new Table().Border(TableBorder.Rounded).AddColumns("run", "status", "texts", "written", "rated", "kept", "selected", "release");
        var found = 0;
        foreach (var name in runs)
        {
            if (await deployment.Get<RunMoments>().OfAsync(name, asOf, ct) is not { } then) continue;
            found++;
            if (json) Console.WriteLine(JsonSerializer.Serialize(then, EventJson.Options));
            else table.AddRow([then.Run, then.Status, .. new[] { then.Texts, then.Written, then.Rated, then.Kept, then.Selected }.Select(n => n.ToString("N0", CultureInfo.InvariantCulture)), then.Release?[..12] ?? ""]);
        }

        if (found == 0 && id is not null) throw new UsageException($"There was no run {id} at {asOf:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}. 'xinstruct audit show {id}' says when it began.");
        if (!json) AnsiConsole.Write(table);
        return ExitCodes.Ok;
    }

    private static async Task<int> OneAsync(Deployment deployment, string id, bool json, CancellationToken ct)
    {
        var reporter = deployment.Get<RunReporter>();
        if (await deployment.Get<RunReader>().FindAsync(id, ct) is not { } found) return await WorkAsync(deployment, id, json, ct);
        var (run, status, seconds) = await StateAsync(deployment, found, ct);
        var report = await reporter.ReportAsync(run, null, status, seconds, ct) with { Waits = await deployment.Get<ObstacleReader>().ReadAsync(deployment.Client, id, ct) };
        if (!json && status == "running" && await deployment.Watcher(id).ViewAsync(ct) is { } view)
        {
            AnsiConsole.Write(TableDisplay.Render(view with { Elapsed = TimeSpan.FromSeconds(seconds) }, null));
            // The view has them.
            report = report with { Iterations = [] };
        }

        Summary.Write(report, json);
        return ExitCodes.Ok;
    }

    /// <summary>A job, a chain or a training.</summary>
    private static async Task<int> WorkAsync(Deployment deployment, string id, bool json, CancellationToken ct)
    {
        var job = await deployment.Get<JobStore>().NamedAsync(id, ct);
        var model = job is null ? await deployment.Get<ModelReader>().NamedAsync(id, ct) : null;
        if (job is null && model is null) throw new UsageException($"There is no run, job, chain or training {id}. 'xinstruct status' lists them.");
        var (status, seconds) = ("", 0.0);
        if (job is not null) (job, status, seconds) = await StateAsync(deployment, job, ct);
        else (model, status, seconds) = await StateAsync(deployment, model!, ct);
        var isEnded = (job?.Ended as object ?? model?.Trained) is not null;
        WorkSummary.Write(
            new WorkReport(id, job?.What() ?? "training", job?.Started.Kind ?? model!.Started.Method, status, Math.Round(seconds, 1))
            {
                Stages = job?.Stages.Select(s => s.Stage).ToList(),
                Progress = status == "running" ? await MomentAsync(deployment, id, job?.What(), ct) : null,
                Checkpoint = model?.Checkpoints is [.., var last] ? last : null,
                Waits = isEnded ? [] : await deployment.Get<ObstacleReader>().ReadAsync(deployment.Client, id, ct),
                Calls = await deployment.Get<BudgetBook>().LedgerAsync(id, ct) is { Count: > 0 } calls ? calls : null,
                Steered = (job?.Steered ?? model!.Steered) is { Count: > 0 } steered ? steered : null,
                Result = job?.Ended?.Result ?? model?.Trained?.Model,
            },
            json);
        return ExitCodes.Ok;
    }

    /// <summary>Where it is; null while nobody can say.</summary>
    private static async Task<WorkMoment?> MomentAsync(Deployment deployment, string id, string? what, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        try
        {
            return what switch
            {
                "job" => await JobCommand.MomentAsync(deployment.Client.GetWorkflowHandle<JobWorkflow, string>(id), patience.Token),
                "chain" => await ChainCommand.MomentAsync(deployment.Client.GetWorkflowHandle<ChainWorkflow, string>(id), patience.Token),
                _ => await deployment.Get<TrainingPublisher>().ProgressAsync(id, ct) is { } progress ? TrainingDisplay.Moment(progress) : null,
            };
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return null;
        }
    }

    private static async Task<int> AllAsync(Deployment deployment, bool json, CancellationToken ct)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("run", "status", "languages", "iterations", "release");
        foreach (var listed in await deployment.Get<RunReader>().ListAsync(ct))
        {
            var (run, status, _) = await StateAsync(deployment, listed, ct);
            var paused = run.IsCompleted ? null : Paused(run.Steered);
            if (json) Console.WriteLine(JsonSerializer.Serialize(new { Run = run.Name, Status = status, Paused = paused, run.Languages, Iterations = run.Iterations.Count, Release = run.Release?.Sha256 }, EventJson.Options));
            else table.AddRow(run.Name, Words(status, paused), string.Join(' ', run.Languages), $"{run.Iterations.Count}", run.Release?.Sha256[..12] ?? "");
        }

        if (!json) AnsiConsole.Write(table);
        var trainings = new Table().Border(TableBorder.Rounded).AddColumns("training", "status", "method", "last checkpoint", "loss", "release");
        foreach (var listed in await deployment.Get<ModelReader>().ListAsync(ct))
        {
            var (model, status, _) = await StateAsync(deployment, listed, ct);
            var (step, loss) = model.Trained is { } t ? (t.Steps, t.Loss) : model.Checkpoints is [.., var last] ? (last.Step, last.Loss) : (0, double.NaN);
            var paused = model.Trained is null ? Paused(model.Steered) : null;
            if (json) Console.WriteLine(JsonSerializer.Serialize(new { Training = model.Name, Status = status, Paused = paused, model.Started.Method, Step = step, Loss = double.IsFinite(loss) ? loss : (double?)null, model.Started.Release }, EventJson.Options));
            else trainings.AddRow(model.Name, Words(status, paused), model.Started.Method, $"step {step}", double.IsFinite(loss) ? loss.ToString("F4", CultureInfo.InvariantCulture) : "", model.Started.Release?[..12] ?? "");
        }

        if (!json && trainings.Rows.Count > 0) AnsiConsole.Write(trainings);
        var jobs = new Table().Border(TableBorder.Rounded).AddColumns("job", "status", "command", "stages done", "result");
        foreach (var listed in await deployment.Get<JobStore>().ListAsync(ct))
        {
            var (job, status, _) = await StateAsync(deployment, listed, ct);
            var paused = job.Ended is null ? Paused(job.Steered) : null;
            if (json) Console.WriteLine(JsonSerializer.Serialize(new { Job = job.Name, Status = status, Paused = paused, job.Started.Kind, Stages = job.Stages.Select(s => s.Stage), job.Ended?.Result }, EventJson.Options));
            else jobs.AddRow(job.Name, Words(status, paused), job.Started.Kind, string.Join(' ', job.Stages.Select(s => s.Stage)), job.Ended?.Result[..12] ?? "");
        }

        if (!json && jobs.Rows.Count > 0) AnsiConsole.Write(jobs);
        return ExitCodes.Ok;
    }

    private static IReadOnlyList<RunSteered>? Paused(IReadOnlyList<RunSteered> steered) => Steering.Paused(steered) is { Count: > 0 } paused ? paused : null;

    private static string Words(string status, IReadOnlyList<RunSteered>? paused) =>
        paused is null ? status : paused.Any(p => p.Part().IsWhole()) ? $"{status}, paused" : $"{status}, paused: {string.Join(", ", paused.Select(p => p.Part()))}";

    private static Task<(Run Work, string Status, double Seconds)> StateAsync(Deployment deployment, Run run, CancellationToken ct) =>
        WorkState.ReadAsync(deployment.Client, run.Name, run, r => r.IsCompleted, deployment.Get<RunReader>().FindAsync, ct);

    private static Task<(Job Work, string Status, double Seconds)> StateAsync(Deployment deployment, Job job, CancellationToken ct) =>
        WorkState.ReadAsync(deployment.Client, job.Name, job, j => j.Ended is not null, deployment.Get<JobStore>().NamedAsync, ct);

    private static Task<(Model Work, string Status, double Seconds)> StateAsync(Deployment deployment, Model model, CancellationToken ct) =>
        WorkState.ReadAsync(deployment.Client, model.Name, model, m => m.Trained is not null, deployment.Get<ModelReader>().NamedAsync, ct);
}
