using System.Collections.Concurrent;

namespace XInstruct.Activities.Endpoints;

/// <summary>An endpoint as one process uses it: all its shards share the connections and the gate.</summary>
/// <param name="Settings">How it is used.</param>
/// <param name="Chat">Calls.</param>
/// <param name="Gate">Calls under way.</param>
/// <param name="RateName">Name under which its calls are counted.</param>
public sealed record EndpointUse(EndpointSettings Settings, IChatEndpoint Chat, AdaptiveGate Gate, string RateName)
{
    /// <summary>How far ahead moments are given to calls of one process; beyond that to one call at a time, so that a pace that changes soon shows.</summary>
    public static readonly TimeSpan Near = TimeSpan.FromMilliseconds(50);

    /// <summary>Held by the call whose moment is the next of this process.</summary>
    public SemaphoreSlim Turn { get; } = new(1, 1);

    /// <summary>Whether others were told that it gives no replies.</summary>
    public bool IsInTrouble { get; set; }

    private readonly Lock _lock = new();
    private double _inRatio = 1;
    private double _out = double.NaN;

    /// <summary>Tokens that a call will take, about: what calls before it took teaches that.</summary>
    public long Likely(ChatRequest request)
    {
        lock (_lock) return (long)Math.Ceiling((request.TokensLikely * _inRatio) + (double.IsNaN(_out) ? request.MaxTokens / 4.0 : _out));
    }

    /// <summary>Learns from a reply.</summary>
    public void Learn(ChatRequest request, long tokensIn, long tokensOut)
    {
        const double share = 0.1;
        lock (_lock)
        {
            _inRatio += share * ((tokensIn / (double)Math.Max(1, request.TokensLikely)) - _inRatio);
            _out = double.IsNaN(_out) ? tokensOut : _out + (share * (tokensOut - _out));
        }
    }
}

/// <summary>The endpoints that this process uses.</summary>
/// <param name="connect">Makes the connection to an endpoint.</param>
/// <param name="clock">Time.</param>
public sealed class EndpointPool(Func<EndpointSettings, IChatEndpoint> connect, TimeProvider clock) : IDisposable
{
    private readonly ConcurrentDictionary<EndpointSettings, EndpointUse> _uses = [];
    private readonly Lock _lock = new();

    /// <summary>Those asked so far, by model.</summary>
    public IReadOnlyList<EndpointUse> InUse => [.. _uses.Values.OrderBy(u => u.Settings.Model, StringComparer.Ordinal).ThenBy(u => u.Settings.BaseUrl.ToString(), StringComparer.Ordinal)];

    /// <summary>The endpoint with these settings.</summary>
    public EndpointUse Use(EndpointSettings settings)
    {
        lock (_lock)
        {
            return _uses.GetOrAdd(settings, s => new EndpointUse(s, connect(s), new AdaptiveGate(s.Concurrency, s.Tries, clock), RateLimits.Name(s)));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var use in _uses.Values) (use.Chat as IDisposable)?.Dispose();
    }
}
