using System.Collections.Concurrent;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Recipes;

/// <summary>Kinds of recipe values.</summary>
internal enum KeyKind
{
    Text,
    WholeNumber,
    Number,
    Flag,
    Choice,
    TextList,
    NumberList,
    WholeNumberList,
    TextMap,
    Section,
    SectionList,
}

/// <summary>A key of a recipe, as its type declares it: the one source of binding, checks, schema and template.</summary>
internal sealed class RecipeKey
{
    private static readonly ConcurrentDictionary<Type, IReadOnlyList<RecipeKey>> Known = new();
    private static readonly NullabilityInfoContext Nullability = new();

    private readonly PropertyInfo _property;

    private RecipeKey(PropertyInfo property)
    {
        _property = property;
        Name = JsonNamingPolicy.CamelCase.ConvertName(property.Name);
        Type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        Kind = KindOf(Type);
        lock (Nullability) IsNullable = Nullability.Create(property).WriteState == NullabilityState.Nullable;
        Description = property.GetCustomAttribute<DescriptionAttribute>()?.Description ?? "";
        Range = property.GetCustomAttribute<RangeAttribute>();
        Pattern = property.GetCustomAttribute<RegularExpressionAttribute>()?.Pattern;
        MinItems = property.GetCustomAttribute<MinLengthAttribute>()?.Length;
        IsRequired = property.GetCustomAttribute<RequiredAttribute>() is not null;
        Input = property.GetCustomAttribute<InputPathAttribute>()?.Kind;
        if (Kind == KeyKind.SectionList) Item = Type.GetGenericArguments()[0];
    }

    /// <summary>Name in YAML.</summary>
    public string Name { get; }

    /// <summary>Type of the value, without its nullable wrapper.</summary>
    public Type Type { get; }

    public KeyKind Kind { get; }

    public bool IsNullable { get; }

    public string Description { get; }

    public RangeAttribute? Range { get; }

    public string? Pattern { get; }

    public int? MinItems { get; }

    public bool IsRequired { get; }

    /// <summary>What the path names, when the value is the path of an input.</summary>
    public InputKind? Input { get; }

    /// <summary>Whether it is where a result goes.</summary>
    public bool IsOutput => _property.DeclaringType == typeof(JobRecipe) && _property.Name == nameof(JobRecipe.Output);

    /// <summary>Type of a list's sections.</summary>
    public Type? Item { get; }

    /// <summary>Names of an enumeration.</summary>
    public IReadOnlyList<string> Choices => Kind == KeyKind.Choice ? [.. Enum.GetNames(Type).Select(JsonNamingPolicy.CamelCase.ConvertName)] : [];

    /// <summary>Keys of a section, those of the base type first.</summary>
    public static IReadOnlyList<RecipeKey> Of(Type section) => Known.GetOrAdd(section, static t =>
        [.. t.GetProperties(BindingFlags.Public | BindingFlags.Instance).OrderBy(p => p.DeclaringType == t).ThenBy(p => p.MetadataToken).Select(p => new RecipeKey(p))]);

    /// <summary>All dotted keys of a recipe.</summary>
    public static IEnumerable<string> All(Type? section = null, string prefix = "") => Of(section ?? typeof(Recipe)).SelectMany(k =>
        k.Kind == KeyKind.Section ? All(k.Type, $"{prefix}{k.Name}.").Prepend(prefix + k.Name) : [prefix + k.Name]);

    /// <summary>The key with a dotted name, in which a number is the place in a list of sections; null when there is none.</summary>
    public static RecipeKey? Find(string dotted, Type? root = null)
    {
        var (section, found) = (root ?? typeof(Recipe), default(RecipeKey));
        foreach (var name in dotted.Split('.'))
        {
            if (found is { Kind: KeyKind.SectionList } && section == found.Type)
            {
                if (!name.All(char.IsAsciiDigit)) return null;
                section = found.Item!;
                continue;
            }

            if (found is { Kind: not KeyKind.Section and not KeyKind.SectionList }) return null;
            found = Of(section).FirstOrDefault(k => k.Name == name);
            if (found is null) return null;
            section = found.Type;
        }

        return found;
    }

    /// <summary>Of <paramref name="names"/>, the one most like <paramref name="name"/>.</summary>
    public static string Nearest(string name, IEnumerable<string> names) =>
        names.OrderBy(n => Language.Distance(n.ToUpperInvariant(), name.ToUpperInvariant())).ThenBy(n => n, StringComparer.Ordinal).First();

    public object? Get(object section) => _property.GetValue(section);

    public void Set(object section, object? value) => _property.SetValue(section, value);

    private static KeyKind KindOf(Type type) => type switch
    {
        _ when type == typeof(string) => KeyKind.Text,
        _ when type == typeof(int) => KeyKind.WholeNumber,
        _ when type == typeof(double) => KeyKind.Number,
        _ when type == typeof(bool) => KeyKind.Flag,
        _ when type.IsEnum => KeyKind.Choice,
        _ when type == typeof(IReadOnlyList<string>) => KeyKind.TextList,
        _ when type == typeof(IReadOnlyList<double>) => KeyKind.NumberList,
        _ when type == typeof(IReadOnlyList<int>) => KeyKind.WholeNumberList,
        _ when type == typeof(IReadOnlyDictionary<string, string>) => KeyKind.TextMap,
        { IsGenericType: true } when type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) && type.GetGenericArguments()[0].IsClass => KeyKind.SectionList,
        _ when type.IsClass => KeyKind.Section,
        _ => throw new NotSupportedException($"Recipes have no values of type {type}."),
    };
}
