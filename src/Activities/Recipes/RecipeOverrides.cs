using System.Globalization;

namespace XInstruct.Activities.Recipes;

/// <summary>Puts <c>--set key=value</c> into a recipe's tree. Keys are dotted, values are YAML; a text may stand without quotes, braces and all.</summary>
internal static class RecipeOverrides
{
    /// <summary>Puts overrides in order; the last one of a key holds.</summary>
    public static void PutAll(MapNode root, Type type, IReadOnlyList<string> overrides, ProblemList problems)
    {
        foreach (var text in overrides)
        {
            var place = new Place($"--set {text}", 0, 0);
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                problems.Add(place, "", "Must be key=value, e.g. --set refine.iterations=3.");
                continue;
            }

            var key = text[..equals].Trim();
            if (Value(RecipeKey.Find(key, type), text[(equals + 1)..], place, problems) is { } value) Put(root, key, value, problems);
        }
    }

    private static RecipeNode? Value(RecipeKey? key, string text, Place place, ProblemList problems)
    {
        var isText = key is { Kind: KeyKind.Text };
        if (isText && !text.StartsWith('\'') && !text.StartsWith('"')) return new ScalarNode(place, text.Trim(), true);
        var before = problems.Count;
        var value = RecipeYaml.Parse(text, place.Source, true, problems);
        return problems.Count > before ? null : value ?? new ScalarNode(place, "", true);
    }

    private static void Put(MapNode root, string key, RecipeNode value, ProblemList problems)
    {
        var names = key.Split('.');
        var map = root;
        for (var i = 0; i < names.Length - 1; i++)
        {
            var entry = map.Find(names[i]);
            if (entry?.Value is ListNode list && i + 2 < names.Length && int.TryParse(names[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var at))
            {
                if (at >= list.Items.Count || list.Items[at] is not MapNode item)
                {
                    problems.Add(value.Place, key, $"'{string.Join('.', names[..(i + 1)])}' has {list.Items.Count} items, counted from 0.");
                    return;
                }

                map = item;
                i++;
                continue;
            }

            if (entry?.Value is not null and not MapNode and not ScalarNode { IsNull: true })
            {
                problems.Add(value.Place, key, $"'{string.Join('.', names[..(i + 1)])}' is no section in the recipe.");
                return;
            }

            if (entry?.Value is not MapNode section)
            {
                section = new MapNode(value.Place, []);
                Replace(map, new MapEntry(names[i], entry?.Place ?? value.Place, section));
            }

            map = section;
        }

        Replace(map, new MapEntry(names[^1], value.Place, value));
    }

    private static void Replace(MapNode map, MapEntry entry)
    {
        map.Entries.RemoveAll(e => e.Key == entry.Key);
        map.Entries.Add(entry);
    }
}
