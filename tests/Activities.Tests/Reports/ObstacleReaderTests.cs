using Marten;
using Npgsql;
using Temporalio.Client;
using Temporalio.Worker;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Monitoring;
using XInstruct.Activities.Reports;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Serving;
using XInstruct.Domain.Costs;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Runs;
using XInstruct.Workflows;

namespace XInstruct.Activities.Tests.Reports;

/// <summary>What is said of a run that does not go on, and of a worker.</summary>
[Collection(nameof(WorkedStore))]
public sealed class ObstacleReaderTests(WorkedStore worked)
{
    private static readonly EndpointSettings Endpoint = new(new Uri("http://127.0.0.1:9/v1"), "made-up", null, "max_tokens", 4, 3, 10, 0, 0, new ModelPrice(1, 1));
    private readonly string _run = $"stuck-{Guid.NewGuid():N}";
    private readonly StuckActivities _activities = new();

    [Fact]
    public async Task Read_QueueWithoutWorker_NamesItAndSinceWhen()
    {
        var workers = worked.Get<WorkerRegister>();
        await WorkAsync([TaskQueues.Cpu], TaskQueues.Gpu, async () =>
        {
            await WorkedStore.EventuallyAsync(async () => (await ReadAsync()).Count > 0);
            var obstacle = (await ReadAsync()).ShouldHaveSingleItem();
            obstacle.Kind.ShouldBe("noWorker");
            obstacle.Sentence.ShouldBe("No worker has polled xi-gpu in the last 30 days, and 1 task waits there.");
            obstacle.Remedy.ShouldBe("xinstruct worker --queues xi-gpu");

            // One comes, without taking this work, and goes.
            using (var stop = new CancellationTokenSource())
            {
                var standing = workers.StandAsync([TaskQueues.Gpu], stop.Token);
                await WorkedStore.EventuallyAsync(async () => (await workers.ListAsync(default)).Any(w => w.Queues.Contains(TaskQueues.Gpu)));
                (await ReadAsync()).ShouldBeEmpty();
                await stop.CancelAsync();
                await standing;
            }

            obstacle = (await ReadAsync()).ShouldHaveSingleItem();
            var now = (DateTime)(await worked.Get<NpgsqlDataSource>().CreateCommand("select now()").ExecuteScalarAsync())!;
            (now - obstacle.Since!.Value.UtcDateTime).ShouldBeInRange(TimeSpan.Zero, TimeSpan.FromMinutes(5));
            obstacle.Sentence.ShouldBe($"No worker polls xi-gpu since {Obstacle.Clock(obstacle.Since.Value, DateTimeOffset.UtcNow)}, and 1 task waits there.");
        });
    }

    [Fact]
    public async Task Read_ActivityThatKeepsFailing_SaysHowOftenAndWhy()
    {
        _activities.Failure = new InvalidOperationException("The disk is away.\nMuch more.", new IOException("No such device."));
        await WorkAsync([TaskQueues.Cpu], TaskQueues.Cpu, async () =>
        {
            await WorkedStore.EventuallyAsync(async () => (await ReadAsync()).Count > 0);
            var obstacle = (await ReadAsync()).ShouldHaveSingleItem();
            obstacle.Kind.ShouldBe("retrying");
            obstacle.Sentence.ShouldStartWith($"Work of {_run}/child failed ");
            obstacle.Sentence.ShouldEndWith(" times and is tried again. Last: No such device.");
            _activities.Failure = null;
            await worked.Client.GetWorkflowHandle(_run).GetResultAsync();
            (await ReadAsync()).ShouldBeEmpty();
        });
    }

    [Theory]
    [InlineData(FailureTypes.BudgetSpent, "budget")]
    [InlineData(FailureTypes.BadInput, "failed")]
    public async Task Read_RunThatFailed_SaysWhy(string type, string kind)
    {
        _activities.Failure = StuckActivities.Final("It is used up. Raise it.", type);
        await WorkAsync([TaskQueues.Cpu], TaskQueues.Cpu, async () =>
        {
            await Should.ThrowAsync<Temporalio.Exceptions.WorkflowFailedException>(() => worked.Client.GetWorkflowHandle(_run).GetResultAsync());
            var obstacle = (await ReadAsync()).ShouldHaveSingleItem();
            (obstacle.Kind, obstacle.Sentence).ShouldBe((kind, "It is used up. Raise it."));
        });
    }

