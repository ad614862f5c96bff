namespace XInstruct.Activities.Recipes;

/// <summary>Something wrong with a recipe.</summary>
/// <param name="File">Recipe file as it was named, or the override, e.g. <c>--set refine.iterations=x</c>.</param>
/// <param name="Line">1-based line; 0 in an override.</param>
/// <param name="Column">1-based column; 0 in an override.</param>
/// <param name="Key">Dotted key, e.g. corpus.minChars; empty for the file as a whole.</param>
/// <param name="Message">What is wrong, what is allowed, and the nearest known name.</param>
public sealed record RecipeProblem(string File, int Line, int Column, string Key, string Message)
{
    /// <inheritdoc/>
    public override string ToString() => $"{File}{(Line > 0 ? $":{Line}:{Column}" : "")}: {(Key.Length > 0 ? $"{Key}: " : "")}{Message}";
}

/// <summary>A recipe cannot be used; nothing was started.</summary>
public sealed class RecipeException(IReadOnlyList<RecipeProblem> problems) : Exception(string.Join(Environment.NewLine, problems))
{
    /// <summary>All problems, in the order of the file, those of overrides last.</summary>
    public IReadOnlyList<RecipeProblem> Problems { get; } = problems;
}

/// <summary>Where a value was written.</summary>
/// <param name="Source">File or override.</param>
/// <param name="Line">1-based; 0 in an override.</param>
/// <param name="Column">1-based; 0 in an override.</param>
internal sealed record Place(string Source, int Line, int Column)
{
    /// <summary>Written on the command line, not in the file.</summary>
    public bool IsOverride => Line == 0;
}

/// <summary>Gathers problems, so that the user sees all of them at once.</summary>
internal sealed class ProblemList
{
    private readonly List<RecipeProblem> _problems = [];
    private readonly HashSet<string> _keys = new(StringComparer.Ordinal);

    /// <summary>How many there are.</summary>
    public int Count => _problems.Count;

    /// <summary>Adds a problem of a key.</summary>
    public void Add(Place place, string key, string message)
    {
        _problems.Add(new RecipeProblem(place.Source, place.Line, place.Column, key, message));
        _keys.Add(key);
    }

    /// <summary>Whether a key, or something below or above it, has a problem already, so that what depends on it need not be looked at.</summary>
    public bool Has(string key) => _keys.Any(k => k == key || k.StartsWith($"{key}.", StringComparison.Ordinal) || key.StartsWith($"{k}.", StringComparison.Ordinal));

    /// <summary>Takes problems of some keys back.</summary>
    public void Forgive(IEnumerable<string> keys)
    {
        foreach (var key in keys)
        {
            _problems.RemoveAll(p => p.Key == key);
            _keys.Remove(key);
        }
    }

    /// <summary>All problems: the file's in its order, then those of overrides.</summary>
    public IReadOnlyList<RecipeProblem> InOrder() => [.. _problems.OrderBy(p => p.Line == 0).ThenBy(p => p.Line).ThenBy(p => p.Column)];

    /// <summary>Throws when there is any.</summary>
    /// <exception cref="RecipeException">There are problems.</exception>
    public void ThrowIfAny()
    {
        if (_problems.Count > 0) throw new RecipeException(InOrder());
    }
}
