namespace XInstruct.Domain.Texts;

/// <summary>Whether a text can be stored at all: PostgreSQL and JSON take neither NUL nor half a surrogate pair.</summary>
public static class WellFormedText
{
    /// <summary>Why the text cannot be stored, for a log or a page; null when it can.</summary>
    public static string? Defect(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        for (var i = 0; i < text.Length; i++)
        {
            var unit = text[i];
            if (unit == '\0') return $"NUL at UTF-16 unit {i}";
            if (!char.IsSurrogate(unit)) continue;
            if (char.IsLowSurrogate(unit) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1])) return $"lone surrogate U+{(int)unit:X4} at UTF-16 unit {i}";
            i++;
        }

        return null;
    }

    /// <summary>Code points of a well-formed text: the unit of every length limit.</summary>
    public static int CodePoints(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var count = text.Length;
        foreach (var unit in text)
        {
            if (char.IsLowSurrogate(unit)) count--;
        }

        return count;
    }
}
