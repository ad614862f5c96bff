using System.Globalization;
using System.Text;

namespace XInstruct.Training.Chat.Jinja;

/// <summary>The methods of Python's strings, lists and mappings that change nothing.</summary>
internal static class TextMethods
{
    private static readonly Dictionary<string, Func<string, CallArguments, object?>> OfText = new(StringComparer.Ordinal)
    {
        ["capitalize"] = (text, _) => Capitalize(text),
        ["count"] = (text, arguments) => Count(text, arguments.Text(0, "sub")),
        ["endswith"] = (text, arguments) => Any(arguments.Required(0, "suffix"), part => text.EndsWith(part, StringComparison.Ordinal)),
        ["find"] = (text, arguments) => At(text, text.IndexOf(arguments.Text(0, "sub"), StringComparison.Ordinal)),
        ["format"] = Format,
        ["index"] = (text, arguments) => text.IndexOf(arguments.Text(0, "sub"), StringComparison.Ordinal) is >= 0 and var at ? At(text, at) : throw new TemplateError("the substring is not found"),
        ["isalnum"] = (text, _) => text.Length > 0 && text.EnumerateRunes().All(Rune.IsLetterOrDigit),
        ["isalpha"] = (text, _) => text.Length > 0 && text.EnumerateRunes().All(Rune.IsLetter),
        ["isdigit"] = (text, _) => text.Length > 0 && text.EnumerateRunes().All(Rune.IsDigit),
        ["islower"] = (text, _) => IsCased(text, char.IsUpper, char.IsLower),
        ["isnumeric"] = (text, _) => text.Length > 0 && text.EnumerateRunes().All(Rune.IsNumber),
        ["isspace"] = (text, _) => text.Length > 0 && text.EnumerateRunes().All(Rune.IsWhiteSpace),
        ["isupper"] = (text, _) => IsCased(text, char.IsLower, char.IsUpper),
        ["join"] = (text, arguments) => Join(text, [.. Values.Items(arguments.Required(0, "iterable")).Select(item => item as string ?? throw new TemplateError($"{Values.Kind(item)} cannot be joined"))], arguments.Limits),
        ["ljust"] = (text, arguments) => text + Padding(text, arguments),
        ["lower"] = (text, _) => text.ToLowerInvariant(),
        ["lstrip"] = (text, arguments) => Strip(text, arguments.Get(0, "chars"), left: true, right: false),
        ["removeprefix"] = (text, arguments) => text.StartsWith(arguments.Text(0, "prefix"), StringComparison.Ordinal) ? text[arguments.Text(0, "prefix").Length..] : text,
        ["removesuffix"] = (text, arguments) => text.EndsWith(arguments.Text(0, "suffix"), StringComparison.Ordinal) ? text[..^arguments.Text(0, "suffix").Length] : text,
        ["replace"] = (text, arguments) => Replace(text, arguments.Text(0, "old"), arguments.Text(1, "new"), arguments.Int(2, "count", -1), arguments.Limits),
        ["rfind"] = (text, arguments) => At(text, text.LastIndexOf(arguments.Text(0, "sub"), StringComparison.Ordinal)),
        ["rjust"] = (text, arguments) => Padding(text, arguments) + text,
        ["rsplit"] = (text, arguments) => Split(text, arguments, fromRight: true),
        ["rstrip"] = (text, arguments) => Strip(text, arguments.Get(0, "chars"), left: false, right: true),
        ["split"] = (text, arguments) => Split(text, arguments, fromRight: false),
        ["splitlines"] = (text, _) => Lines(text),
        ["startswith"] = (text, arguments) => Any(arguments.Required(0, "prefix"), part => text.StartsWith(part, StringComparison.Ordinal)),
        ["strip"] = (text, arguments) => Strip(text, arguments.Get(0, "chars"), left: true, right: true),
        ["title"] = (text, _) => Title(text),
        ["upper"] = (text, _) => text.ToUpperInvariant(),
    };

