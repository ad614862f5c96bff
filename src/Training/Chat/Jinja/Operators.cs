using System.Text;

namespace XInstruct.Training.Chat.Jinja;

/// <summary>What Python does with two values, a member, an item, a slice.</summary>
internal static class Operators
{
    public static object? Binary(string sign, object? a, object? b, Limits limits)
    {
        Defined(a);
        Defined(b);
        try
        {
            return (sign, a, b) switch
            {
                ("+", string s, string t) => Text(s, t, limits),
                ("+", IReadOnlyList<object?> s, IReadOnlyList<object?> t) when s is object?[] == t is object?[] => Joined(s, t, limits),
                ("*", string s, _) when Values.Whole(b) is { } times => Repeated(s, times, limits),
                ("*", _, string s) when Values.Whole(a) is { } times => Repeated(s, times, limits),
                ("*", IReadOnlyList<object?> s, long times) => Repeated(s, times, limits),
                _ when Values.Number(a) is { } x && Values.Number(b) is { } y => Numbers(sign, a, b, x, y),
                _ => throw new TemplateError($"'{sign}' cannot be used with {Values.Kind(a)} and {Values.Kind(b)}"),
            };
        }
        catch (OverflowException)
        {
            throw new TemplateError($"the result of '{sign}' is too large");
        }
    }

    public static object? Negative(string sign, object? value) => (sign, Defined(value)) switch
    {
        ("+", long or double) => value,
        ("-", double number) => -number,
        _ when Values.Whole(value) is > long.MinValue and var whole => sign == "-" ? -whole : whole,
        _ => throw new TemplateError($"'{sign}' cannot be used with {Values.Kind(value)}"),
    };

    /// <summary>A value's member by a dot: a method, else an item of that name, else undefined.</summary>
    public static object? Member(object? value, string name) => value switch
    {
        Undefined missing => throw new TemplateError($"'{missing.Name}' is undefined"),
        Namespace space => space.Members.TryGetValue(name, out var member) ? member : new Undefined(name),
        Loop loop => loop.Member(name),
        Dictionary<object, object?> map => TextMethods.Find(map, name) ?? (map.TryGetValue(name, out var item) ? item : new Undefined(name)),
        string text => (object?)TextMethods.Find(text, name) ?? new Undefined(name),
        IReadOnlyList<object?> list => (object?)TextMethods.Find(list, name) ?? new Undefined(name),
        _ => new Undefined(name),
    };

    /// <summary>A value's item by brackets, else a member of that name.</summary>
    public static object? Item(object? value, object? key)
    {
        Defined(value);
        switch (value)
        {
            case Dictionary<object, object?> map when key is not null:
                return map.TryGetValue(key, out var item) ? item : key is string name ? TextMethods.Find(map, name) ?? (object)new Undefined(name) : new Undefined(Values.Written(key));
            case IReadOnlyList<object?> or string when Values.Whole(key) is { } index:
                var length = Values.Length(value);
                if (index < 0) index += length;
                if (index < 0 || index >= length) return new Undefined($"item {index}");
                return value is string text ? text.EnumerateRunes().ElementAt((int)index).ToString() : ((IReadOnlyList<object?>)value)[(int)index];
            default:
                return key is string other ? Member(value, other) : new Undefined(Values.Show(key));
        }
    }

    /// <summary>A member along a path such as <c>function.name</c> or <c>0.role</c>.</summary>
    public static object? Path(object? value, object? path)
    {
        if (path is not string text) return Item(value, path);
        Limits.StepOfCurrent(text.Length);
        foreach (var part in text.Split('.'))
            value = value is Undefined ? value : long.TryParse(part, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var index) ? Item(value, index) : Item(value, part);
        return value;
    }

