namespace XInstruct.Domain.Languages;

/// <summary>What a language check could stand on.</summary>
public enum LanguageCheck
{
    /// <summary>Nothing: neither the language's scripts nor its n-grams are known.</summary>
    None,

    /// <summary>Scripts only: there is no profile of the language.</summary>
    Script,

    /// <summary>Scripts and character n-grams.</summary>
    Profile,
}

/// <summary>Whether a text is in the language it is said to be in.</summary>
/// <param name="Best">Code of the profile that fits best; null when the text was not compared with profiles.</param>
/// <param name="IsDeclared">False only when the evidence against the declared language is clear.</param>
/// <param name="Margin">Nats by which the best profile is ahead of the declared one; below 0, by how much the declared one leads.</param>
/// <param name="CheckedBy">What the verdict stands on.</param>
public sealed record LanguageVerdict(string? Best, bool IsDeclared, double Margin, LanguageCheck CheckedBy);
