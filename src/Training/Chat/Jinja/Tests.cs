namespace XInstruct.Training.Chat.Jinja;

/// <summary>Jinja's tests.</summary>
internal static class Tests
{
    private static readonly Dictionary<string, Func<object?, CallArguments, bool>> ByName = new(StringComparer.Ordinal)
    {
        ["boolean"] = (value, _) => value is bool,
        ["callable"] = (value, _) => value is Function,
        ["defined"] = (value, _) => value is not Undefined,
        ["divisibleby"] = (value, arguments) => IsMultiple(Whole(value), Whole(arguments.Required(0, "num"))),
        ["eq"] = (value, arguments) => Values.Equals(value, arguments.Required(0, "other")),
        ["even"] = (value, _) => Whole(value) % 2 == 0,
        ["false"] = (value, _) => value is false,
        ["float"] = (value, _) => value is double,
        ["ge"] = (value, arguments) => Values.Compare(value, arguments.Required(0, "other")) >= 0,
        ["gt"] = (value, arguments) => Values.Compare(value, arguments.Required(0, "other")) > 0,
        ["in"] = (value, arguments) => Values.Contains(arguments.Required(0, "seq"), value),
        ["integer"] = (value, _) => value is long,
        ["iterable"] = (value, _) => value is string or IReadOnlyList<object?> or Dictionary<object, object?> or Undefined,
        ["le"] = (value, arguments) => Values.Compare(value, arguments.Required(0, "other")) <= 0,
        ["lower"] = (value, _) => TextMethods.IsCased(Values.Show(value), char.IsUpper, char.IsLower),
        ["lt"] = (value, arguments) => Values.Compare(value, arguments.Required(0, "other")) < 0,
        ["mapping"] = (value, _) => value is Dictionary<object, object?>,
        ["ne"] = (value, arguments) => !Values.Equals(value, arguments.Required(0, "other")),
        ["none"] = (value, _) => value is null,
        ["number"] = (value, _) => value is long or double or bool,
        ["odd"] = (value, _) => Whole(value) % 2 != 0,
        ["sameas"] = (value, arguments) => arguments.Required(0, "other") is var other && (ReferenceEquals(value, other) || (value is ValueType && value.Equals(other)) || (value is string && value.Equals(other))),
        ["sequence"] = (value, _) => value is string or IReadOnlyList<object?> or Dictionary<object, object?> or Undefined,
        ["string"] = (value, _) => value is string,
        ["true"] = (value, _) => value is true,
        ["undefined"] = (value, _) => value is Undefined,
        ["upper"] = (value, _) => TextMethods.IsCased(Values.Show(value), char.IsLower, char.IsUpper),
    };

    private static readonly Dictionary<string, string> OtherNames = new(StringComparer.Ordinal)
    {
        ["equalto"] = "eq",
        ["greaterthan"] = "gt",
        ["lessthan"] = "lt",
    };

    private static readonly Dictionary<string, string> Signs = new(StringComparer.Ordinal)
    {
        ["=="] = "eq",
        ["!="] = "ne",
        [">"] = "gt",
        [">="] = "ge",
        ["<"] = "lt",
        ["<="] = "le",
    };

    /// <summary>Whether a value passes a test.</summary>
    /// <exception cref="TemplateError">There is none of that name.</exception>
    public static bool Passes(string name, object? value, CallArguments arguments)
    {
        Limits.StepOfCurrent(value is string text ? text.Length : 0);
        var known = OtherNames.GetValueOrDefault(name) ?? Signs.GetValueOrDefault(name) ?? name;
        return ByName.TryGetValue(known, out var test) ? test(value, arguments) : throw new TemplateError($"the test '{name}' is not supported");
    }

    private static long Whole(object? value) => Values.Whole(value) ?? throw new TemplateError($"{Values.Kind(value)} is not a whole number");

    private static bool IsMultiple(long value, long of) => of == 0 ? throw new TemplateError("the number to divide by is 0") : of == -1 || value % of == 0;
}
