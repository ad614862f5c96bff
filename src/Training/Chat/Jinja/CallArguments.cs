namespace XInstruct.Training.Chat.Jinja;

/// <summary>The values that a filter, test or function was called with; each is asked for by its place or its name.</summary>
internal sealed class CallArguments(string function, IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named, Limits limits)
{
    public IReadOnlyList<object?> Positional => positional;

    public IReadOnlyDictionary<string, object?> Named => named;

    public Limits Limits => limits;

    public int Count => positional.Count + named.Count;

    /// <summary>Refuses what is not known: ignored, it would do something else than the template says.</summary>
    /// <exception cref="TemplateError">An argument is not among the parameters.</exception>
    public void Check(IReadOnlyList<string> parameters)
    {
        var known = parameters.Count == 0 ? "it has none" : $"it has {string.Join(", ", parameters)}";
        if (positional.Count > parameters.Count) throw new TemplateError($"'{function}' is given {positional.Count} arguments; {known}");
        if (named.Keys.FirstOrDefault(name => !parameters.Contains(name)) is { } other) throw new TemplateError($"'{function}' does not know the argument '{other}'; {known}");
        for (var place = 0; place < positional.Count; place++)
        {
            if (named.ContainsKey(parameters[place])) throw new TemplateError($"'{function}' is given the argument '{parameters[place]}' twice");
        }
    }

    public bool Has(int place, string name) => place < positional.Count || named.ContainsKey(name);

    /// <summary>An argument; what was not given is <paramref name="whenAbsent"/>.</summary>
    public object? Get(int place, string name, object? whenAbsent = null)
        => place < positional.Count ? positional[place] : named.TryGetValue(name, out var value) ? value : whenAbsent;

    public object? Required(int place, string name) => Has(place, name) ? Get(place, name) : throw new TemplateError($"'{function}' needs the argument '{name}'");

    public string Text(int place, string name, string? whenAbsent = null)
    {
        if (!Has(place, name) && whenAbsent is not null) return whenAbsent;
        return Required(place, name) is string text ? text : throw new TemplateError($"the argument '{name}' of '{function}' is not a string");
    }

    public int Int(int place, string name, int whenAbsent)
    {
        if (!Has(place, name) || Get(place, name) is null) return whenAbsent;
        return Values.Whole(Get(place, name)) is >= int.MinValue and <= int.MaxValue and var whole ? (int)whole : throw new TemplateError($"the argument '{name}' of '{function}' is not a whole number");
    }

    public bool Truth(int place, string name, bool whenAbsent = false) => Has(place, name) ? Values.IsTrue(Get(place, name)) : whenAbsent;
}
