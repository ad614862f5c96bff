using XInstruct.Training.Tokenizers;

namespace XInstruct.Training.Scoring;

/// <summary>The tokens of a context and of the text that follows it, as lm-evaluation-harness cuts them.</summary>
public static class PairEncoder
{
    /// <summary>
    /// Encodes both together and cuts after as many tokens as the context has alone; blanks that end the context go to the continuation. What the
    /// tokenizer's template puts before a text comes first; an empty context is that, or <paramref name="begin"/>.
    /// </summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="context">What comes before.</param>
    /// <param name="continuation">What is scored.</param>
    /// <param name="begin">The id that stands for an empty context where the template puts nothing before a text.</param>
    /// <exception cref="ArgumentException">The continuation has no token of its own.</exception>
    public static ScoreRequest Encode(TextTokenizer tokenizer, string context, string continuation, int? begin)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(continuation);
        var head = context.TrimEnd();
        var whole = tokenizer.Encode(head + context[head.Length..] + continuation);
        int[] prompt = [.. tokenizer.Prefix, .. head.Length == 0 ? [] : tokenizer.Encode(head)];
        var completion = whole[Math.Min(whole.Length, prompt.Length - tokenizer.Prefix.Count)..];
        if (completion.Length == 0) throw new ArgumentException("The continuation has no token of its own.", nameof(continuation));
        if (prompt.Length == 0) prompt = begin is { } id ? [id] : throw new ArgumentException("The context is empty, and the model has no token that begins a text.", nameof(context));
        return new ScoreRequest(prompt, completion);
    }
}
