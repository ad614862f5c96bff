using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;
using XInstruct.Training.Tuning;
using static TorchSharp.torch;
using Decoder = XInstruct.Training.Models.Decoder;

namespace XInstruct.Training.Generation;

/// <summary>
/// Continues prompts that come at any time, together: a finished row leaves after its step and the next prompt enters. One thread of its own does
/// the work; any thread may submit. The model stays the caller's, and must not be changed while the engine lives. What a request gets depends on
/// its company by no more than rounding in the last digits.
/// </summary>
public sealed class GenerationEngine : IDisposable
{
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
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_options.MaxRows);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(_options.TokenBudget, _options.MaxRows);
        _tokenizer = tokenizer;
        Context = _options.MaxContext ?? model.Config.MaxPositions;
        VocabularySize = model.Config.VocabularySize;
        _loop = new EngineLoop(model, _options);
    }

    /// <summary>Tokens of prompt and continuation at most.</summary>
    public int Context { get; }

    /// <summary>Ids are below this.</summary>
    public int VocabularySize { get; }

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
        ArgumentNullException.ThrowIfNull(request);
        if (request.Prompt.Count == 0) throw new ArgumentException("A prompt needs at least one token.", nameof(request));
        if (request.Prompt.FirstOrDefault(id => (uint)id >= (uint)VocabularySize, -1) is var wrong && request.Prompt.Any(id => (uint)id >= (uint)VocabularySize))
            throw new ArgumentException($"The prompt has the id {wrong}; the model knows ids from 0 to {VocabularySize - 1}.", nameof(request));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(request.MaxNewTokens);
        ArgumentOutOfRangeException.ThrowIfNegative(request.TopLogProbabilities);
        if (request.StopTexts.Any(string.IsNullOrEmpty)) throw new ArgumentException("A stop text is empty.", nameof(request));
        if (request.StopTexts.Count > 0 && _tokenizer is null) throw new ArgumentException("Stop texts need an engine with a tokenizer.", nameof(request));
        if (request.Prompt.Count >= Context) throw new PromptTooLongException(request.Prompt.Count, Context);
        var generation = new RunningGeneration(request.Prompt.Count, _loop.Wake);
        var text = new StopText(_tokenizer?.Stream(request.SkipSpecialTokens), request.StopTexts);
        _loop.Add(new EngineRow(request, generation, text, (int)Math.Min(Context, (long)request.Prompt.Count + request.MaxNewTokens)));
        generation.CancelWith(cancellation);
        return generation;
    }

    /// <summary>Ends all requests as cancelled and the thread.</summary>
    public void Dispose() => _loop.Dispose();
}
