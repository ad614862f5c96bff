using System.Globalization;

namespace XInstruct.Domain.Languages;

/// <summary>Finds what a mistyped code may have meant: by code or by English or own name.</summary>
internal static class NearestLanguage
{
    private static readonly Lazy<IReadOnlyList<(string Written, string Code, string Name)>> Known = new(() =>
    [
        .. CultureInfo.GetCultures(CultureTypes.AllCultures).Where(c => c.Name.Length > 0)
            .SelectMany(c => new[] { c.Name, c.EnglishName, c.NativeName }.Select(written => (Written: written.ToLowerInvariant(), Code: c.Name, Name: c.EnglishName)))
            .OrderBy(k => k.Code.Length).ThenBy(k => k.Code, StringComparer.Ordinal),
    ]);

    /// <summary>" Did you mean 'sw' (Swahili)?", or nothing when no known code or name is near.</summary>
    public static string Hint(string? code)
    {
        var wanted = (code ?? "").Trim().Replace('_', '-').ToLowerInvariant();
        if (wanted.Length is 0 or > 40) return "";
        var best = Known.Value.Select(k => (k.Code, k.Name, Distance: Distance(wanted, k.Written))).MinBy(k => k.Distance);
        return best.Distance <= Math.Max(1, wanted.Length / 3) ? $" Did you mean '{best.Code}' ({best.Name})?" : "";
    }

    /// <summary>Levenshtein distance.</summary>
    private static int Distance(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > 3) return int.MaxValue;
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                (diagonal, row[j]) = (row[j], cost);
            }
        }

        return row[^1];
    }
}
