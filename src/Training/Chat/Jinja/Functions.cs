using System.Globalization;

namespace XInstruct.Training.Chat.Jinja;

/// <summary>The functions that every chat template has.</summary>
internal static class Functions
{
    /// <summary>Puts them into a scope.</summary>
    public static void AddTo(Scope scope, TimeProvider clock)
    {
        foreach (var function in (Function[])[new("range", Range), new("namespace", Space), new("dict", Dict), new("raise_exception", Raise), new("strftime_now", arguments => Format(arguments, clock))])
            scope[function.Name] = function;
    }

    private static object? Range(CallArguments arguments)
    {
        var bounds = arguments.Positional.Select(bound => Values.Whole(bound) ?? throw new TemplateError($"{Values.Kind(bound)} cannot bound a range")).ToArray();
        if (bounds.Length is 0 or > 3) throw new TemplateError("'range' needs one to three numbers");
        var (start, stop, step) = bounds.Length == 1 ? (0, bounds[0], 1) : (bounds[0], bounds[1], bounds.Length == 3 ? bounds[2] : 1);
        if (step == 0) throw new TemplateError("the step of a range is 0");
        var items = new List<object?>();
        for (var i = (Int128)start; step > 0 ? i < stop : i > stop; i += step)
        {
            arguments.Limits.Step();
            items.Add((long)i);
        }

        return items;
    }

    private static object? Space(CallArguments arguments)
    {
        var space = new Namespace();
        foreach (var (key, value) in Dict(arguments)) space.Members[Values.Show(key)] = value;
        return space;
    }

    private static Dictionary<object, object?> Dict(CallArguments arguments)
    {
        var map = Values.Map();
        foreach (var given in arguments.Positional)
        {
            foreach (var (key, value) in given as Dictionary<object, object?> ?? throw new TemplateError($"{Values.Kind(given)} is not a mapping")) map[key] = value;
        }

        foreach (var (name, value) in arguments.Named) map[name] = value;
        return map;
    }

    private static object? Raise(CallArguments arguments) => throw new TemplateError(Values.Show(arguments.Required(0, "message")));

    private static object? Format(CallArguments arguments, TimeProvider clock)
    {
        var now = clock.GetLocalNow();
        var result = new System.Text.StringBuilder();
        var format = arguments.Text(0, "format");
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }

            var hasNoZero = format[i + 1] == '-' && i + 2 < format.Length;
            i += hasNoZero ? 2 : 1;
            var part = Part(now, format[i]);
            arguments.Limits.Grow(result.Length, part.Length);
            result.Append(hasNoZero ? part.TrimStart('0') is { Length: > 0 } trimmed ? trimmed : "0" : part);
        }

        arguments.Limits.Grow(result.Length, 0);
        return result.ToString();
    }

    private static string Part(DateTimeOffset now, char code) => code switch
    {
        'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        'w' => ((int)now.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        '%' => "%",
        _ => now.ToString(code switch
        {
            'a' => "ddd",
            'A' => "dddd",
            'b' => "MMM",
            'B' => "MMMM",
            'd' => "dd",
            'm' => "MM",
            'y' => "yy",
            'Y' => "yyyy",
            'H' => "HH",
            'I' => "hh",
            'M' => "mm",
            'S' => "ss",
            'f' => "ffffff",
            'p' => "tt",
            'F' => "yyyy-MM-dd",
            'T' => "HH:mm:ss",
            _ => throw new TemplateError($"'%{code}' of a date is not supported"),
        }, CultureInfo.InvariantCulture),
    };
}
