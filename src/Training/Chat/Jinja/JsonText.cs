using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace XInstruct.Training.Chat.Jinja;

/// <summary>JSON as Python's <c>json.dumps</c> writes it, which models have seen: a blank after commas and colons, or indented lines.</summary>
internal sealed class JsonText(bool escapesUnicode, string? indent, string? comma, string? colon, bool sortsKeys, Limits limits)
{
    private readonly StringBuilder _text = new();
    private readonly string _comma = comma ?? (indent is null ? ", " : ",");
    private readonly string _colon = colon ?? ": ";

    public string Write(object? value)
    {
        Value(value, 0);
        limits.Grow(_text.Length, 0);
        return _text.ToString();
    }

    private void Value(object? value, int depth)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        limits.Step();
        switch (value)
        {
            case null: _text.Append("null"); break;
            case bool truth: _text.Append(truth ? "true" : "false"); break;
            case double number: _text.Append(double.IsFinite(number) ? Values.Float(number) : double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity"); break;
            case long number: _text.Append(number); break;
            case string text: String(text); break;
            case IReadOnlyList<object?> list: Items('[', list, item => Value(item, depth + 1), ']', depth); break;
            case Dictionary<object, object?> map:
                IEnumerable<KeyValuePair<object, object?>> entries = sortsKeys ? map.OrderBy(entry => Key(entry.Key), StringComparer.Ordinal) : map;
                Items('{', [.. entries], entry => Member(entry, depth + 1), '}', depth);
                break;
            default: throw new TemplateError($"{Values.Kind(value)} cannot be written as JSON");
        }
    }

    private void Member(KeyValuePair<object, object?> entry, int depth)
    {
        String(Key(entry.Key));
        Put(_colon);
        Value(entry.Value, depth);
    }

    private static string Key(object key) => key switch { bool truth => truth ? "true" : "false", _ => Values.Show(key) };

    private void Items<T>(char open, IReadOnlyList<T> items, Action<T> write, char close, int depth)
    {
        _text.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) Put(_comma);
            NewLine(depth + 1);
            write(items[i]);
        }

        if (items.Count > 0) NewLine(depth);
        _text.Append(close);
    }

    private void NewLine(int depth)
    {
        if (indent is null) return;
        limits.Grow(_text.Length, (long)depth * indent.Length);
        _text.Append('\n');
        for (var i = 0; i < depth; i++) _text.Append(indent);
    }

    private void String(string text)
    {
        limits.Grow(_text.Length, text.Length);
        _text.Append('"');
        foreach (var c in text)
        {
            const string Escaped = "\"\\\n\r\t\b\f";
            if (Escaped.IndexOf(c, StringComparison.Ordinal) is >= 0 and var at) _text.Append('\\').Append("\"\\nrtbf"[at]);
            else if (c < ' ' || (escapesUnicode && c > '~')) _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else _text.Append(c);
            // Escapes made it longer than the text was.
            if (_text.Length > Limits.LongestText) limits.Text(_text.Length);
        }

        _text.Append('"');
    }

    private void Put(string text)
    {
        limits.Grow(_text.Length, text.Length);
        _text.Append(text);
    }
}