    [Fact]
    public async Task Read_PausedEndpointsBudget_SaysWhoUntilWhenAndHowMuch()
    {
        await StartAsync(TaskQueues.Cpu);
        await StoreAsync(new RunStarted(_run, "r", "s", ["sw"], []), new RunSteered("pause", "ana", "the GPU is needed elsewhere"));
        await worked.Get<RunSettingsTable>().WriteAsync(_run, new RunSettings(Endpoint, Endpoint with { Model = "busy" }), default);
        var troubles = worked.Get<EndpointTroubles>();
        await troubles.ReportAsync(Endpoint, null, "Connection refused", default);
        await troubles.ReportAsync(Endpoint with { Model = "busy" }, TimeSpan.FromMinutes(4), "429, too many requests", default);
        await using (var session = worked.Get<IDocumentStore>().LightweightSession())
        {
            BudgetBook.QueueCap(session, _run, 0.5m);
            BudgetBook.QueueSettlement(session, new CallScope(_run, "generate", "sw", "0/0"), [new PaidCall(null, new(1, 1, 0.5m))], []);
            await session.SaveChangesAsync();
        }

        var all = (await ReadAsync()).ToDictionary(o => o.Kind, StringComparer.Ordinal);
        all.Keys.Order().ShouldBe(["budget", "endpointAway", "endpointBusy", "noWorker", "paused"]);
        all["paused"].Sentence.ShouldBe($"ana paused the run at {Time(all["paused"].Since)}: the GPU is needed elsewhere.");
        all["paused"].Remedy.ShouldBe($"xinstruct resume {_run}");
        all["endpointAway"].Sentence.ShouldBe($"http://127.0.0.1:9/v1 (model made-up) does not answer since {Time(all["endpointAway"].Since)}: Connection refused");
        all["endpointBusy"].Sentence.ShouldBe($"http://127.0.0.1:9/v1 (model busy) says 429, too many requests, and to come again at {Time(all["endpointBusy"].Until)}.");
        all["budget"].Sentence.ShouldBe("$0.50 of the budget of $0.50 is paid: no further call is made.");
        all["budget"].Remedy.ShouldBe($"xinstruct steer {_run} --set budget=…");
        all["noWorker"].Sentence.ShouldContain("xi-cpu");

        await troubles.ClearAsync(Endpoint, default);
        await StoreAsync(new RunSteered("resume", "ana", null));
        (await ReadAsync()).Select(o => o.Kind).ShouldBe(["noWorker", "endpointBusy", "budget"]);
    }

    [Fact]
    public async Task Monitor_Worker_IsMeasuredAndReadyUntilItDrains()
    {
        await using var monitor = await MonitorAsync(worked.Get<NpgsqlDataSource>());
        using var http = Serving.ServingFixture.Direct(monitor.Address);
        _activities.Failure = StuckActivities.Final("Mend it.", FailureTypes.BadInput);
        await WorkAsync([TaskQueues.Cpu], TaskQueues.Cpu, async () =>
            await Should.ThrowAsync<Temporalio.Exceptions.WorkflowFailedException>(() => worked.Client.GetWorkflowHandle(_run).GetResultAsync()));
        await StartAsync(TaskQueues.Cpu);
        Instruments.Committed([("sample_rated", new(7, 5, 0.125m)), ("sample_rated", new(1, 0))], TimeSpan.FromMilliseconds(3));
        Instruments.Called("rate", "made-up", "early", TimeSpan.FromSeconds(2));

        using (var reply = await http.GetAsync("/metrics"))
        {
            reply.Content.Headers.ContentType!.ToString().ShouldBe(PrometheusText.ContentType);
            var lines = (await reply.Content.ReadAsStringAsync()).Split('\n');
            lines.ShouldContain("xinstruct_activities_slots{queue=\"xi-cpu\"} 4");
            lines.ShouldContain("xinstruct_activities_running{queue=\"xi-cpu\"} 0");
            lines.ShouldContain(l => l.StartsWith("xinstruct_activity_duration_seconds_count{queue=\"xi-cpu\",activity=\"Work\",outcome=\"failed\"} "));
            lines.ShouldContain(l => l.StartsWith("xinstruct_activity_failures_total{activity=\"Work\",reason=\"BadInput\"} "));
            lines.ShouldContain(l => l.StartsWith("xinstruct_events_total{type=\"sample_rated\"} "));
            lines.ShouldContain(l => l.StartsWith("xinstruct_tokens_total{direction=\"out\"} "));
            lines.ShouldContain(l => l.StartsWith("xinstruct_cost_usd_total "));
            lines.ShouldContain("xinstruct_endpoint_call_duration_seconds_bucket{stage=\"rate\",model=\"made-up\",outcome=\"early\",le=\"2.5\"} 1");
            lines.ShouldContain("xinstruct_database_up 1");
            lines.ShouldContain(l => l.StartsWith("xinstruct_database_latency_seconds "));
            // Nobody takes the workflow task that was begun above.
            Number(lines, "xinstruct_queue_backlog{queue=\"xi-cpu\",kind=\"workflow\"} ").ShouldBeGreaterThanOrEqualTo(1);
            Number(lines, "xinstruct_queue_lag_seconds{queue=\"xi-cpu\",kind=\"workflow\"} ").ShouldBeGreaterThan(0);
            lines.ShouldContain(l => l.StartsWith("dotnet_process_memory_working_set_bytes "));
        }

        (await StatusAsync(http, "/health")).Code.ShouldBe(200);
        (await StatusAsync(http, "/ready")).Code.ShouldBe(200);
        (await StatusAsync(http, "/nothing")).Body.ShouldContain("GET /metrics");
        monitor.IsDraining = true;
        var (code, body) = await StatusAsync(http, "/ready");
        code.ShouldBe(503);
        body.ShouldContain("takes no more work");
        (await StatusAsync(http, "/health")).Code.ShouldBe(200);
    }

