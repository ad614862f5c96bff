using XInstruct.Training.Tokenizers;
using Decoder = XInstruct.Training.Models.Decoder;

namespace XInstruct.Training.Generation;

/// <summary>
/// Continues prompts that come at any time, together: a finished row leaves after its step and the next prompt enters. One thread of its own does
/// the work; any thread may submit. The model stays the caller's, and must not be changed while the engine lives. What a request gets depends on
/// its company by no more than rounding in the last digits.
/// </summary>
public sealed class GenerationEngine : IDisposable
{
    private readonly Decoder _model;
    private readonly TextTokenizer? _tokenizer;
    private readonly EngineOptions _options;
    private readonly EngineLoop _loop;

    /// <summary>Starts an engine.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer; without one, tokens have no text and there are no stop texts.</param>
    /// <param name="options">What it may use.</param>
    public GenerationEngine(Decoder model, TextTokenizer? tokenizer = null, EngineOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        _options = options ?? new EngineOptions();
        Check(_options);
        (_model, _tokenizer) = (model, tokenizer);
        _loop = new EngineLoop(model, _options);
    }

    /// <summary>Tokens of prompt and continuation at most.</summary>
    public int Context => _options.MaxContext ?? _model.Config.MaxPositions;

    /// <summary>Ids are below this.</summary>
    public int VocabularySize => _model.Config.VocabularySize;

    /// <summary>What it does now and has done.</summary>
    public EngineStatus Status => _loop.Status;

    /// <summary>Hands in a prompt; requests are begun in the order of these calls.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellation">Cancels it.</param>
    /// <exception cref="PromptTooLongException">The prompt does not fit the context.</exception>
    /// <exception cref="ArgumentException">The request is wrong in itself.</exception>
    /// <exception cref="EngineBusyException">Too many requests wait.</exception>
    /// <exception cref="ObjectDisposedException">The engine is disposed.</exception>
    public RunningGeneration Submit(EngineRequest request, CancellationToken cancellation = default)
    {
        var row = EngineRow.Of(request, _model.Config, _options, _tokenizer, _loop.Wake);
        _loop.Add(row);
        row.Generation.CancelWith(cancellation);
        return row.Generation;
    }

    /// <summary>Ends all requests as cancelled and the thread.</summary>
    public void Dispose() => _loop.Dispose();

    /// <summary>What must hold for options.</summary>
    internal static void Check(EngineOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaxRows);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.TokenBudget, options.MaxRows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Threads);
        ArgumentOutOfRangeException.ThrowIfNegative(options.PrefixCacheTokens);
    }
}
