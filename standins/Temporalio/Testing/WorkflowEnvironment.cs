using Microsoft.Extensions.Logging;
using Temporalio.Client;
using Temporalio.Common;
using Temporalio.StandIn;

namespace Temporalio.Testing;

/// <summary>A service with a client, for tests and for programs that bring their own service.</summary>
public class WorkflowEnvironment : IAsyncDisposable
{
    public WorkflowEnvironment(ITemporalClient client)
    {
        Client = client;
        Logger = client.Options.LoggerFactory.CreateLogger<WorkflowEnvironment>();
    }

    public ITemporalClient Client { get; protected init; }

    public virtual bool SupportsTimeSkipping => false;

    protected ILogger<WorkflowEnvironment> Logger { get; private init; }

    public static async Task<WorkflowEnvironment> StartLocalAsync(WorkflowEnvironmentStartLocalOptions? options = null) =>
        await Embedded.StartAsync(options ?? new(), new Engine(Engine.Database, Engine.DefaultSchema), throwAway: false, options?.SearchAttributes).ConfigureAwait(false);

    /// <summary>Starts an environment in a schema of its own, where time passes only when nothing can be done.</summary>
    public static async Task<WorkflowEnvironment> StartTimeSkippingAsync(WorkflowEnvironmentStartTimeSkippingOptions? options = null)
    {
        var engine = new Engine(Engine.Database, $"{Engine.DefaultSchema}_{Guid.NewGuid().ToString("N")[..12]}");
        engine.Skipping = new TimeSkipping(engine);
        return await Embedded.StartAsync(options ?? new(), engine, throwAway: true).ConfigureAwait(false);
    }

    public Task DelayAsync(int millisecondsDelay, CancellationToken? cancellationToken = null) =>
        DelayAsync(TimeSpan.FromMilliseconds(millisecondsDelay), cancellationToken);

    public virtual Task DelayAsync(TimeSpan delay, CancellationToken? cancellationToken = null) =>
        Task.Delay(delay, cancellationToken ?? CancellationToken.None);

    public virtual Task<DateTime> GetCurrentTimeAsync() => Task.FromResult(DateTime.Now);

    public void WithAutoTimeSkippingDisabled(Action func) => WithAutoTimeSkippingDisabled(() =>
    {
        func();
        return ValueTuple.Create();
    });

    public T WithAutoTimeSkippingDisabled<T>(Func<T> func) =>
        WithAutoTimeSkippingDisabledAsync(() => Task.FromResult(func())).GetAwaiter().GetResult();

    public Task WithAutoTimeSkippingDisabledAsync(Func<Task> func) => WithAutoTimeSkippingDisabledAsync(async () =>
    {
        await func().ConfigureAwait(false);
        return ValueTuple.Create();
    });

    public virtual Task<T> WithAutoTimeSkippingDisabledAsync<T>(Func<Task<T>> func) => func();

    public virtual Task ShutdownAsync() => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await ShutdownAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    private sealed class Embedded(TemporalClient client, Engine engine, bool throwAway) : WorkflowEnvironment(client)
    {
        private int stopped;

        public override bool SupportsTimeSkipping => engine.Skipping != null;

        public static async Task<WorkflowEnvironment> StartAsync(
            TemporalClientConnectOptions options, Engine engine, bool throwAway, IReadOnlyCollection<SearchAttributeKey>? attributes = null)
        {
            options = (TemporalClientConnectOptions)options.Clone();
            options.TargetHost ??= "localhost:7233";
            var connection = new TemporalConnection(options, () => engine);
            await connection.ConnectAsync().ConfigureAwait(false);
            if (attributes is { Count: > 0 })
            {
                await engine.RegisterAsync(options.Namespace, attributes).ConfigureAwait(false);
            }
            var client = new TemporalClient(connection, options.ToClientOptions());
            client.Calls.Waiting = engine.Skipping is { } skipping ? skipping.Wait : null;
            return new Embedded(client, engine, throwAway);
        }

        public override Task DelayAsync(TimeSpan delay, CancellationToken? cancellationToken = null) => engine.Skipping is { } skipping
            ? skipping.SleepAsync(delay, cancellationToken ?? CancellationToken.None)
            : base.DelayAsync(delay, cancellationToken);

        public override Task<DateTime> GetCurrentTimeAsync() => Task.FromResult(engine.Clock.Now);

        public override async Task<T> WithAutoTimeSkippingDisabledAsync<T>(Func<Task<T>> func)
        {
            if (engine.Skipping is not { Enabled: true } skipping)
            {
                return await func().ConfigureAwait(false);
            }
            skipping.Enabled = false;
            try
            {
                return await func().ConfigureAwait(false);
            }
            finally
            {
                skipping.Enabled = true;
            }
        }

        public override async Task ShutdownAsync()
        {
            if (Interlocked.Exchange(ref stopped, 1) != 0)
            {
                return;
            }
            await engine.DisposeAsync(dropSchema: throwAway).ConfigureAwait(false);
        }
    }
}