    [Fact]
    public async Task Monitor_DatabaseAway_IsNotReadyAndSaysSo()
    {
        await using var nowhere = NpgsqlDataSource.Create("Host=127.0.0.1;Port=9;Username=nobody;Timeout=2");
        await using var monitor = await MonitorAsync(nowhere);
        using var http = Serving.ServingFixture.Direct(monitor.Address);
        var (code, body) = await StatusAsync(http, "/ready");
        code.ShouldBe(503);
        body.ShouldContain("PostgreSQL does not answer");
        (await http.GetStringAsync("/metrics")).ShouldContain("xinstruct_database_up 0\n");
    }

    private static async Task<(int Code, string Body)> StatusAsync(HttpClient http, string path)
    {
        using var reply = await http.GetAsync(path);
        return ((int)reply.StatusCode, await reply.Content.ReadAsStringAsync());
    }

    private static double Number(IEnumerable<string> lines, string before) =>
        double.Parse(lines.Single(l => l.StartsWith(before, StringComparison.Ordinal))[before.Length..], System.Globalization.CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset? time) => Obstacle.Clock(time!.Value, DateTimeOffset.UtcNow);

    private Task<WorkerMonitor> MonitorAsync(NpgsqlDataSource database) => WorkerMonitor.StartAsync(
        worked.Client, database, worked.Get<EndpointPool>(), worked.Get<RateLimits>(), new Dictionary<string, int> { [TaskQueues.Cpu] = 4 }, new ServingOptions { Port = 0 }, default);

    private Task<IReadOnlyList<Obstacle>> ReadAsync() => worked.Get<ObstacleReader>().ReadAsync(worked.Client, _run, default);

    private async Task StoreAsync(params object[] events)
    {
        await using var session = worked.Get<IDocumentStore>().LightweightSession();
        session.Events.Append(Identity.RunStream(_run), events);
        await session.SaveChangesAsync();
    }

    private Task StartAsync(string queue) =>
        worked.Client.StartWorkflowAsync((StuckWorkflow w) => w.RunAsync($"{_run}/child", queue), new WorkflowOptions(_run, TaskQueues.Cpu) { IdConflictPolicy = Temporalio.Api.Enums.V1.WorkflowIdConflictPolicy.UseExisting });

    /// <summary>Starts the workflow beside workers that stand in the register.</summary>
    private async Task WorkAsync(IReadOnlyList<string> queues, string asks, Func<Task> test)
    {
        using var stop = new CancellationTokenSource();
        var standing = worked.Get<WorkerRegister>().StandAsync(queues, stop.Token);
        var options = new TemporalWorkerOptions(TaskQueues.Cpu) { Interceptors = [new ActivityInstruments()] };
        using (var worker = new TemporalWorker(worked.Client, options.AddWorkflow<StuckWorkflow>().AddWorkflow<StuckStage>().AddAllActivities(_activities)))
        {
            await worker.ExecuteAsync(async () =>
            {
                await StartAsync(asks);
                await test();
            });
        }

        await stop.CancelAsync();
        await standing;
    }
}
