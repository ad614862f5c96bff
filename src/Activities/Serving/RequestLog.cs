using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using XInstruct.Activities.Serving.Protocol;
using XInstruct.Training.Generation;

namespace XInstruct.Activities.Serving;

/// <summary>Turns whatever goes wrong into an error of the API, and writes a line for each request: no text, no key.</summary>
/// <param name="next">The rest of the pipeline.</param>
/// <param name="options">What there is.</param>
/// <param name="logger">Where lines go.</param>
internal sealed class RequestLog(RequestDelegate next, ServingOptions options, ILogger<RequestLog> logger)
{
    /// <summary>What nobody reads any more; not of the standard, as nginx has it.</summary>
    private const int ClientGone = 499;

    private static readonly object s_usage = new();

    /// <summary>Notes what a request took.</summary>
    public static void Took(HttpContext context, Usage usage) => context.Items[s_usage] = usage;

    /// <summary>Handles a request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        var begun = Stopwatch.GetTimestamp();
        try
        {
            await next(context);
            if (context.Response is { StatusCode: 404 or 405, HasStarted: false, ContentType: null }) throw NotThere(context);
        }
        catch (ApiException e)
        {
            await SayAsync(context, e);
        }
        catch (BadHttpRequestException e)
        {
            var message = e.StatusCode == 413 ? "The body is longer than this server takes." : "The request could not be read.";
            await SayAsync(context, new ApiException(e.StatusCode, message, code: e.StatusCode == 413 ? "string_above_max_length" : null));
        }
        catch (EngineBusyException e)
        {
            context.Response.Headers.RetryAfter = "1";
            await SayAsync(context, new ApiException(429, e.Message, code: "rate_limit_exceeded", type: "rate_limit_error"));
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            if (!context.Response.HasStarted) context.Response.StatusCode = ClientGone;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            logger.LogError(e, "{Method} {Path} failed", context.Request.Method, context.Request.Path.Value);
            await SayAsync(context, new ApiException(500, "The server failed here; its log says why.", type: "server_error"));
        }

        var usage = context.Items.TryGetValue(s_usage, out var noted) ? (Usage?)noted : null;
        logger.LogDebug(
            "{Method} {Path} {Status} {Milliseconds:F0} ms, {Read} tokens read, {Written} written",
            context.Request.Method,
            context.Request.Path.Value,
            context.RequestAborted.IsCancellationRequested ? ClientGone : context.Response.StatusCode,
            Stopwatch.GetElapsedTime(begun).TotalMilliseconds,
            usage?.PromptTokens,
            usage?.CompletionTokens);
    }

    private ApiException NotThere(HttpContext context) => context.Response.StatusCode == 405
        ? new ApiException(405, $"{context.Request.Path.Value} does not take {context.Request.Method}.", code: "method_not_allowed")
        : new ApiException(404, $"There is no {context.Request.Path.Value} here. There are {options.Offers}.", code: "unknown_url");

    private static async Task SayAsync(HttpContext context, ApiException error)
    {
        if (context.Response.HasStarted)
        {
            // A stream that began well ends with the error as its last event, and without the mark of a whole one.
            await EventStream.Of(context).SendAsync(error.Reply);
            return;
        }

        context.Response.StatusCode = error.Status;
        await context.Response.WriteAsJsonAsync(error.Reply, Replies.Json, CancellationToken.None);
    }
}
