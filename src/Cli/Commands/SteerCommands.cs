using System.CommandLine;
using System.Text.Json;
using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Chains;
using XInstruct.Workflows.Jobs;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Steering;
using XInstruct.Workflows.Training;

namespace XInstruct.Cli.Commands;

/// <summary><c>pause</c>, <c>resume</c>, <c>cancel</c>, <c>steer</c>: each is an audited event with who and why.</summary>
internal static class SteerCommands
{
    internal static readonly Option<string?> Why = new("--why") { Description = "Why, for the audit trail." };
    private static readonly Option<string?> Language = new("--language") { Description = "Only this language of a run." };
    private static readonly Option<string?> Stage = new("--stage") { Description = $"Only this stage of a run: {string.Join(", ", RunPart.Stages)}." };
    private static readonly Option<string[]> Set = new("--set") { Description = "What to set from now on: --set concurrency=2. May be given more than once." };
    private static readonly Option<bool> Everything = new("--all") { Description = "Whatever is paused." };

    /// <summary>What is paused as a whole, by the type of its workflow.</summary>
    private static readonly Dictionary<string, string> Whole = new(StringComparer.Ordinal) { [nameof(JobWorkflow)] = "Job", [nameof(TrainingWorkflow)] = "Training", [nameof(ChainWorkflow)] = "Chain" };

    public static IEnumerable<Command> All()
    {
        var pause = Create("pause", "Holds back new work of a run, of one of its languages or stages, of a job, a chain or a training; what is in flight ends. A training goes on from its last checkpoint.", (deployment, id, input) => ChangeAsync(deployment.Client, id, input, isPause: true));
        pause.Options.Add(Language);
        pause.Options.Add(Stage);
        yield return pause.WithExamples("xinstruct pause demo-1a2b3c4d --why \"the GPU is needed elsewhere\"", "xinstruct pause demo-1a2b3c4d --language sw", "xinstruct pause demo-1a2b3c4d --language sw --stage generate --why \"the new prompt is being tried\"");
        var resume = Create("resume", "Lets what was paused go on.", (deployment, id, input) => ChangeAsync(deployment.Client, id, input, isPause: false));
        resume.Options.Add(Language);
        resume.Options.Add(Stage);
        resume.Options.Add(Everything);
        yield return resume.WithExamples("xinstruct resume demo-1a2b3c4d", "xinstruct resume demo-1a2b3c4d --language sw", "xinstruct resume demo-1a2b3c4d --all");
        yield return Steer();
        var cancel = Create("cancel", "Ends a run, a job, a chain or a training. Its events stay; the command that started it goes on from them.", async (deployment, id, input) =>
        {
            var handle = deployment.Client.GetWorkflowHandle(id);
            var execution = await handle.DescribeAsync();
            if (execution.Status == WorkflowExecutionStatus.Canceled) return [$"{id} is cancelled already."];
            // Who asked and why comes first, and each once: the command may be given again when its answer was lost.
            if (execution.Status == WorkflowExecutionStatus.Running)
                await deployment.Get<RunSteering>().RecordAnyAsync(id, input.Event("cancel", RunPart.Whole, $"cancel {execution.RunId} {input.Who} {input.Why}"), CancellationToken.None);
            await handle.CancelAsync();
            return [$"{id} asked to cancel."];
        });
        yield return cancel.WithExamples("xinstruct cancel demo-1a2b3c4d --why \"the GPU is needed elsewhere\"");
    }

