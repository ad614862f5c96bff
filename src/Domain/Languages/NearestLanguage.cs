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

    /// <summary>" Did you mean 'sw' (Swahili)?"</summary>
    public static string Hint(string? code) => Of(code ?? "") is var (nearest, name) ? $" Did you mean '{nearest}' ({name})?" : "";

    /// <summary>The known code whose code, English or own name has the smallest edit distance; of several the shortest code, then the first.</summary>
    public static (string Code, string Name) Of(string code)
    {
        var wanted = code.Trim().Replace('_', '-').ToLowerInvariant();
        // A long paste is no code: its first characters say enough.
        if (wanted.Length > 40) wanted = wanted[..40];
        var nearest = Known.Value.MinBy(k => Distance(wanted, k.Written));
        return (nearest.Code, nearest.Name);
    }

    public static int Distance(string a, string b)
    {
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
