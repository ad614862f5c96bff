using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace XInstruct.Activities.Serving;

/// <summary>The port is another's, or the address not this machine's.</summary>
public sealed class AddressException(string message, Exception inner) : Exception(message, inner);

/// <summary>Kestrel with <see cref="AccessRules"/>, and nothing but what is said here: no settings of files, variables or the folder that the command runs in.</summary>
internal static class LocalServer
{
    /// <summary>Starts to listen.</summary>
    /// <param name="options">Where, and who may ask.</param>
    /// <param name="loggers">Where a line for each request goes; null for nowhere.</param>
    /// <param name="map">Adds the endpoints.</param>
    /// <param name="ct">Cancellation of the start.</param>
    /// <exception cref="ArgumentException">Without a token it would listen to other machines.</exception>
    /// <exception cref="AddressException">The port is taken.</exception>
    public static async Task<WebApplication> StartAsync(ServingOptions options, ILoggerFactory? loggers, Action<WebApplication> map, CancellationToken ct)
    {
        if (options.Token is null && !IPAddress.IsLoopback(options.Address))
            throw new ArgumentException($"Without a key only this machine may ask, not {options.Address}.", nameof(options));
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
            kestrel.Listen(options.Address, options.Port);
        });
        builder.Services.AddRoutingCore().AddSingleton(options).AddSingleton<IHostLifetime, QuietLifetime>()
            .Configure<HostOptions>(host => host.ShutdownTimeout = options.Drain);
        builder.Services.AddSingleton(loggers ?? Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        var app = builder.Build();
        app.UseMiddleware<RequestLog>().UseMiddleware<AccessRules>().UseRouting();
        map(app);
        try
        {
            await app.StartAsync(ct);
            return app;
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            await app.DisposeAsync();
            throw new AddressException($"Port {options.Port} of {options.Address} is taken by another program. Name another, or 0 for any that is free.", e);
        }
        catch (System.Net.Sockets.SocketException e)
        {
            await app.DisposeAsync();
            throw new AddressException($"{options.Address}, port {options.Port} cannot be listened on: {e.Message}.", e);
        }
    }

    /// <summary>Signals are the command's.</summary>
    private sealed class QuietLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
