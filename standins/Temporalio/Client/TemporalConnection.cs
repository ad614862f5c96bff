using Temporalio.StandIn;

namespace Temporalio.Client;

/// <summary>
/// Connection to the stand-in's engine: the database that TEMPORAL_STANDIN_DATABASE names. The target host is kept and not used.
/// </summary>
public sealed class TemporalConnection : ITemporalConnection
{
    private readonly Lazy<Engine> engine;

    internal TemporalConnection(TemporalConnectionOptions options, Func<Engine> engine)
    {
        Options = options;
        options.Identity ??= $"{Environment.ProcessId}@{Environment.MachineName}";
        this.engine = new(engine);
        WorkflowService = new WorkflowService.Core(this);
    }

    public TemporalConnectionOptions Options { get; }

    public bool IsConnected { get; private set; }

    public WorkflowService WorkflowService { get; private init; }

    internal Engine Engine => engine.Value;

    public static async Task<TemporalConnection> ConnectAsync(TemporalConnectionOptions options)
    {
        var connection = CreateLazy(options);
        await connection.ConnectAsync().ConfigureAwait(false);
        return connection;
    }

    public static TemporalConnection CreateLazy(TemporalConnectionOptions options) =>
        new((TemporalConnectionOptions)options.Clone(), Engine.FromEnvironment);

    public async Task ConnectAsync()
    {
        try
        {
            await Engine.ReadyAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Npgsql.NpgsqlException e)
        {
            throw new InvalidOperationException($"Connection failed: {e.Message}", e);
        }
        IsConnected = true;
    }

    public async Task<bool> CheckHealthAsync(RpcService? service = null, RpcOptions? options = null) =>
        await Engine.PingAsync(options?.CancellationToken ?? CancellationToken.None).ConfigureAwait(false);
}
