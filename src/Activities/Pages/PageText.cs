using System.Globalization;

namespace XInstruct.Activities.Pages;

/// <summary>Numbers as pages show them.</summary>
internal static class PageText
{
    /// <summary>A count, e.g. 12,345.</summary>
    public static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A share from 0 to 1, e.g. 12.5%.</summary>
    public static string Percent(double share) => share.ToString("P1", CultureInfo.InvariantCulture).Replace(" ", "", StringComparison.Ordinal);
}
