using System.Buffers;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Training.Generation;

/// <summary>A request that an engine works on.</summary>
internal sealed class EngineRow(EngineRequest request, RunningGeneration generation, StopText text, int limit, bool isShareable)
{
    private static readonly string[] MemoryWords = ["out of memory", "not enough memory", "can't allocate memory"];
    private readonly int[] _tokens = Room(request.Prompt, limit);
    private readonly DeterministicRandom _random = new(request.Seed);
    private int _count = request.Prompt.Count;

    public RunningGeneration Generation => generation;

    /// <summary>Where its keys and values are; −1 while it waits.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Tokens whose keys and values are in the cache.</summary>
    public int Filled { get; set; }

    /// <summary>Prompt tokens that are not in the cache.</summary>
    public int Remaining => request.Prompt.Count - Filled;

    /// <summary>The prompt.</summary>
    public ReadOnlySpan<int> Prompt => _tokens.AsSpan(0, request.Prompt.Count);

    /// <summary>The tokens whose keys and values are in the cache.</summary>
    public ReadOnlySpan<int> Known => _tokens.AsSpan(0, Filled);

    /// <summary>Whether the caller has been told the end.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Whether what is known of another text that begins alike holds for this one: with dynamic rope scaling, keys depend on the text's length.</summary>
    public bool IsShareable => isShareable;

    /// <summary>Whether a row of logits is needed, rather than the most probable token alone.</summary>
    public bool NeedsLogits => !request.Sampling.IsPlainGreedy || request.TopLogProbabilities > 0;

    /// <summary>Whether the most probable tokens may do in place of a row of logits.</summary>
    public bool MayTakeCandidates => request.TopLogProbabilities <= CandidateSampler.Count && (request.Sampling.IsPlainGreedy || CandidateSampler.MayDo(request.Sampling));

    /// <summary>By what logits are divided before tokens are drawn.</summary>
    public float Temperature => request.Sampling.Temperature > 0 ? (float)request.Sampling.Temperature : 1;

    /// <summary>A row for a request, if it can be worked on.</summary>
    /// <exception cref="ArgumentException">It cannot.</exception>
    public static EngineRow Of(EngineRequest request, DecoderConfig config, EngineOptions options, TextTokenizer? tokenizer, Action wake)
    {
        ArgumentNullException.ThrowIfNull(request);
        var context = options.MaxContext ?? config.MaxPositions;
        if (request.Prompt.Count == 0) throw new ArgumentException("A prompt needs at least one token.", nameof(request));
        foreach (var id in request.Prompt)
        {
            if (id < 0 || id >= config.VocabularySize) throw new ArgumentException($"The prompt has the id {id}; the model knows ids from 0 to {config.VocabularySize - 1}.", nameof(request));
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(request.MaxNewTokens);
        ArgumentOutOfRangeException.ThrowIfNegative(request.TopLogProbabilities);
        if (request.StopTexts.Any(string.IsNullOrEmpty)) throw new ArgumentException("A stop text is empty.", nameof(request));
        if (request.StopTexts.Count > 0 && tokenizer is null) throw new ArgumentException("Stop texts need an engine with a tokenizer.", nameof(request));
        if (request.Prompt.Count >= context) throw new PromptTooLongException(request.Prompt.Count, context);
        var text = new StopText(tokenizer?.Stream(request.SkipSpecialTokens), request.StopTexts);
        var limit = (int)Math.Min(context, (long)request.Prompt.Count + request.MaxNewTokens);
        var isShareable = config.RopeScaling is not { Kind: "dynamic" } dynamic || limit <= dynamic.OriginalPositions;
        return new EngineRow(request, new RunningGeneration(request.Prompt.Count, wake), text, limit, isShareable);
    }

    /// <summary>The next tokens that must be worked out, so many of them.</summary>
    public SlotRow Next(int count) => new(Slot, Filled, _tokens.AsMemory(Filled, count), Math.Max(request.Prompt.Count, Filled + count));

    /// <summary>Takes the most probable token.</summary>
    public void Take(int id, float logProbability) => Add(id, logProbability, []);

    /// <summary>Chooses from a row of logits, which is changed; the total is what makes log-probabilities of them.</summary>
    public void Choose(Span<float> logits, float total)
    {
        Check(total);
        var alternatives = Alternatives(TokenSampler.Top(logits, request.TopLogProbabilities), total);
        var raw = ArrayPool<float>.Shared.Rent(logits.Length);
        logits.CopyTo(raw);
        TokenSampler.Filter(logits, _tokens.AsSpan(0, _count), request.Sampling);
        var chosen = request.Sampling.Temperature > 0 ? TokenSampler.Draw(logits, _random) : TokenSampler.Greedy(logits);
        var logProbability = raw[chosen] - total;
        ArrayPool<float>.Shared.Return(raw);
        Add(chosen, logProbability, alternatives);
    }

    /// <summary>Chooses from the most probable tokens, the best first; false when they do not tell enough.</summary>
    public bool TryChoose(ReadOnlySpan<float> logits, ReadOnlySpan<int> ids, float total, float scaledTotal, int vocabulary)
    {
        Check(total);
        var place = 0;
        if (request.Sampling.Temperature > 0)
        {
            Span<float> scaled = stackalloc float[logits.Length];
            for (var i = 0; i < scaled.Length; i++) scaled[i] = logits[i] / (float)request.Sampling.Temperature;
            if (CandidateSampler.Draw(scaled, ids, scaledTotal, vocabulary, request.Sampling, _random) is not { } drawn) return false;
            place = drawn;
        }

        var top = new (int, float)[request.TopLogProbabilities];
        for (var i = 0; i < top.Length; i++) top[i] = (ids[i], logits[i]);
        Add(ids[place], logits[place] - total, Alternatives(top, total));
        return true;
    }

    public void End(FinishReason reason)
    {
        IsDone = true;
        generation.End(reason);
    }

    public void Fail(Exception error)
    {
        IsDone = true;
        var remedy = MemoryWords.Any(words => error.Message.Contains(words, StringComparison.OrdinalIgnoreCase)) ? " Lower the context or the rows that are worked on together." : "";
        generation.Fail(error as GenerationFailedException ?? new GenerationFailedException($"The request failed: {error.Message}{remedy}", error));
    }

    private void Add(int id, float logProbability, IReadOnlyList<TokenAlternative> alternatives)
    {
        Check(logProbability);
        var isStop = request.StopIds.Contains(id);
        var piece = isStop ? "" : text.Next(id);
        if (!isStop && !text.IsStopped) _tokens[_count++] = id;
        var isFull = _count == _tokens.Length;
        if (isStop || isFull) piece += text.Finish();
        generation.Add(new GeneratedToken(id, piece, logProbability, alternatives));
        if (isStop || text.IsStopped) End(FinishReason.Stop);
        else if (isFull) End(FinishReason.Length);
    }

    // A token without a probability comes from numbers that are none.
    private static void Check(float probability)
    {
        if (float.IsNaN(probability)) throw new GenerationFailedException("The model gave logits that are no numbers.");
    }

    private static IReadOnlyList<TokenAlternative> Alternatives((int Id, float Logit)[] top, float total) => [.. top.Select(one => new TokenAlternative(one.Id, one.Logit - total))];

    private static int[] Room(IReadOnlyList<int> prompt, int limit)
    {
        var tokens = new int[limit];
        for (var i = 0; i < prompt.Count; i++) tokens[i] = prompt[i];
        return tokens;
    }
}
