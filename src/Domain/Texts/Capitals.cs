using System.Text;

namespace XInstruct.Domain.Texts;

/// <summary>Capitals among the letters that have case.</summary>
public static class Capitals
{
    // A script with case in a few foreign names only (LG, USB) says nothing about the text.
    private const int FewestLetters = 12;

    /// <summary>Share of capitals, 0 to 1, among the letters that have case; 0 when most letters of the text have none.</summary>
    public static double Share(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int upper = 0, lower = 0, uncased = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsUpper(rune)) upper++;
            else if (Rune.IsLower(rune)) lower++;
            else if (Rune.IsLetter(rune)) uncased++;
        }

        return upper + lower < FewestLetters || uncased > upper + lower ? 0 : (double)upper / (upper + lower);
    }
}
