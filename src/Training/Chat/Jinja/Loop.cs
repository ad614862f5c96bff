namespace XInstruct.Training.Chat.Jinja;

/// <summary>The variable <c>loop</c>: where a loop is.</summary>
internal sealed class Loop(IReadOnlyList<object?> items, int depth, Func<CallArguments, object?>? recurse)
{
    private object? _lastSeen = new Undefined("changed");

    public int Index { get; set; }

    /// <summary>The function that a recursive loop is.</summary>
    public Func<CallArguments, object?>? Recurse => recurse;

    public object? Member(string name) => name switch
    {
        "index" => Index + 1L,
        "index0" => (long)Index,
        "revindex" => (long)items.Count - Index,
        "revindex0" => items.Count - Index - 1L,
        "first" => Index == 0,
        "last" => Index == items.Count - 1,
        "length" => (long)items.Count,
        "previtem" => Index > 0 ? items[Index - 1] : new Undefined(name),
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : new Undefined(name),
        "depth" => depth + 1L,
        "depth0" => (long)depth,
        "cycle" => new Function(name, arguments => arguments.Positional.Count > 0 ? arguments.Positional[Index % arguments.Positional.Count] : throw new TemplateError("'cycle' needs a value")),
        "changed" => new Function(name, arguments =>
        {
            var seen = (object?)arguments.Positional.ToArray();
            var isSame = Values.Equals(seen, _lastSeen);
            _lastSeen = seen;
            return !isSame;
        }),
        _ => new Undefined(name),
    };
}
