using XInstruct.Domain.Prompts;
using XInstruct.Training.Tokenizers;
using XInstruct.Training.Tuning;

namespace XInstruct.Activities.Models;

/// <summary>A prompt template over a tokenizer: what stands before the text, the text, and what stands after it, in tokens.</summary>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="template">Template whose {text} slot, if it has one, is the part that is cut to size and may be disturbed in training.</param>
/// <param name="maxTextTokens">Tokens of the text that the model sees: its first and last half of this many.</param>
public sealed class ModelPrompt(TextTokenizer tokenizer, string template, int maxTextTokens)
{
    /// <summary>Token that ends every completion.</summary>
    public const string End = "<|end|>";

    /// <summary>Special tokens of tokenizers that XInstruct trains.</summary>
    public static IReadOnlyList<string> SpecialTokens { get; } = ["<|pad|>", End, "<|text|>", "<|instruction|>", "<|rating|>"];

    private readonly PromptTemplate _template = PromptTemplate.Parse(template);

    /// <summary>Id of the end token; the tokenizer's own end of text when it has no <see cref="End"/>.</summary>
    public int EndId { get; } = EndOf(tokenizer, "");

    /// <summary>Id of the token that ends a completion.</summary>
    /// <exception cref="TokenizerFileException">There is none.</exception>
    public static int EndOf(TextTokenizer tokenizer, string folder) =>
        tokenizer.FindId(End) ?? tokenizer.FindId("</s>") ?? tokenizer.FindId("<|endoftext|>") ?? tokenizer.FindId("<|im_end|>") ?? throw new TokenizerFileException(
            Path.Combine(folder, TextTokenizer.FileName), "added_tokens", $"has none of {End}, </s>, <|endoftext|>, <|im_end|>: generation would never stop");

    /// <summary>A training example.</summary>
    public TrainingExample Example(IReadOnlyDictionary<string, string> slots, string completion, double weight)
    {
        var (prefix, text, suffix) = Parts(slots);
        return new TrainingExample(prefix, text, suffix, Completion(completion), weight);
    }

    /// <summary>A whole prompt.</summary>
    public int[] Prompt(IReadOnlyDictionary<string, string> slots)
    {
        var (prefix, text, suffix) = Parts(slots);
        return [.. prefix, .. text, .. suffix];
    }

    /// <summary>A completion with its end token.</summary>
    public int[] Completion(string completion) => [.. Cut(tokenizer.Encode(completion)), EndId];

    /// <summary>Text of a completion's tokens, without the end token.</summary>
    public string Text(ReadOnlySpan<int> ids)
    {
        var end = ids.IndexOf(EndId);
        return tokenizer.Decode(end < 0 ? ids : ids[..end], skipSpecialTokens: true).Trim();
    }

    private (int[] Prefix, int[] Text, int[] Suffix) Parts(IReadOnlyDictionary<string, string> slots)
    {
        // The template's own literals may name special tokens; what fills a slot is plain text and never does.
        var (before, text, after) = (new List<int>(), Array.Empty<int>(), new List<int>());
        var current = before;
        foreach (var segment in _template.Segments)
        {
            if (segment.Slot is null)
            {
                current.AddRange(tokenizer.Encode(segment.Text));
            }
            else if (segment.Slot == "text")
            {
                text = Cut(Plain(slots["text"]));
                current = after;
            }
            else
            {
                current.AddRange(Plain(slots[segment.Slot]));
            }
        }

        return ([.. before], text, [.. after]);
    }

    private int[] Plain(string value) => tokenizer.Encode(Defuse(value, tokenizer.AddedTokens));

    /// <summary>Text that spells a special token stays text: a zero-width joiner breaks the spelling.</summary>
    internal static string Defuse(string value, IEnumerable<AddedToken> tokens)
    {
        foreach (var token in tokens)
        {
            if (token.Content.Length > 1 && value.Contains(token.Content, StringComparison.Ordinal))
            {
                value = value.Replace(token.Content, token.Content[..1] + "\u200D" + token.Content[1..], StringComparison.Ordinal);
            }
        }

        return value;
    }

    private int[] Cut(int[] ids) =>
        ids.Length <= maxTextTokens ? ids : [.. ids[..(maxTextTokens / 2)], .. ids[^((maxTextTokens + 1) / 2)..]];
}
