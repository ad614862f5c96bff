using Microsoft.Extensions.DependencyInjection;
using Temporalio.Client;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Cli.Hosting;
using XInstruct.Workflows;
using XInstruct.Workflows.Runs;

namespace XInstruct.EndToEnd.Endpoints;

/// <summary>The command with a server, and the same run in this process with a backend that gives the same replies without one.</summary>
public sealed class ScriptedRunTests
{
    [Theory]
    [InlineData("generator")]
    [InlineData("generator", "evaluator")]
    public async Task Run_SameRepliesFromServerAndScript_SealTheSameRelease(params string[] roles)
    {
        await using var server = await ChatServer.StartAsync();
        server.Reply = ApiRunTests.Reply;
        await using var product = await ProductProcess.CreateAsync();
        product.Variables["XI_TEST_API_KEY"] = ChatServer.Key;
        string[] options = [.. UndisturbedRun.Small, .. roles.SelectMany(r => ApiRunTests.Api(server, r))];
        var end = await UndisturbedRun.FinishAsync(product, options);
        await using var scripted = await ProductProcess.CreateAsync();
        const string variable = "TEMPORAL_STANDIN_DATABASE";
        var before = Environment.GetEnvironmentVariable(variable);
        Environment.SetEnvironmentVariable(variable, scripted.Environment[variable]);
        var (sha256, calls) = await RunHereAsync(scripted, options);
        Environment.SetEnvironmentVariable(variable, before);
        sha256.ShouldBe(end.GetProperty("release").GetProperty("sha256").GetString());
        calls.ShouldBe(server.Asked.Count);
    }

    private static async Task<(string Sha256, int Calls)> RunHereAsync(ProductProcess place, string[] options)
    {
        var script = new Script();
        var deployment = new DeploymentOptions(place.Postgres, null, null, null, place.Home, Verbose: false);
        await using var here = await Deployment.OpenAsync(deployment, default, s => s.AddSingleton<Func<EndpointSettings, IChatEndpoint>>(_ => _ => script));
        var loaded = RecipeFile.Load(UndisturbedRun.Recipe, [.. options.Where(o => o != "--set")]);
        var input = await here.Get<RunStarter>().PrepareAsync(loaded, null, false, default);
        using var stop = new CancellationTokenSource();
        var workers = here.RunWorkersAsync(TaskQueues.All, TimeSpan.Zero, null, stop.Token);
        var handle = await here.Client.StartWorkflowAsync((XInstructionWorkflow w) => w.RunAsync(input), new WorkflowOptions(input.Run, TaskQueues.Cpu));
        var result = handle.GetResultAsync();
        await Task.WhenAny(result, workers);
        await stop.CancelAsync();
        await workers.ContinueWith(_ => { }, TaskScheduler.Default);
        await result;
        return ((await here.Get<RunReader>().LoadAsync(input.Run, default)).Release!.Sha256, script.Calls);
    }

    /// <summary>Replies by heart.</summary>
    private sealed class Script : IChatEndpoint
    {
        private int _calls;

        public int Calls => _calls;

        public Task<ChatOutcome> AskAsync(ChatRequest request, CancellationToken ct)
        {
            Interlocked.Increment(ref _calls);
            var reply = ApiRunTests.Reply(request.User);
            return Task.FromResult<ChatOutcome>(new ChatReply(reply, request.System.Length + request.User.Length, reply.Length, null, false));
        }
    }
}
