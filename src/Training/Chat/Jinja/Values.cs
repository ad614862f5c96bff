using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace XInstruct.Training.Chat.Jinja;

/// <summary>An error of a running template, before the line is known.</summary>
internal sealed class TemplateError(string problem) : Exception(problem);

/// <summary>A name or member that is not there: it puts out nothing and is false, but cannot be used.</summary>
internal sealed record Undefined(string Name);

/// <summary>What <c>namespace()</c> gives: members that a block inside may set.</summary>
internal sealed class Namespace
{
    public Dictionary<string, object?> Members { get; } = new(StringComparer.Ordinal);
}

/// <summary>Something that a template can call.</summary>
internal sealed record Function(string Name, Func<CallArguments, object?> Body);

/// <summary>
/// The values of templates and what Python does with them. They are null, bool, long, double, string (counted in code points), List (a list),
/// object[] (a tuple), Dictionary (in the order of its keys' arrival), and the types above.
/// </summary>
internal static class Values
{
    public static IEqualityComparer<object> Keys { get; } = new KeyComparer();

    public static Dictionary<object, object?> Map() => new(Keys);

    /// <summary>JSON, and .NET's own numbers, lists and dictionaries, as values of templates.</summary>
    public static object? From(object? value)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (value)
        {
            case null or bool or long or double or string or Undefined or Function or Namespace: return value;
            case int number: return (long)number;
            case float number: return (double)number;
            case JsonElement json: return From(json);
            case IEnumerable<KeyValuePair<string, object?>> members:
                var map = Map();
                foreach (var (key, member) in members) map[key] = From(member);
                return map;
            case IEnumerable<KeyValuePair<string, string>> members:
                return From(members.Select(member => KeyValuePair.Create(member.Key, (object?)member.Value)));
            case System.Collections.IEnumerable items: return items.Cast<object?>().Select(From).ToList();
            default: throw new ArgumentException($"A template has no value of the type {value.GetType()}.", nameof(value));
        }
    }

    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool truth => truth,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        IReadOnlyList<object?> list => list.Count > 0,
        Dictionary<object, object?> map => map.Count > 0,
        _ => true,
    };

    public static new bool Equals(object? a, object? b)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        StepOfComparing(a, b);
        if (Number(a) is { } x && Number(b) is { } y) return a is not double && b is not double ? Whole(a) == Whole(b) : x == y;
        return (a, b) switch
        {
            (null, null) or (Undefined, Undefined) => true,
            (string s, string t) => s == t,
            (IReadOnlyList<object?> s, IReadOnlyList<object?> t) => s is object?[] == t is object?[] && s.Count == t.Count && !s.Where((item, i) => !Equals(item, t[i])).Any(),
            (Dictionary<object, object?> s, Dictionary<object, object?> t) => s.Count == t.Count && s.All(entry => t.TryGetValue(entry.Key, out var other) && Equals(entry.Value, other)),
            _ => ReferenceEquals(a, b),
        };
    }

    public static int Compare(object? a, object? b)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        StepOfComparing(a, b);
        if (Number(a) is { } x && Number(b) is { } y) return a is not double && b is not double ? Whole(a)!.Value.CompareTo(Whole(b)!.Value) : x.CompareTo(y);
        if (a is string s && b is string t) return CompareCodePoints(s, t);
        if (a is IReadOnlyList<object?> left && b is IReadOnlyList<object?> right)
        {
            for (var i = 0; i < Math.Min(left.Count, right.Count); i++)
            {
                if (!Equals(left[i], right[i])) return Compare(left[i], right[i]);
            }

            return left.Count.CompareTo(right.Count);
        }

        throw new TemplateError($"{Kind(a)} and {Kind(b)} have no order");
    }

    /// <summary>The number that a value is, truth values too.</summary>
    public static double? Number(object? value) => value switch { long n => n, double n => n, bool truth => truth ? 1 : 0, _ => null };

    /// <summary>The whole number that a value is, truth values too.</summary>
    public static long? Whole(object? value) => value switch { long n => n, bool truth => truth ? 1 : 0, _ => null };

    public static string Kind(object? value) => value switch
    {
        null => "none",
        Undefined missing => $"'{missing.Name}', which is undefined,",
        bool => "a truth value",
        long => "a whole number",
        double => "a number",
        string => "a string",
        object?[] => "a tuple",
        IReadOnlyList<object?> => "a list",
        Dictionary<object, object?> => "a mapping",
        Namespace => "a namespace",
        Function => "a function",
        _ => "a loop",
    };

    public static IReadOnlyList<object?> Items(object? value) => value switch
    {
        IReadOnlyList<object?> list => list,
        string text => Characters(text),
        Dictionary<object, object?> map => [.. map.Keys],
        Undefined => [],
        _ => throw new TemplateError($"{Kind(value)} has no items"),
    };

    public static long Length(object? value) => value switch
    {
        string text => CountedCodePoints(text),
        IReadOnlyList<object?> list => list.Count,
        Dictionary<object, object?> map => map.Count,
        Undefined => 0,
        _ => throw new TemplateError($"{Kind(value)} has no length"),
    };

    public static bool Contains(object? container, object? item) => container switch
    {
        string text when item is string part => Holds(text, part),
        IReadOnlyList<object?> list => list.Any(one => Equals(one, item)),
        Dictionary<object, object?> map => item is not null && map.ContainsKey(item),
        Undefined => false,
        _ => throw new TemplateError($"{Kind(item)} cannot be looked for in {Kind(container)}"),
    };

    /// <summary>A value as it is put out.</summary>
    public static string Show(object? value) => value switch
    {
        string text => text,
        Undefined => "",
        _ => Written(value),
    };

    /// <summary>A value as Python's repr writes it: strings in quotes.</summary>
    public static string Written(object? value)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        Limits.StepOfCurrent();
        var text = value switch
        {
            null => "None",
            bool truth => truth ? "True" : "False",
            long number => number.ToString(CultureInfo.InvariantCulture),
            double number => Float(number),
            string content => Quoted(content),
            object?[] { Length: 1 } one => $"({Written(one[0])},)",
            object?[] tuple => $"({string.Join(", ", tuple.Select(Written))})",
            IReadOnlyList<object?> list => $"[{string.Join(", ", list.Select(Written))}]",
            Dictionary<object, object?> map => $"{{{string.Join(", ", map.Select(entry => $"{Written(entry.Key)}: {Written(entry.Value)}"))}}}",
            Undefined => "Undefined",
            Function function => $"<function {function.Name}>",
            _ => "<" + Kind(value) + ">",
        };
        Limits.TextOfCurrent(text.Length);
        return text;
    }

    /// <summary>A number as Python writes it: the fewest digits that give it back, with an exponent below 1e-4 and from 1e16.</summary>
    public static string Float(double value)
    {
        if (!double.IsFinite(value)) return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        var text = value.ToString("E16", CultureInfo.InvariantCulture);
        var exponent = int.Parse(text.AsSpan(text.IndexOf('E', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture);
        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        if (value != 0 && exponent is < -4 or >= 16)
        {
            var digits = new string([.. shortest.TakeWhile(c => c != 'E').Where(char.IsAsciiDigit)]).Trim('0');
            var mantissa = digits.Length > 1 ? $"{digits[0]}.{digits[1..]}" : digits;
            return string.Create(CultureInfo.InvariantCulture, $"{(value < 0 ? "-" : "")}{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        }

        if (shortest.Contains('E', StringComparison.Ordinal)) shortest = ((decimal)value).ToString(CultureInfo.InvariantCulture);
        return shortest.Contains('.', StringComparison.Ordinal) ? shortest : shortest + ".0";
    }

    public static int CodePoints(string text)
    {
        var count = text.Length;
        for (var i = 1; i < text.Length; i++)
        {
            if (char.IsLowSurrogate(text[i]) && char.IsHighSurrogate(text[i - 1])) count--;
        }

        return count;
    }

    private static object? From(JsonElement json)
    {
        try
        {
            return Read(json);
        }
        catch (InvalidOperationException error) when (error is not ObjectDisposedException)
        {
            throw new TemplateError($"a text in JSON is not Unicode ({error.Message})");
        }
    }

    private static object? Read(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => From(json.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, (object?)member.Value))),
        JsonValueKind.Array => json.EnumerateArray().Select(item => From(item)).ToList(),
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => json.TryGetInt64(out var whole) ? (object)whole : json.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    // A list of a text's characters takes many times its space.
    private static List<object?> Characters(string text)
    {
        Limits.ItemsOfCurrent(text.Length);
        return [.. text.EnumerateRunes().Select(rune => (object?)rune.ToString())];
    }

    private static long CountedCodePoints(string text)
    {
        Limits.StepOfCurrent(text.Length);
        return CodePoints(text);
    }

    private static bool Holds(string text, string part)
    {
        Limits.StepOfCurrent(text.Length);
        return text.Contains(part, StringComparison.Ordinal);
    }

    private static void StepOfComparing(object? a, object? b) => Limits.StepOfCurrent(a is string s && b is string t ? Math.Min(s.Length, t.Length) : 0);

    private static int CompareCodePoints(string a, string b)
    {
        var (x, y) = (a.EnumerateRunes(), b.EnumerateRunes());
        while (true)
        {
            var (hasX, hasY) = (x.MoveNext(), y.MoveNext());
            if (!hasX || !hasY) return hasX.CompareTo(hasY);
            if (x.Current != y.Current) return x.Current.CompareTo(y.Current);
        }
    }

    private static string Quoted(string text)
    {
        var quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        var result = new StringBuilder().Append(quote);
        foreach (var c in text)
        {
            if (c == quote || c == '\\') result.Append('\\').Append(c);
            else if (c is '\n' or '\r' or '\t') result.Append('\\').Append(c switch { '\n' => 'n', '\r' => 'r', _ => 't' });
            else if (char.IsControl(c)) result.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
            else result.Append(c);
        }

        return result.Append(quote).ToString();
    }

    private sealed class KeyComparer : IEqualityComparer<object>
    {
        bool IEqualityComparer<object>.Equals(object? x, object? y) => Values.Equals(x, y);

        int IEqualityComparer<object>.GetHashCode(object value) => value switch
        {
            string text => Hash(text),
            bool or long or double => Number(value)!.Value.GetHashCode(),
            object?[] tuple => tuple.Length,
            _ => throw new TemplateError($"{Kind(value)} cannot be a key"),
        };

        private static int Hash(string text)
        {
            Limits.StepOfCurrent(text.Length);
            return text.GetHashCode(StringComparison.Ordinal);
        }
    }
}