    public static object? Slice(object? value, object? start, object? stop, object? step, Limits limits)
    {
        switch (Defined(value))
        {
            case string text:
                limits.Text(text.Length);
                return string.Concat(Slice<Rune>([.. text.EnumerateRunes()], start, stop, step, limits));
            case object?[] tuple: return Slice<object?>(tuple, start, stop, step, limits).ToArray();
            case IReadOnlyList<object?> list: return Slice(list, start, stop, step, limits);
            default: throw new TemplateError($"{Values.Kind(value)} has no slices");
        }
    }

    private static List<T> Slice<T>(IReadOnlyList<T> items, object? start, object? stop, object? step, Limits limits)
    {
        var by = step is null ? 1 : Bound(step);
        if (by == 0) throw new TemplateError("the step of a slice is 0");
        var length = items.Count;
        var (low, high) = by > 0 ? (0L, (long)length) : (-1L, length - 1L);
        var from = start is null ? by > 0 ? low : high : Clip(Bound(start));
        var to = stop is null ? by > 0 ? high : low : Clip(Bound(stop));
        var result = new List<T>();
        for (var i = from; by > 0 ? i < to : i > to; i = by > length || by < -length ? to : i + by)
        {
            limits.Step();
            result.Add(items[(int)i]);
        }

        return result;

        long Clip(long index) => Math.Clamp(index < 0 ? index + length : index, low, high);

        static long Bound(object? value) => Values.Whole(value) is { } whole ? Math.Clamp(whole, int.MinValue, int.MaxValue) : throw new TemplateError($"{Values.Kind(value)} cannot bound a slice");
    }

    private static object? Defined(object? value) => value is Undefined missing ? throw new TemplateError($"'{missing.Name}' is undefined") : value;

    private static string Text(string a, string b, Limits limits)
    {
        limits.Text((long)a.Length + b.Length);
        return a + b;
    }

    private static object Joined(IReadOnlyList<object?> a, IReadOnlyList<object?> b, Limits limits)
    {
        limits.Step(a.Count + b.Count);
        var items = a.Concat(b);
        return a is object?[]? items.ToArray() : items.ToList();
    }

    private static string Repeated(string text, long times, Limits limits)
    {
        times = Math.Clamp(times, 0, Limits.LongestText + 1L);
        limits.Text(text.Length * times);
        return string.Concat(Enumerable.Repeat(text, (int)times));
    }

    private static object Repeated(IReadOnlyList<object?> items, long times, Limits limits)
    {
        times = Math.Clamp(times, 0, int.MaxValue);
        limits.Step(items.Count * times);
        var all = Enumerable.Range(0, items.Count == 0 ? 0 : (int)times).SelectMany(_ => items);
        return items is object?[]? all.ToArray() : all.ToList();
    }

    private static object Numbers(string sign, object? a, object? b, double x, double y)
    {
        if (y == 0 && (sign is "/" or "//" or "%")) throw new TemplateError("a division by zero");
        if (a is double || b is double || sign == "/")
        {
            return sign switch
            {
                "+" => x + y,
                "-" => x - y,
                "*" => x * y,
                "/" => x / y,
                "//" => Math.Floor(x / y),
                "%" => x - (y * Math.Floor(x / y)),
                _ => Math.Pow(x, y),
            };
        }

        var (m, n) = (Values.Whole(a)!.Value, Values.Whole(b)!.Value);
        checked
        {
            return sign switch
            {
                "+" => m + n,
                "-" => m - n,
                "*" => m * n,
                "//" => n == -1 ? -m : Floor(m, n),
                "%" => n == -1 ? 0 : m - (n * Floor(m, n)),
                _ => n < 0 ? Math.Pow(m, n) : WholePower(m, n),
            };
        }
    }

    private static long Floor(long m, long n) => (m / n) - (m % n != 0 && (m < 0) != (n < 0) ? 1 : 0);

    private static object WholePower(long m, long n)
    {
        if (m is 0 or 1 or -1) return n == 0 ? 1L : m == -1 && n % 2 == 0 ? 1L : m;
        var power = 1L;
        for (; n > 0; n--) power = checked(power * m);
        return power;
    }
}
