using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using XInstruct.Activities.Serving.Protocol;

namespace XInstruct.Activities.Serving;

/// <summary>The port is another's, or the address not this machine's.</summary>
public sealed class AddressException(string message, Exception inner) : Exception(message, inner);

/// <summary>A local model behind the OpenAI API, on this process' own Kestrel.</summary>
public sealed class ModelServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ModelServer(WebApplication app) => _app = app;

    /// <summary>Address up to and with the port.</summary>
    public Uri Address => new(_app.Urls.First());

    /// <summary>Starts to listen.</summary>
    /// <param name="model">The model; whoever loaded it disposes of it.</param>
    /// <param name="options">Where, and who may ask.</param>
    /// <param name="loggers">Where a line for each request goes.</param>
    /// <param name="ct">Cancellation of the start.</param>
    /// <exception cref="ArgumentException">Without a token it would listen to other machines.</exception>
    /// <exception cref="AddressException">The port is taken.</exception>
    public static async Task<ModelServer> StartAsync(ServedModel model, ServingOptions options, ILoggerFactory loggers, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Token is null && !IPAddress.IsLoopback(options.Address))
            throw new ArgumentException($"Without a key a model is served on this machine only, not on {options.Address}.", nameof(options));
        // Nothing but what is said here: no settings of files, variables or the folder that the command runs in.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
            kestrel.Listen(options.Address, options.Port);
        });
        builder.Services.AddRoutingCore().AddSingleton(options).AddSingleton(loggers).AddSingleton<IHostLifetime, QuietLifetime>()
            .Configure<HostOptions>(host => host.ShutdownTimeout = options.Drain);
        var app = builder.Build();
        app.UseMiddleware<RequestLog>().UseMiddleware<AccessRules>().UseRouting();
        app.MapGet("/health", context => context.Response.WriteAsJsonAsync(new { Status = "ok", Model = model.Name }, Replies.Json, context.RequestAborted));
        new CompletionEndpoints(model).Map(app);
        try
        {
            await app.StartAsync(ct);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            await app.DisposeAsync();
            throw new AddressException($"Port {options.Port} of {options.Address} is taken by another program. --port takes another, 0 any that is free.", e);
        }
        catch (System.Net.Sockets.SocketException e)
        {
            await app.DisposeAsync();
            throw new AddressException($"{options.Address}, port {options.Port} cannot be listened on: {e.Message}.", e);
        }

        return new ModelServer(app);
    }

    /// <summary>Takes no more requests and lets those under way end, as long as <see cref="ServingOptions.Drain"/> allows.</summary>
    public Task StopAsync() => _app.StopAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>Signals are the command's.</summary>
    private sealed class QuietLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
