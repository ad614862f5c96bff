using System.Globalization;

namespace XInstruct.Training.Chat.Jinja;

/// <summary>Jinja's filters, those that make sense for text.</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Func<object?, CallArguments, object?>> ByName = new(StringComparer.Ordinal)
    {
        ["abs"] = (value, _) => value switch { long n and > long.MinValue => (object)Math.Abs(n), double n => Math.Abs(n), _ => throw new TemplateError($"{Values.Kind(value)} has no absolute value") },
        ["capitalize"] = (value, _) => TextMethods.Capitalize(Values.Show(value)),
        ["count"] = (value, _) => Values.Length(value),
        ["d"] = Default,
        ["default"] = Default,
        ["dictsort"] = SortMap,
        ["e"] = Escape,
        ["escape"] = Escape,
        ["first"] = (value, _) => Values.Items(value) is [var first, ..] ? first : new Undefined("first"),
        ["float"] = (value, arguments) => value is string text
            ? double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed) ? parsed : arguments.Get(0, "default", 0.0)
            : Values.Number(value) ?? arguments.Get(0, "default", 0.0),
        ["indent"] = (value, arguments) => Indent(Values.Show(value), arguments),
        ["int"] = (value, arguments) => Int(value, arguments),
        ["items"] = (value, _) => value is Undefined ? new List<object?>() : TextMethods.Pairs(Map(value)),
        ["join"] = (value, arguments) => Join(value, arguments),
        ["last"] = (value, _) => Values.Items(value) is [.., var last] ? last : new Undefined("last"),
        ["length"] = (value, _) => Values.Length(value),
        ["list"] = (value, _) => Values.Items(value).ToList(),
        ["lower"] = (value, _) => Values.Show(value).ToLowerInvariant(),
        ["map"] = MapItems,
        ["max"] = (value, arguments) => Values.Items(value) is { Count: > 0 } items ? items.MaxBy(Key(arguments, 0), ValueOrder.Instance) : new Undefined("max"),
        ["min"] = (value, arguments) => Values.Items(value) is { Count: > 0 } items ? items.MinBy(Key(arguments, 0), ValueOrder.Instance) : new Undefined("min"),
        ["reject"] = (value, arguments) => Select(value, arguments, byAttribute: false, keeps: false),
        ["rejectattr"] = (value, arguments) => Select(value, arguments, byAttribute: true, keeps: false),
        ["replace"] = (value, arguments) => TextMethods.Replace(Values.Show(value), Values.Show(arguments.Required(0, "old")), Values.Show(arguments.Required(1, "new")), arguments.Int(2, "count", -1), arguments.Limits),
        ["reverse"] = (value, _) => value is string text ? string.Concat(text.EnumerateRunes().Reverse()) : Values.Items(value).Reverse().ToList(),
        ["round"] = Round,
        ["safe"] = (value, _) => Values.Show(value),
        ["select"] = (value, arguments) => Select(value, arguments, byAttribute: false, keeps: true),
        ["selectattr"] = (value, arguments) => Select(value, arguments, byAttribute: true, keeps: true),
        ["sort"] = Sort,
        ["string"] = (value, _) => Values.Show(value),
        ["sum"] = (value, arguments) => Values.Items(value).Select(item => arguments.Get(0, "attribute") is { } name ? Operators.Path(item, name) : item)
            .Aggregate(arguments.Get(1, "start", 0L), (sum, item) => Operators.Binary("+", sum, item, arguments.Limits)),
        ["title"] = (value, _) => TextMethods.Title(Values.Show(value)),
        ["tojson"] = (value, arguments) => Json(value, arguments),
        ["trim"] = (value, arguments) => TextMethods.Strip(Values.Show(value), arguments.Get(0, "chars"), left: true, right: true),
        ["unique"] = (value, arguments) => Values.Items(value).DistinctBy(Key(arguments, 0), Values.Keys!).ToList(),
        ["upper"] = (value, _) => Values.Show(value).ToUpperInvariant(),
        ["wordcount"] = (value, _) => (long)Values.Show(value).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length,
    };

    /// <summary>Names of the arguments, in their places; filters that are not here have none.</summary>
    private static readonly Dictionary<string, string[]> Parameters = new(StringComparer.Ordinal)
    {
        ["d"] = ["default_value", "boolean"],
        ["default"] = ["default_value", "boolean"],
        ["dictsort"] = ["case_sensitive", "by", "reverse"],
        ["float"] = ["default"],
        ["indent"] = ["width", "first", "blank"],
        ["int"] = ["default"],
        ["join"] = ["d", "attribute"],
        ["max"] = ["case_sensitive", "attribute"],
        ["min"] = ["case_sensitive", "attribute"],
        ["replace"] = ["old", "new", "count"],
        ["round"] = ["precision", "method"],
        ["sort"] = ["reverse", "case_sensitive", "attribute"],
        ["sum"] = ["attribute", "start"],
        ["tojson"] = ["ensure_ascii", "indent", "separators", "sort_keys"],
        ["trim"] = ["chars"],
        ["unique"] = ["case_sensitive", "attribute"],
    };

    /// <summary>Filters that hand their arguments on to another filter or to a test.</summary>
    private static readonly HashSet<string> HandOn = new(["map", "reject", "rejectattr", "select", "selectattr"], StringComparer.Ordinal);

    private static readonly (string Sign, string By)[] s_escapes = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#39;"), ("\"", "&#34;")];

    /// <summary>Applies a filter.</summary>
    /// <exception cref="TemplateError">There is none of that name, or it cannot do with the value or an argument.</exception>
    public static object? Apply(string name, object? value, CallArguments arguments)
    {
        if (!ByName.TryGetValue(name, out var filter)) throw new TemplateError($"the filter '{name}' is not supported");
        if (!HandOn.Contains(name)) arguments.Check(Parameters.GetValueOrDefault(name) ?? []);
        arguments.Limits.Step(value is string text ? 1 + (text.Length / 64) : value is IReadOnlyCollection<object?> list ? 1 + list.Count : 1);
        return filter(value, arguments);
    }

    private static object? Default(object? value, CallArguments arguments)
        => value is Undefined || (arguments.Truth(1, "boolean") && !Values.IsTrue(value)) ? arguments.Get(0, "default_value", "") : value;

    private static Dictionary<object, object?> Map(object? value) => value as Dictionary<object, object?> ?? throw new TemplateError($"{Values.Kind(value)} is not a mapping");

    private static object? Lower(object? value) => value is string text ? text.ToLowerInvariant() : value;

    private static object? Escape(object? value, CallArguments arguments)
        => s_escapes.Aggregate(Values.Show(value), (text, escape) => TextMethods.Replace(text, escape.Sign, escape.By, -1, arguments.Limits));

    private static object? Int(object? value, CallArguments arguments) => value switch
    {
        double number when double.IsFinite(number) && Math.Abs(number) < long.MaxValue => (long)number,
        string text => long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed) && Math.Abs(parsed) < long.MaxValue ? (long)parsed : arguments.Get(0, "default", 0L),
        _ => Values.Whole(value) ?? arguments.Get(0, "default", 0L),
    };

    private static string Indent(string text, CallArguments arguments)
    {
        var width = arguments.Get(0, "width", 4L);
        arguments.Limits.Text(Values.Whole(width) ?? 0);
        var by = width as string ?? new string(' ', Math.Max(0, arguments.Int(0, "width", 4)));
        var (first, blank) = (arguments.Truth(1, "first"), arguments.Truth(2, "blank"));
        var lines = text.Split('\n');
        arguments.Limits.Text(text.Length + ((long)by.Length * lines.Length));
        return string.Join('\n', lines.Select((line, i) => (i == 0 && !first) || (i > 0 && line.Length == 0 && !blank) ? line : by + line));
    }

    private static string Join(object? value, CallArguments arguments)
    {
        var separator = Values.Show(arguments.Get(0, "d", ""));
        var attribute = arguments.Get(1, "attribute");
        return TextMethods.Join(separator, [.. Values.Items(value).Select(item => Values.Show(attribute is null ? item : Operators.Path(item, attribute)))], arguments.Limits);
    }

    private static object? MapItems(object? value, CallArguments arguments)
    {
        var items = Values.Items(value);
        if (arguments.Named.TryGetValue("attribute", out var attribute))
        {
            arguments.Check(["attribute", "default"]);
            var fallback = arguments.Named.GetValueOrDefault("default");
            return items.Select(item => Operators.Path(item, attribute) is var found && found is Undefined && arguments.Named.ContainsKey("default") ? fallback : found).ToList();
        }

        var name = arguments.Text(0, "filter");
        var rest = new CallArguments(name, [.. arguments.Positional.Skip(1)], arguments.Named, arguments.Limits);
        return items.Select(item => Apply(name, item, rest)).ToList();
    }

    private static List<object?> Select(object? value, CallArguments arguments, bool byAttribute, bool keeps)
    {
        var (attribute, first) = byAttribute ? (arguments.Required(0, "attribute"), 1) : (null, 0);
        var test = arguments.Positional.Count > first ? arguments.Text(first, "test") : null;
        var rest = new CallArguments(test ?? "", [.. arguments.Positional.Skip(first + 1)], arguments.Named, arguments.Limits);
        return [.. Values.Items(value).Where(item =>
        {
            var tested = byAttribute ? Operators.Path(item, attribute) : item;
            return keeps == (test is null ? Values.IsTrue(tested) : Tests.Passes(test, tested, rest));
        })];
    }

    private static List<object?> Sort(object? value, CallArguments arguments) => Sorted(Values.Items(value), Key(arguments, 1), arguments.Truth(0, "reverse"), arguments.Limits);

    private static List<object?> SortMap(object? value, CallArguments arguments)
    {
        var place = arguments.Text(1, "by", "key") switch
        {
            "key" => 0,
            "value" => 1,
            var other => throw new TemplateError($"the argument 'by' of 'dictsort' is '{other}', not 'key' or 'value'"),
        };
        var isCased = arguments.Truth(0, "case_sensitive");
        return Sorted(TextMethods.Pairs(Map(value)), pair => Cased(((object?[])pair!)[place], isCased), arguments.Truth(2, "reverse"), arguments.Limits);
    }

    private static List<object?> Sorted(IReadOnlyList<object?> items, Func<object?, object?> key, bool isReversed, Limits limits)
    {
        limits.Step((long)items.Count * 16);
        return [.. isReversed ? items.OrderByDescending(key, ValueOrder.Instance) : items.OrderBy(key, ValueOrder.Instance)];
    }

    // What items are ordered by and told apart: the arguments case_sensitive, at a place, and attribute, after it.
    private static Func<object?, object?> Key(CallArguments arguments, int place)
    {
        var isCased = arguments.Truth(place, "case_sensitive");
        return arguments.Get(place + 1, "attribute") switch
        {
            null => item => Cased(item, isCased),
            string names when names.Split(',') is { Length: > 1 } paths => item => paths.Select(path => Cased(Operators.Path(item, path), isCased)).ToArray(),
            var path => item => Cased(Operators.Path(item, path), isCased),
        };
    }

    private static object? Cased(object? item, bool isCased) => isCased ? item : Lower(item);

    private static object? Round(object? value, CallArguments arguments)
    {
        var number = Values.Number(value) ?? throw new TemplateError($"{Values.Kind(value)} cannot be rounded");
        var scale = Math.Pow(10, Math.Clamp(arguments.Int(0, "precision", 0), -300, 300));
        return arguments.Text(1, "method", "common") switch
        {
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            _ => Math.Round(number * scale, MidpointRounding.ToEven) / scale,
        };
    }

    private static string Json(object? value, CallArguments arguments)
    {
        // In the place that Hugging Face's filter has: ensure_ascii, indent, separators, sort_keys.
        var indent = arguments.Get(1, "indent");
        if (arguments.Positional.Count == 1 && arguments.Positional[0] is long) indent = arguments.Positional[0];
        var isAscii = arguments.Named.TryGetValue("ensure_ascii", out var ascii) ? Values.IsTrue(ascii) : arguments.Positional.Count > 0 && arguments.Positional[0] is true;
        var separators = arguments.Get(2, "separators") as IReadOnlyList<object?>;
        if (indent is long width) arguments.Limits.Text(width);
        return new JsonText(
            isAscii, indent switch { string text => text, long spaces => new string(' ', (int)Math.Max(0, spaces)), _ => null },
            separators is [string comma, _] ? comma : null, separators is [_, string colon] ? colon : null, arguments.Truth(3, "sort_keys"), arguments.Limits).Write(value);
    }

    private sealed class ValueOrder : IComparer<object?>
    {
        public static ValueOrder Instance { get; } = new();

        public int Compare(object? x, object? y) => Values.Compare(x, y);
    }
}