    private static readonly Dictionary<string, Func<Dictionary<object, object?>, CallArguments, object?>> OfMap = new(StringComparer.Ordinal)
    {
        ["get"] = (map, arguments) => map.TryGetValue(arguments.Required(0, "key") ?? throw new TemplateError("none cannot be a key"), out var item) ? item : arguments.Get(1, "default"),
        ["items"] = (map, _) => Pairs(map),
        ["keys"] = (map, _) => map.Keys.Cast<object?>().ToList(),
        ["values"] = (map, _) => map.Values.ToList(),
    };

    /// <summary>A method of a string with the string as its subject, or null.</summary>
    public static Function? Find(string text, string name) => OfText.TryGetValue(name, out var method)
        ? new Function(name, arguments =>
        {
            arguments.Limits.Text(text.Length);
            return method(text, arguments);
        })
        : null;

    /// <summary>A method of a mapping, or null.</summary>
    public static Function? Find(Dictionary<object, object?> map, string name) => OfMap.TryGetValue(name, out var method)
        ? new Function(name, arguments =>
        {
            arguments.Limits.Step(map.Count);
            return method(map, arguments);
        })
        : null;

    /// <summary>A method of a list, or null. Lists are never changed.</summary>
    public static Function? Find(IReadOnlyList<object?> list, string name) => name switch
    {
        "count" => new Function(name, arguments => (long)list.Count(item => Values.Equals(item, arguments.Required(0, "value")))),
        "index" => new Function(name, arguments => list.ToList().FindIndex(item => Values.Equals(item, arguments.Required(0, "value"))) is >= 0 and var at ? (long)at : throw new TemplateError("the item is not in the list")),
        "append" or "extend" or "insert" or "pop" or "remove" or "clear" or "sort" or "reverse" => new Function(name, _ => throw new TemplateError($"'{name}' would change a list, which a template must not")),
        _ => null,
    };

    public static List<object?> Pairs(Dictionary<object, object?> map) => [.. map.Select(entry => (object?)new[] { entry.Key, entry.Value })];

    public static string Capitalize(string text) => text.Length == 0 ? text : text[..1].ToUpperInvariant() + text[1..].ToLowerInvariant();

    /// <summary>Each word with a capital; words begin after anything that is no letter.</summary>
    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        var isInside = false;
        foreach (var c in text)
        {
            result.Append(isInside ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            isInside = char.IsLetter(c) || (isInside && c == '\'');
        }

        return result.ToString();
    }

    public static bool IsCased(string text, Func<char, bool> forbidden, Func<char, bool> wanted) => !text.Any(forbidden) && text.Any(wanted);

    public static string Strip(string text, object? characters, bool left, bool right)
    {
        if (characters is not (null or string)) throw new TemplateError($"{Values.Kind(characters)} cannot be stripped");
        var set = (characters as string)?.ToCharArray();
        if (left) text = set is null ? text.TrimStart() : set.Length == 0 ? text : text.TrimStart(set);
        if (right) text = set is null ? text.TrimEnd() : set.Length == 0 ? text : text.TrimEnd(set);
        return text;
    }

    public static string Join(string separator, IReadOnlyList<string> parts, Limits limits)
    {
        limits.Text(parts.Sum(part => (long)part.Length) + ((long)separator.Length * Math.Max(0, parts.Count - 1)));
        return string.Join(separator, parts);
    }

    public static string Replace(string text, string old, string by, int count, Limits limits)
    {
        var result = new StringBuilder();
        var from = 0;
        for (var left = count < 0 ? int.MaxValue : count; left > 0; left--)
        {
            // An empty text stands before each character and at the end.
            var at = old.Length > 0 ? text.IndexOf(old, from, StringComparison.Ordinal) : from;
            if (at < 0) break;
            limits.Grow(result.Length, (long)at - from + by.Length);
            result.Append(text, from, at - from).Append(by);
            from = at + old.Length;
            if (old.Length > 0) continue;
            if (from >= text.Length) break;
            result.Append(text[from++]);
        }

        limits.Grow(result.Length, text.Length - from);
        return result.Append(text, from, text.Length - from).ToString();
    }

