using System.Net;
using System.Net.Sockets;
using XInstruct.Activities.Endpoints;
using XInstruct.Domain.Costs;

namespace XInstruct.Activities.Tests.Endpoints;

public sealed class OpenAiEndpointTests
{
    [Theory]
    [InlineData("http://127.0.0.1:9/v1")]
    [InlineData("https://nobody.invalid/v1")]
    public async Task AskAsync_NobodyThere_IsAMiss(string address) => (await AskAsync(new Uri(address))).ShouldBeOfType<ChatMiss>();

    [Fact]
    public async Task AskAsync_ConnectionNeverMade_IsAMiss()
    {
        // Nobody accepts: what comes after the backlog is full waits.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var place = (IPEndPoint)listener.LocalEndPoint!;
        var first = Enumerable.Range(0, 8).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToList();
        foreach (var socket in first) _ = socket.ConnectAsync(place);
        (await AskAsync(new Uri($"http://127.0.0.1:{place.Port}/v1"))).ShouldBeOfType<ChatMiss>();
        foreach (var socket in first) socket.Dispose();
    }

    private static async Task<ChatOutcome> AskAsync(Uri address)
    {
        using var endpoint = new OpenAiEndpoint(new EndpointSettings(address, "m", null, "max_tokens", 4, 1, 60, 0, 0, new ModelPrice(0, 0)), TimeSpan.FromSeconds(1));
        return await endpoint.AskAsync(new ChatRequest("", "Hello", 5, 0, 1, 0, false), CancellationToken.None);
    }
}
