using System.Net;

namespace XInstruct.Activities.Serving;

/// <summary>Where a model is served and who may ask.</summary>
public sealed record ServingOptions
{
    /// <summary>Address to listen on.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>Port to listen on; 0 for any that is free.</summary>
    public int Port { get; init; } = 8000;

    /// <summary>Key that callers must send; null for none, which only an address of this machine may have.</summary>
    public string? Token { get; init; }

    /// <summary>Names that callers may call this server by, beside its addresses, localhost and the machine's name.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>What there is, for those who ask for something else.</summary>
    public string Offers { get; init; } = "GET /v1/models, POST /v1/chat/completions, POST /v1/completions and GET /health";

    /// <summary>Longest body in bytes.</summary>
    public long MaxBodyBytes { get; init; } = 16 << 20;

    /// <summary>How long replies under way may go on after a stop.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);
}