    private static bool Any(object? parts, Func<string, bool> test) => parts switch
    {
        string part => test(part),
        IReadOnlyList<object?> list => list.OfType<string>().Any(part =>
        {
            Limits.StepOfCurrent(part.Length);
            return test(part);
        }),
        _ => throw new TemplateError($"{Values.Kind(parts)} is not a string"),
    };

    private static long At(string text, int index) => index < 0 ? -1 : Values.CodePoints(text[..index]);

    private static long Count(string text, string part)
    {
        if (part.Length == 0) return Values.CodePoints(text) + 1;
        var count = 0L;
        for (var at = 0; (at = text.IndexOf(part, at, StringComparison.Ordinal)) >= 0; at += part.Length) count++;
        return count;
    }

    private static string Padding(string text, CallArguments arguments)
    {
        var missing = (long)arguments.Int(0, "width", 0) - Values.CodePoints(text);
        var sign = arguments.Text(1, "fillchar", " ");
        if (sign.Length > 2 || Values.CodePoints(sign) != 1) throw new TemplateError("the argument 'fillchar' is not one character");
        if (missing <= 0) return "";
        arguments.Limits.Grow(text.Length, missing * sign.Length);
        return string.Concat(Enumerable.Repeat(sign, (int)missing));
    }

    private static List<object?> Split(string text, CallArguments arguments, bool fromRight)
    {
        var most = arguments.Int(1, "maxsplit", -1);
        if (arguments.Get(0, "sep") is not { } separator) return Words(text, most, fromRight);
        if (separator is not string { Length: > 0 } sign) throw new TemplateError("the separator is empty or not a string");
        var parts = text.Split(sign);
        arguments.Limits.Step(parts.Length);
        if (most < 0 || parts.Length <= most + 1) return [.. parts];
        return fromRight
            ? [string.Join(sign, parts[..^most]), .. parts[^most..]]
            : [.. parts[..most], string.Join(sign, parts[most..])];
    }

    private static List<object?> Words(string text, int most, bool fromRight)
    {
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (most < 0 || words.Length <= most + 1) return [.. words];
        // What is left over keeps its inner white space.
        var rest = text;
        for (var i = 0; i < most; i++)
        {
            rest = fromRight ? rest.TrimEnd() : rest.TrimStart();
            rest = fromRight ? rest[..^words[^(i + 1)].Length] : rest[words[i].Length..];
        }

        return fromRight ? [rest.TrimEnd(), .. words[^most..]] : [.. words[..most], rest.TrimStart()];
    }

    private static List<object?> Lines(string text)
    {
        var lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Split('\n').ToList<object?>();
        if (lines[^1] is "") lines.RemoveAt(lines.Count - 1);
        return lines;
    }

    // {}, {0} and {name} without a format.
    private static string Format(string text, CallArguments arguments)
    {
        var result = new StringBuilder();
        var next = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is '{' or '}' && i + 1 < text.Length && text[i + 1] == text[i]) result.Append(text[i++]);
            else if (text[i] != '{') result.Append(text[i]);
            else
            {
                var end = text.IndexOf('}', i);
                if (end < 0) throw new TemplateError("a '{' of the format has no end");
                var key = text[(i + 1)..end];
                var place = key.Length == 0 ? next++ : int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : int.MaxValue;
                var shown = Values.Show(arguments.Required(place, key));
                arguments.Limits.Grow(result.Length, shown.Length);
                result.Append(shown);
                i = end;
            }
        }

        arguments.Limits.Grow(result.Length, 0);
        return result.ToString();
    }
}
