using System.Collections;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Recipes;

/// <summary>Fills a recipe from its YAML tree and remembers where each value was written.</summary>
/// <param name="start">Where the file begins.</param>
/// <param name="root">What is bound: <see cref="Recipe"/> or another type of its kind.</param>
/// <param name="problems">What is wrong is added here.</param>
internal sealed partial class RecipeBinder(Place start, Type root, ProblemList problems)
{
    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);

    /// <summary>The recipe of a tree.</summary>
    public object Bind(MapNode tree)
    {
        var recipe = Activator.CreateInstance(root)!;
        Section(tree, recipe, "");
        return recipe;
    }

    /// <summary>The user wrote this key.</summary>
    public bool IsWritten(string key) => _places.ContainsKey(key);

    /// <summary>Where a key was written, or the nearest section above it.</summary>
    public Place PlaceOf(string key)
    {
        while (key.Length > 0)
        {
            if (_places.TryGetValue(key, out var place)) return place;
            key = key.Contains('.', StringComparison.Ordinal) ? key[..key.LastIndexOf('.')] : "";
        }

        return start;
    }

    /// <summary>Checks what the types' annotations say.</summary>
    public void Check(object section, string prefix = "")
    {
        foreach (var key in RecipeKey.Of(section.GetType()))
        {
            var name = prefix + key.Name;
            var value = key.Get(section);
            if (key.Kind == KeyKind.Section)
            {
                if (value is not null) Check(value, $"{name}.");
                continue;
            }

            if (key.Kind == KeyKind.SectionList)
            {
                foreach (var (item, i) in ((IEnumerable<object>?)value ?? []).Select((item, i) => (item, i))) Check(item, $"{name}.{i}.");
            }

            if (!problems.Has(name) && Violation(key, value) is { } violation)
            {
                problems.Add(PlaceOf(name), name, violation);
            }
        }
    }

    private void Section(MapNode map, object section, string prefix)
    {
        var keys = RecipeKey.Of(section.GetType());
        foreach (var entry in map.Entries)
        {
            var name = prefix + entry.Key;
            if (keys.FirstOrDefault(k => k.Name == entry.Key) is not { } key)
            {
                problems.Add(entry.Place, name, Unknown(entry.Key, keys));
                continue;
            }

            _places[name] = entry.Value is ScalarNode { IsNull: true } ? entry.Place : entry.Value.Place;
            if (key.Kind == KeyKind.Section) _places[name] = entry.Place;
            Value(key, entry.Value, section, name);
        }
    }

    private string Unknown(string name, IReadOnlyList<RecipeKey> keys)
    {
        // A key that exists, but in another section, is told by its full name.
        var elsewhere = RecipeKey.All(root).FirstOrDefault(k => k.EndsWith($".{name}", StringComparison.Ordinal));
        var nearest = elsewhere ?? RecipeKey.Nearest(name, keys.Select(k => k.Name));
        return $"Unknown key. Did you mean '{nearest}'? Allowed here: {string.Join(", ", keys.Select(k => k.Name))}.";
    }

    private void Value(RecipeKey key, RecipeNode node, object section, string name)
    {
        if (node is ScalarNode { IsNull: true } && (key.IsNullable || key.Kind == KeyKind.Section))
        {
            // An empty section keeps its defaults.
            if (key.IsNullable) key.Set(section, null);
            return;
        }

        if (key.Kind == KeyKind.Section)
        {
            if (node is not MapNode map)
            {
                problems.Add(node.Place, name, $"Must be a section with keys: {string.Join(", ", RecipeKey.Of(key.Type).Select(k => k.Name))}.");
                return;
            }

            var child = key.Get(section) ?? Activator.CreateInstance(key.Type)!;
            Section(map, child, $"{name}.");
            key.Set(section, child);
            return;
        }

        object? value = key.Kind switch
        {
            KeyKind.TextList => Texts(node, name),
            KeyKind.NumberList => Numbers(node, name),
            KeyKind.WholeNumberList => Items(node, name, "whole numbers, e.g. [1, 5]", n => Whole(n))?.OfType<int>().ToList(),
            KeyKind.TextMap => Map(node, name),
            KeyKind.SectionList => Sections(key, node, name),
            KeyKind.Text => Text(node),
            KeyKind.WholeNumber => Whole(node),
            KeyKind.Number => Number(node),
            KeyKind.Flag => Flag(node),
            _ => Choice(key, node),
        };
        if (value is not null) key.Set(section, value);
        else if (!problems.Has(name)) problems.Add(node.Place, name, WrongType(key, node));
    }

    private List<string>? Texts(RecipeNode node, string name) =>
        Items(node, name, "texts, e.g. [a, b]", Text)?.OfType<string>().ToList();

    private List<double>? Numbers(RecipeNode node, string name) =>
        Items(node, name, "numbers, e.g. [0.3, 0.5]", Number)?.OfType<double>().ToList();

    private SortedDictionary<string, string>? Map(RecipeNode node, string name)
    {
        if (node is not MapNode map)
        {
            problems.Add(node.Place, name, "Must be a section of names and texts.");
            return null;
        }

        var values = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in map.Entries)
        {
            _places[$"{name}.{entry.Key}"] = entry.Place;
            if (Text(entry.Value) is { } text) values[entry.Key] = text;
            else problems.Add(entry.Place, $"{name}.{entry.Key}", $"Must be a text; {Shown(entry.Value)} is none.");
        }

        return values;
    }

    private Array? Sections(RecipeKey key, RecipeNode node, string name)
    {
        var allowed = string.Join(", ", RecipeKey.Of(key.Item!).Select(k => k.Name));
        if (node is not ListNode list)
        {
            problems.Add(node.Place, name, $"Must be a list of sections with keys: {allowed}.");
            return null;
        }

        var items = Array.CreateInstance(key.Item!, list.Items.Count);
        for (var i = 0; i < items.Length; i++)
        {
            var item = Activator.CreateInstance(key.Item!)!;
            _places[$"{name}.{i}"] = list.Items[i].Place;
            if (list.Items[i] is MapNode map) Section(map, item, $"{name}.{i}.");
            else problems.Add(list.Items[i].Place, $"{name}.{i}", $"Must be a section with keys: {allowed}.");
            items.SetValue(item, i);
        }

        return items;
    }

    private List<object>? Items(RecipeNode node, string name, string what, Func<RecipeNode, object?> read)
    {
        if (node is not ListNode list)
        {
            problems.Add(node.Place, name, $"Must be a list of {what}.");
            return null;
        }

        var values = new List<object>(list.Items.Count);
        foreach (var item in list.Items)
        {
            if (read(item) is { } value) values.Add(value);
            else problems.Add(item.Place, name, $"Must be a list of {what}; {Shown(item)} is no such item.");
        }

        return values;
    }

    private static string? Text(RecipeNode node) => node is ScalarNode { IsNull: false, Value: var value } ? value : null;

    private static int? Whole(RecipeNode node) =>
        node is ScalarNode { IsPlain: true, Value: var v } && int.TryParse(v, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static object? Number(RecipeNode node) =>
        node is ScalarNode { IsPlain: true, Value: var v } && NumberPattern().IsMatch(v) && double.Parse(v, CultureInfo.InvariantCulture) is var d && double.IsFinite(d) ? d : null;

    private static bool? Flag(RecipeNode node) => node is ScalarNode { IsPlain: true, Value: var v } ? v switch { "true" => true, "false" => false, _ => null } : null;

    private static object? Choice(RecipeKey key, RecipeNode node) =>
        node is ScalarNode { Value: var v } && Enum.GetNames(key.Type).FirstOrDefault(n => JsonNamingPolicy.CamelCase.ConvertName(n) == v) is { } name
            ? Enum.Parse(key.Type, name)
            : null;

    private static string WrongType(RecipeKey key, RecipeNode node) => key.Kind switch
    {
        KeyKind.WholeNumber => $"Must be a whole number{Bounds(key)}; {Shown(node)} is none.",
        KeyKind.Number => $"Must be a number{Bounds(key)}; {Shown(node)} is none.",
        KeyKind.Flag => $"Must be true or false; {Shown(node)} is neither.",
        KeyKind.Choice => $"Must be one of {string.Join(", ", key.Choices)}; {Shown(node)} is none" +
            (node is ScalarNode { Value: var v } ? $". Did you mean '{RecipeKey.Nearest(v, key.Choices)}'?" : "."),
        _ => $"Must be a text; {Shown(node)} is none.",
    };

    private static string Shown(RecipeNode node) => node switch
    {
        ScalarNode { IsNull: true } => "nothing",
        ScalarNode { Value: var v, IsPlain: var plain } => (plain ? "" : "the text ") + $"'{(v.Length > 40 ? v[..40] + "…" : v)}'",
        ListNode => "a list",
        _ => "a section",
    };

    private static string? Violation(RecipeKey key, object? value)
    {
        if (key.IsRequired && value is null or "" or ICollection { Count: 0 }) return key.IsRequired || key.MinItems > 0 ? $"Missing. {key.Description}" : null;
        if (value is "" && (key.Input is not null || key.IsOutput)) return "Empty. Name a path, or take the key out.";
        if (key.MinItems is { } least && value is ICollection items && items.Count < least) return $"Must have at least {least} item.";
        if (key.Range is { } range && value is not null && !range.IsValid(value)) return $"Must be{Bounds(key)}; {Convert.ToString(value, CultureInfo.InvariantCulture)} is not.";
        if (key.Pattern is { } pattern && value is string text && !Regex.IsMatch(text, pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)))
        {
            return $"'{text}' does not match {pattern}. {key.Description}";
        }

        return null;
    }

    private static string Bounds(RecipeKey key) => key.Range is not { } range
        ? ""
        : range.Maximum is int.MaxValue
            ? $" of at least {Convert.ToString(range.Minimum, CultureInfo.InvariantCulture)}"
            : $" from {Convert.ToString(range.Minimum, CultureInfo.InvariantCulture)} to {Convert.ToString(range.Maximum, CultureInfo.InvariantCulture)}";

    [GeneratedRegex(@"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NumberPattern();
}
