using System.Collections.Frozen;

namespace XInstruct.Domain.Statistics;

/// <summary>
/// Verb and object of an English instruction by a rule, not by a parser: the verb is the first word behind courtesies such as "please" or "could you";
/// the object is the last word of the first run of words behind it that is free of function words, so the head of the first noun phrase in most
/// imperatives. A question or fragment gives what the rule gives: figures made with it are a sketch.
/// </summary>
/// <param name="Verb">Lower-case word.</param>
/// <param name="Object">Lower-case word; null when no word follows.</param>
public readonly record struct InstructionPhrase(string Verb, string? Object)
{
    private static readonly FrozenSet<string> Courtesies = Words("please kindly can could would will you now then just and also first");

    // Articles, pronouns and quantifiers stand before a noun phrase, and do not end one that has not begun.
    private static readonly FrozenSet<string> Openers = Words(
        "a an the this that these those my your his her its our their me us him them you it some any each every all both another one more");

    private static readonly FrozenSet<string> Closers = Words(
        "about above across after against along among and around as at because before behind below between but by during for from how if in into is are was were "
        + "like near of off on onto or over per since so than that through to toward towards under until up upon using via what when where whether which while who "
        + "whose why will with within without");

    /// <summary>The phrase at the beginning of <paramref name="instruction"/>; null when it has no word.</summary>
    public static InstructionPhrase? Of(string instruction)
    {
        ArgumentNullException.ThrowIfNull(instruction);
        var words = new WordReader(instruction);
        string? verb = null;
        while (words.Next(out var word, out _))
        {
            if (Courtesies.Contains(word)) continue;
            verb = word;
            break;
        }

        if (verb is null) return null;
        string? head = null;
        while (words.Next(out var word, out var isBroken))
        {
            if (head is not null && (isBroken || Closers.Contains(word) || Openers.Contains(word))) break;
            if (!Openers.Contains(word) && !Closers.Contains(word)) head = word;
        }

        return new InstructionPhrase(verb, head);
    }

    private static FrozenSet<string> Words(string words) => words.Split(' ').ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Words of a text: letters, with hyphens and apostrophes inside.</summary>
    private ref struct WordReader(ReadOnlySpan<char> text)
    {
        private ReadOnlySpan<char> _rest = text;

        /// <summary>Next word in lower case.</summary>
        /// <param name="word">The word.</param>
        /// <param name="isBroken">Something other than blanks stands before it.</param>
        public bool Next(out string word, out bool isBroken)
        {
            isBroken = false;
            var start = 0;
            while (start < _rest.Length && !char.IsLetter(_rest[start])) isBroken |= !char.IsWhiteSpace(_rest[start++]);
            var end = start;
            while (end < _rest.Length && (char.IsLetter(_rest[end]) || (_rest[end] is '-' or '\'' or '’' && end + 1 < _rest.Length && char.IsLetter(_rest[end + 1])))) end++;
            word = _rest[start..end].ToString().ToLowerInvariant();
            _rest = _rest[end..];
            return word.Length > 0;
        }
    }
}
