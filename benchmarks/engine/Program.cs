// Runs, workflow tasks, activities and updates a second with 1, 2 and 4 worker processes, beside the transactions of one row that the same server commits with
// the same settings, in one run; and what each costs the server: transactions, syncs of its log, bytes of it.
// XINSTRUCT_POSTGRES="$(eng/postgres start)" dotnet run -c Release --project benchmarks/engine [-- SECONDS [WORKERS ...]]
using System.Diagnostics;
using System.Globalization;
using Temporalio.Client;
using Temporalio.Worker;
using XInstruct.Benchmarks.Engine;

const string Queue = "bench";
const int Clients = 64, Chain = 20;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is ["worker"])
{
    using var worker = new TemporalWorker(await ConnectAsync(), new TemporalWorkerOptions(Queue)
        .AddWorkflow<EmptyWorkflow>().AddWorkflow<ChainWorkflow>().AddWorkflow<AnsweringWorkflow>().AddAllActivities(typeof(Activities), null));
    await worker.ExecuteAsync(() => Console.In.ReadToEndAsync());
    return;
}

var time = TimeSpan.FromSeconds(args.Length > 0 ? double.Parse(args[0], CultureInfo.InvariantCulture) : 5);
await using var server = await Server.CreateAsync();
Environment.SetEnvironmentVariable("TEMPORAL_STANDIN_DATABASE", server.Connection);
var client = await ConnectAsync();
Console.WriteLine($"commits/s of one row ({await server.DurabilityAsync()}): 1 connection {await server.CommitsAsync(1, time):N0}, 16 connections {await server.CommitsAsync(16, time):N0}");
Console.WriteLine($"{"workers",-8} {"",-32} {"a second",10} {"workflow tasks/s",17}   transactions, syncs, bytes of log each");
foreach (var count in args.Length > 1 ? args[1..].Select(a => int.Parse(a, CultureInfo.InvariantCulture)) : [1, 2, 4])
{
    var workers = Enumerable.Range(0, count).Select(_ => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["worker"]) { UseShellExecute = false, RedirectStandardInput = true })!).ToArray();
    await MeasureAsync("(warming up)", 1, 1, EmptyAsync);
    await MeasureAsync("(warming up)", Chain, 1, ChainAsync);
    await MeasureAsync($"{count,-8} empty runs", 1, 1, EmptyAsync);
    await MeasureAsync($"{count,-8} activities, {Chain} in a row", Chain, (Chain + 1.0) / Chain, ChainAsync);
    var handles = await Task.WhenAll(Enumerable.Range(0, Clients).Select(i =>
        client.StartWorkflowAsync((AnsweringWorkflow w) => w.RunAsync(), new($"answers-{Guid.NewGuid():n}", Queue))));
    await MeasureAsync($"{count,-8} updates", 1, 1, i => handles[i].ExecuteUpdateAsync(w => w.AnswerAsync(i)));
    await Task.WhenAll(handles.Select(h => h.SignalAsync(w => w.EndAsync())));
    await Task.WhenAll(handles.Select(h => h.GetResultAsync()));
    foreach (var worker in workers) worker.StandardInput.Close();
    foreach (var worker in workers) await worker.WaitForExitAsync();
}

static Task<TemporalClient> ConnectAsync() => TemporalClient.ConnectAsync(new("localhost:7233"));

Task EmptyAsync(int _) => client.ExecuteWorkflowAsync((EmptyWorkflow w) => w.RunAsync(), new($"empty-{Guid.NewGuid():n}", Queue));

Task ChainAsync(int _) => client.ExecuteWorkflowAsync((ChainWorkflow w) => w.RunAsync(Chain), new($"chain-{Guid.NewGuid():n}", Queue));

// So many clients, each with one call at a time.
async Task MeasureAsync(string what, int things, double tasks, Func<int, Task> call)
{
    var before = await server.WorkAsync();
    var clock = Stopwatch.StartNew();
    var counts = await Task.WhenAll(Enumerable.Range(0, Clients).Select(i => Task.Run(async () =>
    {
        var calls = 0;
        for (; clock.Elapsed < time; calls++) await call(i);
        return calls;
    })));
    double count = counts.Sum() * things;
    var rate = count / clock.Elapsed.TotalSeconds;
    var work = await server.WorkAsync() - before;
    if (!what.StartsWith('(')) Console.WriteLine($"{what,-41} {rate,10:N0} {rate * tasks,17:N0}   {work.Transactions / count:N1}, {work.Syncs / count:N2}, {work.Bytes / count:N0}");
}
