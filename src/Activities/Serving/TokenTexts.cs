using System.Collections.Concurrent;
using System.Text;
using XInstruct.Activities.Serving.Protocol;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Serving;

/// <summary>What single tokens are as text, for log-probabilities.</summary>
/// <param name="tokenizer">The model's tokenizer.</param>
internal sealed class TokenTexts(TextTokenizer tokenizer)
{
    private const double Never = -9999;

    private readonly ConcurrentDictionary<int, string> _texts = new();

    /// <summary>Text of a token in the midst of others: one that begins a word has its space. A part of a character is U+FFFD.</summary>
    public string this[int id] => _texts.GetOrAdd(id, TextOf);

    /// <summary>JSON knows no infinity.</summary>
    public static double Finite(double logProbability) => double.IsFinite(logProbability) ? logProbability : Never;

    /// <summary>The token of a place, as it is told.</summary>
    public ChosenTokenReply Reply(TextStep step) => new(
        this[step.Id!.Value], Finite(step.LogProbability), Bytes(this[step.Id.Value]), [.. step.Alternatives.Select(a => new TokenReply(this[a.Id], Finite(a.LogProbability), Bytes(this[a.Id])))]);

    private static IReadOnlyList<int>? Bytes(string text) => text.Contains('\uFFFD', StringComparison.Ordinal) ? null : [.. Encoding.UTF8.GetBytes(text).Select(b => (int)b)];

    private string TextOf(int id)
    {
        // Decoders drop the space before the first token only, so the second of two equal ones shows it.
        var one = tokenizer.Decode([id]);
        var two = tokenizer.Decode([id, id]);
        return two.StartsWith(one, StringComparison.Ordinal) ? two[one.Length..] : one;
    }
}
