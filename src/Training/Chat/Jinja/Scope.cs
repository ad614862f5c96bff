namespace XInstruct.Training.Chat.Jinja;

/// <summary>Names with their values; what is not here is looked for outside.</summary>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    public object? this[string name]
    {
        get
        {
            for (var scope = this; scope is not null; scope = scope.Outer)
            {
                if (scope._values.TryGetValue(name, out var value)) return value;
            }

            return new Undefined(name);
        }
        set => _values[name] = value;
    }

    private Scope? Outer => outer;
}
