using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using XInstruct.Activities.Serving.Protocol;

namespace XInstruct.Activities.Serving;

/// <summary>Server-sent events of a streamed reply, each flushed as it comes.</summary>
internal sealed class EventStream
{
    private static ReadOnlySpan<byte> Data => "data: "u8;

    private static ReadOnlySpan<byte> Break => "\n\n"u8;

    private readonly HttpContext _context;

    private EventStream(HttpContext context) => _context = context;

    /// <summary>Begins the reply.</summary>
    public static EventStream Begin(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        context.Response.Headers.CacheControl = "no-cache";
        // Proxies would gather the events.
        context.Response.Headers["X-Accel-Buffering"] = "no";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        return new EventStream(context);
    }

    /// <summary>The stream of a reply that began.</summary>
    public static EventStream Of(HttpContext context) => new(context);

    /// <summary>Sends an event.</summary>
    public async ValueTask SendAsync<T>(T reply)
    {
        var body = _context.Response.BodyWriter;
        body.Write(Data);
        body.Write(JsonSerializer.SerializeToUtf8Bytes(reply, Replies.Json));
        body.Write(Break);
        await body.FlushAsync(_context.RequestAborted);
    }

    /// <summary>Sends what OpenAI's clients take for the end.</summary>
    public async Task EndAsync()
    {
        _context.Response.BodyWriter.Write("data: [DONE]\n\n"u8);
        await _context.Response.BodyWriter.FlushAsync(_context.RequestAborted);
    }
}
