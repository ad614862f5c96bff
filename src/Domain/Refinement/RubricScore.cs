using System.Globalization;
using System.Text.RegularExpressions;

namespace XInstruct.Domain.Refinement;

/// <summary>
/// The verdict of an evaluator that is a prompt: 0 to 5 points on an additive rubric, read from the last line of its reply. The score is laid on the
/// scale of the three levels, 2/5 of a level a point, and split between the two levels it lies between: 4 points are 1.6, so 0.4 of level 1 and 0.6 of level 2.
/// </summary>
public static partial class RubricScore
{
    /// <summary>Points of a perfect pair.</summary>
    public const int Most = 5;

    /// <summary>Points of a reply; null when its last line that is not blank is no score.</summary>
    public static int? Parse(string reply)
    {
        var line = reply.TrimEnd();
        line = line[(line.LastIndexOf('\n') + 1)..];
        return line.Length <= 100 && Line().Match(line) is { Success: true } match ? int.Parse(match.Groups["points"].Value, CultureInfo.InvariantCulture) : null;
    }

    /// <summary>Probabilities of levels 0, 1 and 2.</summary>
    public static IReadOnlyList<double> Probabilities(int points)
    {
        var at = 2.0 * points / Most;
        return [.. Enumerable.Range(0, 3).Select(level => Math.Round(Math.Max(0, 1 - Math.Abs(at - level)), 6))];
    }

    /// <summary>The likelier level: 2 from 4 points, 1 from 2.</summary>
    public static int Level(int points) => (int)Math.Round(2.0 * points / Most);

    [GeneratedRegex(@"^[\s*_#>`]*score[*_\s]*[:=][*_\s`]*(?<points>[0-5])(\s*/\s*5)?[\s*_.`]*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Line();
}
