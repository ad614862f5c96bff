using System.Globalization;
using Marten;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.Workflow.V1;
using Temporalio.Api.WorkflowService.V1;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tuning;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Runs;
using XInstruct.Workflows;

namespace XInstruct.Activities.Reports;

/// <summary>
/// Finds out why a run does not go on: asks the engine what it waits for, the register who works, and the tables of endpoints and budgets. No worker is
/// needed for an answer.
/// </summary>
public sealed class ObstacleReader(IDocumentStore store, JobStore jobs, ModelReader trainings, WorkerRegister register, RunSettingsTable settings, EndpointTroubles troubles, BudgetBook budget, TimeProvider clock)
{
    // The first attempt or two fail for many a reason that is gone by the next.
    private const int Often = 3;

    /// <summary>What is in a run's way; empty when it goes on, or has ended well.</summary>
    /// <param name="client">The engine.</param>
    /// <param name="run">Workflow id of a run, training, job or chain; of a chain, what is in the way of its step is told too.</param>
    /// <param name="ct">Cancellation.</param>
    public async Task<IReadOnlyList<Obstacle>> ReadAsync(ITemporalClient client, string run, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(client);
        try
        {
            var status = (await client.GetWorkflowHandle(run).DescribeAsync(new() { Rpc = new RpcOptions { CancellationToken = ct } })).Status;
            if (status is WorkflowExecutionStatus.Failed or WorkflowExecutionStatus.TimedOut or WorkflowExecutionStatus.Terminated) return [await FailureAsync(client, run)];
            if (status != WorkflowExecutionStatus.Running) return [];
        }
        catch (RpcException e) when (e.Code == RpcException.StatusCode.NotFound)
        {
            return [];
        }

        var pending = new List<Pending>();
        await CollectAsync(client, run, pending, ct);
        // What has a log and settings of its own: the run, or the chain and its step. A run's stages have its name before a slash.
        var (paused, endpoints, budgets) = (new List<Obstacle>(), new List<Obstacle>(), new List<Obstacle>());
        foreach (var name in pending.Select(p => p.Workflow).Where(w => !w.Contains('/', StringComparison.Ordinal)))
        {
            var (stream, what) = await SubjectAsync(name, ct);
            paused.AddRange(await PausedAsync(name, stream, what, ct));
            endpoints.AddRange(await EndpointsAsync(name, ct));
            budgets.AddRange(await BudgetAsync(name, what, ct));
        }

        return [.. paused, .. await UnservedAsync(pending, ct), .. endpoints, .. budgets, .. pending.SelectMany(Retrying)];
    }

    /// <summary>What an execution, or a child of it, waits for.</summary>
    private sealed record Pending(string Workflow, DescribeWorkflowExecutionResponse What)
    {
        public IEnumerable<PendingActivityInfo> Waiting => What.PendingActivities.Where(a => a.State == PendingActivityState.Scheduled);
    }

    private static async Task CollectAsync(ITemporalClient client, string workflow, List<Pending> all, CancellationToken ct)
    {
        DescribeWorkflowExecutionResponse what;
        try
        {
            what = await client.WorkflowService.DescribeWorkflowExecutionAsync(
                new() { Namespace = client.Options.Namespace, Execution = new() { WorkflowId = workflow } }, new RpcOptions { CancellationToken = ct });
        }
        catch (RpcException e) when (e.Code == RpcException.StatusCode.NotFound)
        {
            // It ended in the meantime.
            return;
        }

        all.Add(new Pending(workflow, what));
        foreach (var child in what.PendingChildren) await CollectAsync(client, child.WorkflowId, all, ct);
    }

    private static async Task<Obstacle> FailureAsync(ITemporalClient client, string run)
    {
        try
        {
            await client.GetWorkflowHandle(run).GetResultAsync();
            return new Obstacle("failed", "It ended in the meantime.");
        }
        catch (WorkflowFailedException e)
        {
            Exception cause = e;
            while (cause.InnerException is { } inner) cause = inner;
            var isBudget = cause is ApplicationFailureException { ErrorType: FailureTypes.BudgetSpent };
            return new Obstacle(isBudget ? "budget" : "failed", FirstLine(cause.Message), isBudget ? null : "Mend that and start the same command again: it goes on from what is there.");
        }
    }

    private async Task<IEnumerable<Obstacle>> PausedAsync(string name, Guid stream, string what, CancellationToken ct)
    {
        await using var session = store.QuerySession();
        var steered = (await session.Events.FetchStreamAsync(stream, token: ct)).Where(e => e.Data is RunSteered).ToList();
        return Steering.Paused(steered.Select(e => (RunSteered)e.Data)).Select(pause =>
        {
            var at = steered.Last(e => ReferenceEquals(e.Data, pause)).Timestamp;
            var (part, why) = (pause.Part(), pause.Why is { Length: > 0 } reason ? $": {FirstLine(reason)}" : "");
            var options = (part.Language is { } language ? $" --language {language}" : "") + (part.Stage is { } stage ? $" --stage {stage}" : "");
            return new Obstacle("paused", $"{(pause.Who is { Length: > 0 } who ? who : "Somebody")} paused {(part.IsWhole() ? $"the {what}" : part)} at {Time(at)}{why}.", $"xinstruct resume {name}{options}", at);
        });
    }

