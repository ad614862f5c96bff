using System.Globalization;
using System.Text.RegularExpressions;

namespace XInstruct.Domain.Judging;

/// <summary>Two answers' scores in the order in which the judge saw them; 0 to 10.</summary>
/// <param name="First">Of the answer that came first.</param>
/// <param name="Second">Of the other.</param>
public readonly record struct PairScores(int First, int Second);

/// <summary>What judges' replies say. What cannot be read is null: its own outcome, never a score.</summary>
public static partial class JudgeReplies
{
    /// <summary>
    /// A single answer's score as komt's published table counts it: the whole reply, trimmed, is a digit, with or without "Score:" before it. There an
    /// unreadable reply counts 0.
    /// </summary>
    public static int? Single(string reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return WholeDigit().Match(reply.Trim()) is { Success: true } match ? match.Groups["score"].ValueSpan[0] - '0' : null;
    }

    /// <summary>Scores of two answers between the tags score1 and score2; the last of each counts. Null when one is missing or above 10.</summary>
    public static PairScores? Pair(string reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return Last(FirstTag(), reply) is { } first && Last(SecondTag(), reply) is { } second ? new PairScores(first, second) : null;
    }

    private static int? Last(Regex tag, string reply) =>
        tag.Matches(reply) is { Count: > 0 } found && int.Parse(found[^1].Groups["score"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) is var score and <= 10 ? score : null;

    [GeneratedRegex(@"^(Score: ?)?(?<score>[0-9])$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex WholeDigit();

    [GeneratedRegex(@"<score1>\s*(?<score>[0-9]{1,3})\s*</score1>", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex FirstTag();

    [GeneratedRegex(@"<score2>\s*(?<score>[0-9]{1,3})\s*</score2>", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex SecondTag();
}
