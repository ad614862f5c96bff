using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using XInstruct.Activities.Serving.Protocol;

namespace XInstruct.Activities.Serving;

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
        return new ModelServer(await LocalServer.StartAsync(
            options,
            loggers,
            app =>
            {
                app.MapGet("/health", context => context.Response.WriteAsJsonAsync(new { Status = "ok", Model = model.Name }, Replies.Json, context.RequestAborted));
                new CompletionEndpoints(model).Map(app);
            },
            ct));
    }

    /// <summary>Takes no more requests and lets those under way end, as long as <see cref="ServingOptions.Drain"/> allows.</summary>
    public Task StopAsync() => _app.StopAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
