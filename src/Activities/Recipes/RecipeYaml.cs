using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace XInstruct.Activities.Recipes;

/// <summary>
/// Reads the part of YAML that a recipe needs. Anchors, aliases and tags are refused, depth and size are limited: no input makes it expand or crash.
/// </summary>
internal sealed class RecipeYaml
{
    /// <summary>Largest recipe in characters.</summary>
    public const int MaxLength = 1 << 20;

    private const int MaxDepth = 16;

    private readonly string _source;
    private readonly bool _isOverride;
    private readonly Parser _parser;
    private readonly ProblemList _problems;

    private RecipeYaml(string yaml, string source, bool isOverride, ProblemList problems)
    {
        (_source, _isOverride, _problems) = (source, isOverride, problems);
        _parser = new Parser(new StringReader(yaml));
    }

    /// <summary>The tree of a YAML text; null when it is not YAML (a problem tells why) or empty.</summary>
    /// <param name="yaml">Text.</param>
    /// <param name="source">File or override that problems name.</param>
    /// <param name="isOverride">Places have no line.</param>
    /// <param name="problems">What is wrong is added here.</param>
    public static RecipeNode? Parse(string yaml, string source, bool isOverride, ProblemList problems)
    {
        if (yaml.Length > MaxLength)
        {
            problems.Add(new Place(source, isOverride ? 0 : 1, 1), "", $"Longer than {MaxLength} characters; this is no recipe.");
            return null;
        }

        var reader = new RecipeYaml(yaml, source, isOverride, problems);
        try
        {
            return reader.Document();
        }
        catch (YamlException e)
        {
            problems.Add(reader.At(e.Start), "", $"Not YAML: {e.Message}");
            return null;
        }
        catch (TooDeepException e)
        {
            problems.Add(e.Place, "", $"Nested deeper than {MaxDepth} levels.");
            return null;
        }
    }

    private RecipeNode? Document()
    {
        while (Move() && _parser.Current is StreamStart or DocumentStart)
        {
        }

        if (_parser.Current is null or StreamEnd) return null;
        var root = Node(0);
        while (Move())
        {
            if (_parser.Current is not DocumentStart second) continue;
            _problems.Add(At(second.Start), "", "A recipe is one YAML document; this begins a second one.");
            break;
        }

        return root;
    }

    /// <summary>Reads the node that begins with the current event and leaves its last event current.</summary>
    private RecipeNode Node(int depth)
    {
        var start = _parser.Current!;
        var place = At(start.Start);
        if (depth > MaxDepth) throw new TooDeepException(place);
        if (start is AnchorAlias || (start is NodeEvent node && (!node.Anchor.IsEmpty || !node.Tag.IsEmpty)))
        {
            _problems.Add(place, "", "Anchors (&), aliases (*) and tags (!) are not part of a recipe. Write the value out.");
        }

        return start switch
        {
            Scalar scalar => new ScalarNode(place, scalar.Value, scalar.Style == ScalarStyle.Plain),
            SequenceStart => List(place, depth),
            MappingStart => Map(place, depth),
            _ => new ScalarNode(place, "", false),
        };
    }

    private ListNode List(Place place, int depth)
    {
        var items = new List<RecipeNode>();
        while (Next() is not SequenceEnd) items.Add(Node(depth + 1));
        return new ListNode(place, items);
    }

    private MapNode Map(Place place, int depth)
    {
        var map = new MapNode(place, []);
        while (Next() is not MappingEnd)
        {
            var key = Node(depth + 1);
            Next();
            var value = Node(depth + 1);
            if (key is not ScalarNode { Value: var name }) _problems.Add(key.Place, "", "A key is a name, not a list or mapping.");
            else if (map.Find(name) is { } first) _problems.Add(key.Place, name, $"This key is here twice; the first is in line {first.Place.Line}.");
            else map.Entries.Add(new MapEntry(name, key.Place, value));
        }

        return map;
    }

    private ParsingEvent Next() => Move() ? _parser.Current! : throw new YamlException("The text ends too early.");

    private bool Move()
    {
        try
        {
            return _parser.MoveNext();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or IndexOutOfRangeException or FormatException or OverflowException)
        {
            // Some broken texts, e.g. an unclosed [ before a key, trip the package's scanner instead of making it report an error.
            var mark = _parser.Current?.End ?? Mark.Empty;
            throw new YamlException(mark, mark, "A bracket, brace or quote before or here is not closed, or a character does not belong here.", e);
        }
    }

    private Place At(Mark mark) => _isOverride ? new Place(_source, 0, 0) : new Place(_source, (int)Math.Max(1, mark.Line), (int)Math.Max(1, mark.Column));

    private sealed class TooDeepException(Place place) : Exception
    {
        public Place Place { get; } = place;
    }
}
