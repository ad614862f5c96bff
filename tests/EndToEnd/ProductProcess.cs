using System.Diagnostics;
using Npgsql;

namespace XInstruct.EndToEnd;

/// <summary>The built command with a home and databases of its own.</summary>
internal sealed class ProductProcess : IAsyncDisposable
{
    private readonly string _server = Environment.GetEnvironmentVariable("XINSTRUCT_TEST_POSTGRES")
        ?? throw new InvalidOperationException("XINSTRUCT_TEST_POSTGRES is not set. './xinstruct test' starts a PostgreSQL and sets it.");

    private readonly string _name = $"xi_e2e_{Guid.NewGuid():N}";

    /// <summary>Shared directory of this installation.</summary>
    public string Home { get; } = Directory.CreateTempSubdirectory("xi-e2e-").FullName;

    /// <summary>Connection string of the event store.</summary>
    public string Postgres => new NpgsqlConnectionStringBuilder(_server) { Database = _name }.ConnectionString;

    public static async Task<ProductProcess> CreateAsync()
    {
        var product = new ProductProcess();
        await product.ExecuteAsync($"create database {product._name}", product._server);
        await product.ExecuteAsync($"create database {product._name}_t", product._server);
        return product;
    }

    /// <summary>Runs SQL on the event store.</summary>
    public Task ExecuteAsync(string sql) => ExecuteAsync(sql, Postgres);

    /// <summary>Starts the command; the caller waits for it or kills it.</summary>
    public Process Start(params string[] args)
    {
        var program = Path.Combine(Tests.SharedData.Root, "src/Cli/bin", Configuration, "net10.0/xinstruct");
        var start = new ProcessStartInfo(program, args) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Tests.SharedData.Root };
        start.Environment["XINSTRUCT_HOME"] = Home;
        start.Environment["XINSTRUCT_POSTGRES"] = Postgres;
        start.Environment["TEMPORAL_STANDIN_DATABASE"] = new NpgsqlConnectionStringBuilder(_server) { Database = _name + "_t" }.ConnectionString;
        return Process.Start(start)!;
    }

    /// <summary>Runs the command to its end.</summary>
    public async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        using var process = Start(args);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await ExecuteAsync($"drop database if exists {_name} with (force)", _server);
        await ExecuteAsync($"drop database if exists {_name}_t with (force)", _server);
        Directory.Delete(Home, recursive: true);
    }

    private static string Configuration => AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug";

    private async Task ExecuteAsync(string sql, string server)
    {
        await using var connection = new NpgsqlConnection(server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
