using System.Threading.Channels;

namespace XInstruct.Training.Generation;

/// <summary>
/// A continuation that an engine works on: its tokens as they come, once. Cancelling, and leaving the enumeration early, frees its place at the
/// engine's next step.
/// </summary>
public sealed class RunningGeneration : IAsyncEnumerable<GeneratedToken>
{
    private readonly Channel<GeneratedToken> _tokens = Channel.CreateUnbounded<GeneratedToken>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly TaskCompletionSource<FinishReason> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action _wake;
    private CancellationTokenRegistration _registration;
    private int _isRead;
    private volatile bool _isCancelled;

    internal RunningGeneration(int promptTokens, Action wake) => (PromptTokens, _wake) = (promptTokens, wake);

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens { get; }

    /// <summary>Tokens of the prompt that were found in the prefix cache; known when the first token comes.</summary>
    public int ReusedTokens { get; internal set; }

    /// <summary>Tokens that came so far, a stop id included.</summary>
    public int NewTokens { get; private set; }

    /// <summary>Why it ended; null while it goes on and when it failed.</summary>
    public FinishReason? FinishReason => _completion.Task.IsCompletedSuccessfully ? _completion.Task.Result : null;

    /// <summary>Ends with the reason, or fails as the request did; nobody needs to read the tokens for that.</summary>
    public Task<FinishReason> Completion => _completion.Task;

    internal bool IsCancelled => _isCancelled;

    /// <summary>Ends it at the engine's next step; what came stays.</summary>
    public void Cancel()
    {
        _isCancelled = true;
        _wake();
    }

    /// <summary>The tokens. When the token is cancelled so is the generation, and the enumeration throws.</summary>
    /// <exception cref="GenerationFailedException">The request failed.</exception>
    public async IAsyncEnumerator<GeneratedToken> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _isRead, 1) == 1) throw new InvalidOperationException("The tokens of a generation can be read once.");
        try
        {
            await foreach (var token in _tokens.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false)) yield return token;
        }
        finally
        {
            if (!_completion.Task.IsCompleted) Cancel();
        }
    }

    /// <summary>The tokens that came since the last call.</summary>
    internal List<GeneratedToken> Taken()
    {
        var tokens = new List<GeneratedToken>();
        while (_tokens.Reader.TryRead(out var token)) tokens.Add(token);
        return tokens;
    }

    internal void CancelWith(CancellationToken token) => _registration = token.Register(Cancel);

    internal void Add(GeneratedToken token)
    {
        NewTokens++;
        _tokens.Writer.TryWrite(token);
    }

    internal void End(FinishReason reason)
    {
        _registration.Unregister();
        _completion.TrySetResult(reason);
        _tokens.Writer.TryComplete();
    }

    internal void Fail(Exception error)
    {
        _registration.Unregister();
        if (_completion.TrySetException(error)) _ = _completion.Task.Exception;
        _tokens.Writer.TryComplete(error);
    }
}