    /// <summary>The stream of a name, and what it is.</summary>
    private async Task<(Guid Stream, string What)> SubjectAsync(string name, CancellationToken ct) =>
        await jobs.NamedAsync(name, ct) is { } job ? (job.Id, job.What())
        : await trainings.NamedAsync(name, ct) is { } model ? (model.Id, "training")
        : (Identity.RunStream(name), "run");

    /// <summary>Work that waits in queues that nobody serves.</summary>
    private async Task<IEnumerable<Obstacle>> UnservedAsync(List<Pending> pending, CancellationToken ct)
    {
        var unserved = await register.UnservedAsync(ct);
        var needed = pending.SelectMany(p => p.Waiting).Select(a => a.ActivityOptions?.TaskQueue?.Name)
            .Concat(pending.Where(p => p.What.PendingWorkflowTask is not null).Select(_ => TaskQueues.Cpu))
            .OfType<string>().GroupBy(q => q, StringComparer.Ordinal).Where(g => unserved.ContainsKey(g.Key));
        return needed.OrderBy(g => g.Key, StringComparer.Ordinal).Select(g =>
        {
            var since = unserved[g.Key];
            var when = since is { } time ? $"No worker polls {g.Key} since {Time(time)}" : $"No worker has polled {g.Key} in the last 30 days";
            return new Obstacle("noWorker", string.Create(CultureInfo.InvariantCulture, $"{when}, and {g.Count()} {(g.Count() == 1 ? "task waits" : "tasks wait")} there."), $"xinstruct worker --queues {g.Key}", since);
        });
    }

    private async Task<IEnumerable<Obstacle>> EndpointsAsync(string run, CancellationToken ct)
    {
        var obstacles = new List<Obstacle>();
        var own = await settings.FindAsync(run, ct);
        var endpoints = new[] { own?.Generator, own?.Evaluator }.OfType<EndpointSettings>();
        if (own is { Generator: null, Evaluator: null }) endpoints = (await settings.FindAsync<JobEndpoints>(run, ct))?.Endpoints?.Values ?? [];
        foreach (var endpoint in endpoints.DistinctBy(e => (e.BaseUrl, e.Model)))
        {
            if (await troubles.FindAsync(endpoint, ct) is not { } trouble) continue;
            obstacles.Add(trouble.Until is { } until
                ? new Obstacle("endpointBusy", $"{endpoint.BaseUrl} (model {endpoint.Model}) says {FirstLine(trouble.Cause)}, and to come again at {Time(until)}.", null, trouble.Since, until)
                : new Obstacle("endpointAway", $"{endpoint.BaseUrl} (model {endpoint.Model}) does not answer since {Time(trouble.Since)}: {FirstLine(trouble.Cause)}", "Start the endpoint, or set api.baseUrl to where it is.", trouble.Since));
        }

        return obstacles;
    }

    /// <summary>A budget that is reserved to the last cent by calls under way.</summary>
    private async Task<IEnumerable<Obstacle>> BudgetAsync(string run, string what, CancellationToken ct)
    {
        var state = await budget.StateAsync(run, ct);
        if (state.Cap is not { } cap || state.Spent + state.Assumed < cap) return [];
        var paid = (state.Spent + state.Assumed).ToString("0.00##", CultureInfo.InvariantCulture);
        return [new Obstacle("budget", $"${paid} of the budget of ${cap.ToString("0.00##", CultureInfo.InvariantCulture)} is paid: no further call is made.", what == "run" ? $"xinstruct steer {run} --set budget=…" : "Start the same command with a higher budget: --set budget.usd=…")];
    }

    private IEnumerable<Obstacle> Retrying(Pending pending)
    {
        foreach (var activity in pending.What.PendingActivities.Where(a => a.Attempt >= Often && a.LastFailure is not null))
        {
            var failure = activity.LastFailure!;
            while (failure.Cause is { } cause) failure = cause;
            yield return new Obstacle(
                "retrying",
                string.Create(CultureInfo.InvariantCulture, $"{activity.ActivityType?.Name} of {pending.Workflow} failed {activity.Attempt - 1} times and is tried again. Last: {FirstLine(failure.Message)}"),
                "The log of the workers, under logs in their shared directory, has the whole story.");
        }

        if (pending.What.PendingWorkflowTask is { } task && task.Attempt >= Often)
        {
            yield return new Obstacle(
                "workflowFails",
                string.Create(CultureInfo.InvariantCulture, $"The workers cannot go on with {pending.Workflow}: its workflow task failed {task.Attempt - 1} times, as when a worker of another version began it."),
                "Start a worker of the version that began it, or see why in the log of the workers.");
        }
    }

    private string Time(DateTimeOffset time) => Obstacle.Clock(time, clock.GetUtcNow());

    private static string FirstLine(string text)
    {
        const int most = 300;
        var line = text.Split('\n')[0].Trim();
        return line.Length <= most ? line : line[..most] + "…";
    }
}
