using System.Text;

namespace XInstruct.Domain.Costs;

/// <summary>Tokens of a text for a tokenizer that is not known.</summary>
public static class TokenEstimate
{
    // What a chat template puts around each message, generously.
    private const int Overhead = 32;

    /// <summary>A fair guess: four ASCII characters, or one and a quarter others, to a token.</summary>
    public static int Likely(string text)
    {
        var (ascii, other) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.IsAscii) ascii++;
            else other++;
        }

        return (int)Math.Ceiling((ascii / 4.0) + (other * 0.8));
    }

    /// <summary>Never less than the truth for a tokenizer over bytes: one token a byte.</summary>
    public static int AtMost(IEnumerable<string> messages) => messages.Sum(m => Encoding.UTF8.GetByteCount(m) + Overhead);
}