    private static Command Create(string name, string description, Func<Deployment, string, SteerInput, Task<IReadOnlyList<string>>> steer)
    {
        var subject = new Argument<string>("run") { Description = "Id of a run, a job, a chain or a training." };
        var command = new Command(name, description) { subject, Why };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var id = result.GetValue(subject)!;
            var isPart = command.Options.Contains(Language);
            var input = new SteerInput(
                Environment.UserName, result.GetValue(Why), isPart ? result.GetValue(Language) : null, isPart ? result.GetValue(Stage) : null, command.Options.Contains(Everything) && result.GetValue(Everything));
            if (input.All && !input.Part().IsWhole()) throw new UsageException("--all resumes everything: leave --language and --stage out.");
            foreach (var sentence in await TryAsync(id, () => steer(deployment, id, input))) Console.WriteLine(sentence);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Steer()
    {
        var subject = new Argument<string>("run") { Description = "Run id." };
        var command = new Command("steer", $"Changes a run from now on: shards that have not begun follow. What can be set: {string.Join(", ", SteeredKey.All.Select(k => k.Key))}, generator.model, evaluator.model.") { subject, Set, Why };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var (id, sets) = (result.GetValue(subject)!, result.GetValue(Set) ?? []);
            var run = await deployment.Get<RunReader>().FindAsync(id, ct) ?? throw new UsageException($"There is no run {id}. 'xinstruct status' lists the runs.");
            var (values, isUnderWay) = await SetAsync(deployment, run, new SettingsInput(Environment.UserName, result.GetValue(Why), sets), ct);
            var wording = isUnderWay ? "Shards that have not begun follow." : "The run is not under way; it holds when the command that started it is given again.";
            Console.WriteLine(result.GetValue(CommonOptions.Json)
                ? JsonSerializer.Serialize(new { Run = id, Settings = values, UnderWay = isUnderWay }, EventJson.Options)
                : $"Run {id}: {string.Join(", ", values.Select(v => $"{v.Key}={v.Value}"))}. {wording}");
            return ExitCodes.Ok;
        });
        return command.WithExamples(
            "xinstruct steer demo-1a2b3c4d --set concurrency=1 --why \"the machine is needed\"", "xinstruct steer swahili-1a2b3c4d --set budget=20", "xinstruct steer swahili-1a2b3c4d --set generator.temperature=0.9 --set generator.concurrency=32");
    }

    private static async Task<(IReadOnlyDictionary<string, string> Values, bool IsUnderWay)> SetAsync(Deployment deployment, Run run, SettingsInput input, CancellationToken ct)
    {
        var steering = deployment.Get<RunSteering>();
        IReadOnlyDictionary<string, string> values;
        try
        {
            values = await steering.ParseAsync(run, input.Sets, ct);
        }
        catch (InvalidOperationException e)
        {
            throw new UsageException(e.Message);
        }

        if (run.IsCompleted) throw new UsageException($"Run {run.Name} has ended and its release is sealed. A run of its own can go another way: xinstruct fork {run.Name} RECIPE --from generate {string.Join(' ', input.Sets.Select(s => $"--set {s}"))}");
        try
        {
            return (await deployment.Client.GetWorkflowHandle<XInstructionWorkflow>(run.Name).ExecuteUpdateAsync(w => w.SetAsync(input)), true);
        }
        catch (WorkflowUpdateFailedException e)
        {
            throw new UsageException(e.InnerException?.Message ?? e.Message);
        }
        catch (RpcException e) when (e.Code == RpcException.StatusCode.NotFound)
        {
            // It failed, for instance on its budget, or was cancelled: what is set holds from its next start on.
            var command = new RunSteered("set", input.Who, input.Why, values.Number("budget"), Request: Guid.NewGuid().ToString(), Set: values);
            return ((await steering.SetAsync(run.Name, command, ct)).Values, false);
        }
    }

    /// <summary>Asks a workflow for a change, and says in a sentence why it refuses.</summary>
    internal static async Task<T> TryAsync<T>(string id, Func<Task<T>> steer)
    {
        try
        {
            return await steer();
        }
        catch (RpcException e) when (e.Code == RpcException.StatusCode.NotFound)
        {
            throw new UsageException($"There is no run {id} under way. 'xinstruct status' lists the runs.");
        }
        catch (WorkflowUpdateFailedException e)
        {
            throw new UsageException(e.InnerException?.Message ?? e.Message);
        }
    }

    private static async Task<IReadOnlyList<string>> ChangeAsync(ITemporalClient client, string id, SteerInput input, bool isPause)
    {
        var done = isPause ? "paused" : "resumed";
        var type = (await client.GetWorkflowHandle(id).DescribeAsync()).WorkflowType;
        if (Whole.TryGetValue(type, out var what))
        {
            var whole = client.GetWorkflowHandle<PausableWorkflow>(id);
            await (isPause ? whole.ExecuteUpdateAsync(w => w.PauseAsync(input)) : whole.ExecuteUpdateAsync(w => w.ResumeAsync(input)));
            IReadOnlyList<string> said = [$"{what} {id} {done}."];
            return type == nameof(ChainWorkflow) ? [.. said, .. await ChangeStepAsync(client, id, input, isPause)] : said;
        }

        var run = client.GetWorkflowHandle<XInstructionWorkflow>(id);
        await (isPause ? run.ExecuteUpdateAsync(w => w.PauseAsync(input)) : run.ExecuteUpdateAsync(w => w.ResumeAsync(input)));
        return [input.All ? $"Run {id} resumed, all of it." : input.Part().IsWhole() ? $"Run {id} {done}." : $"Run {id}: {input.Part()} {done}."];
    }

    /// <summary>A chain holds back its next step; the step under way is steered too.</summary>
    private static async Task<IReadOnlyList<string>> ChangeStepAsync(ITemporalClient client, string chain, SteerInput input, bool isPause)
    {
        if ((await client.GetWorkflowHandle<ChainWorkflow>(chain).QueryAsync(w => w.Progress)).Workflow is not { } step) return [];
        try
        {
            return await ChangeAsync(client, step, input, isPause);
        }
        catch (Exception e) when (e is RpcException or WorkflowUpdateFailedException)
        {
            // Its step has ended, or somebody paused or resumed it by its own id.
            return [];
        }
    }
}
