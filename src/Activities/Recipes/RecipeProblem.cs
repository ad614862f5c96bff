using System.Globalization;

namespace XInstruct.Activities.Recipes;

/// <summary>Something wrong in a recipe.</summary>
/// <param name="File">Recipe file, or "--set" for an override.</param>
/// <param name="Line">1-based line; 0 when it is about the whole file.</param>
/// <param name="Column">1-based column.</param>
/// <param name="Key">Dotted key.</param>
/// <param name="Message">What is wrong, what is allowed, and the nearest known name.</param>
public sealed record RecipeProblem(string File, long Line, long Column, string Key, string Message)
{
    /// <inheritdoc/>
    public override string ToString() =>
        Line > 0 ? string.Create(CultureInfo.InvariantCulture, $"{File}({Line},{Column}): {Key}: {Message}") : $"{File}: {(Key.Length > 0 ? Key + ": " : "")}{Message}";
}

/// <summary>A recipe cannot be used; all problems at once.</summary>
public sealed class RecipeException(IReadOnlyList<RecipeProblem> problems) : Exception(string.Join('\n', problems))
{
    /// <summary>Every problem found, in the order of the file.</summary>
    public IReadOnlyList<RecipeProblem> Problems { get; } = problems;
}
