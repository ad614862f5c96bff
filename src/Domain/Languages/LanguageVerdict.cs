namespace XInstruct.Domain.Languages;

/// <summary>Whether a text is in the language it is said to be in.</summary>
/// <param name="Best">Code of the profile that fits best; null when the text was not compared with profiles.</param>
/// <param name="IsDeclared">False only when the evidence against the declared language is clear.</param>
/// <param name="CheckedBy">profile; script for a language without a profile; none when nobody knows its script either.</param>
/// <param name="Margin">Nats by which the best other profile is ahead of the declared one; below 0, by how much the declared one leads; 0 without another.</param>
public readonly record struct LanguageVerdict(string? Best, bool IsDeclared, string CheckedBy, double Margin = 0)
{
    /// <summary>Scripts and character n-grams.</summary>
    public const string ByProfile = "profile";

    /// <summary>Scripts only.</summary>
    public const string ByScript = "script";

    /// <summary>Nothing to check by.</summary>
    public const string ByNothing = "none";
}
