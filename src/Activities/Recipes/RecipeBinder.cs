using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using XInstruct.Domain.Languages;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace XInstruct.Activities.Recipes;

/// <summary>Binds YAML nodes to the recipe's types, strictly, and keeps every problem with its place.</summary>
internal sealed class RecipeBinder(string file)
{
    private const int MaxDepth = 20;

    public List<RecipeProblem> Problems { get; } = [];

    /// <summary>Nodes that came from --set, by reference: their problems name the override.</summary>
    public Dictionary<YamlNode, string> Overrides { get; } = new(ReferenceEqualityComparer.Instance as IEqualityComparer<YamlNode>);

    /// <summary>Places of the keys that the file sets, for checks that come later.</summary>
    public Dictionary<string, YamlNode> Places { get; } = new(StringComparer.Ordinal);

    public void Add(YamlNode? node, string key, string message)
    {
        if (node is not null && Overrides.TryGetValue(node, out var text)) Problems.Add(new RecipeProblem("--set " + text, 0, 0, key, message));
        else Problems.Add(new RecipeProblem(file, node?.Start.Line ?? 0, node?.Start.Column ?? 0, key, message));
    }

    /// <summary>Sets an object's members from a mapping.</summary>
    public void Fill(YamlNode node, object target, string prefix, int depth = 0)
    {
        if (depth > MaxDepth)
        {
            Add(node, prefix, "is nested too deeply.");
            return;
        }

        if (node is not YamlMappingNode mapping)
        {
            Add(node, prefix, $"takes keys below it: {string.Join(", ", Names(target.GetType()))}.");
            return;
        }

        var members = Members(target.GetType());
        foreach (var (keyNode, value) in mapping.Children)
        {
            var name = (keyNode as YamlScalarNode)?.Value ?? "";
            var key = prefix.Length == 0 ? name : $"{prefix}.{name}";
            Places[key] = value;
            if (!members.TryGetValue(name, out var member))
            {
                var nearest = members.Keys.OrderBy(m => Language.Distance(m, name)).ThenBy(m => m, StringComparer.Ordinal).First();
                Add(Overrides.ContainsKey(value) ? value : keyNode, key, $"is not a key here. Did you mean '{nearest}'? Allowed: {string.Join(", ", Names(target.GetType()))}.");
                continue;
            }

            Set(target, member, value, key, depth);
        }
    }

    private void Set(object target, PropertyInfo member, YamlNode node, string key, int depth)
    {
        var type = Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType;
        if (IsOptions(type))
        {
            var options = member.GetValue(target) ?? Activator.CreateInstance(type)!;
            Fill(node, options, key, depth + 1);
            member.SetValue(target, options);
            return;
        }

        if (node is YamlScalarNode { Value: "" or "null" or "~" or null, Style: ScalarStyle.Plain })
        {
            if (IsNullable(member)) member.SetValue(target, null);
            else Add(node, key, $"has no value; it takes {Kind(type)}.");
            return;
        }

        var value = Convert(node, type, key);
        if (value is null) return;
        foreach (var rule in member.GetCustomAttributes<ValidationAttribute>())
        {
            if (rule is not RequiredAttribute && !rule.IsValid(value)) Add(node, key, Broken(rule, value));
        }

        member.SetValue(target, value);
    }

    private object? Convert(YamlNode node, Type type, string key)
    {
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)) return List(node, type.GenericTypeArguments[0], key);
        if (node is not YamlScalarNode scalar)
        {
            Add(node, key, $"takes {Kind(type)}.");
            return null;
        }

        var text = scalar.Value ?? "";
        object? value = type switch
        {
            _ when type == typeof(string) => text,
            _ when type == typeof(int) && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
            _ when type == typeof(double) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => number,
            _ when type == typeof(bool) && bool.TryParse(text, out var flag) => flag,
            _ when type.IsEnum && Enum.GetNames(type).FirstOrDefault(n => Camel(n) == text) is { } name => Enum.Parse(type, name),
            _ => null,
        };
        if (value is null)
        {
            var hint = type.IsEnum ? $" Did you mean '{Enum.GetNames(type).Select(Camel).OrderBy(n => Language.Distance(n, text)).First()}'?" : "";
            Add(node, key, $"takes {Kind(type)}, not '{text}'.{hint}");
        }

        return value;
    }

    private IList? List(YamlNode node, Type type, string key)
    {
        var items = node is YamlSequenceNode sequence ? sequence.Children : node is YamlScalarNode ? [node] : null;
        if (items is null)
        {
            Add(node, key, $"takes a list of {Kind(type)}.");
            return null;
        }

        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(type))!;
        foreach (var item in items)
        {
            if (Overrides.TryGetValue(node, out var text)) Overrides[item] = text;
            if (Convert(item, type, key) is { } value) list.Add(value);
        }

        return list;
    }

    private static string Broken(ValidationAttribute rule, object value) => rule switch
    {
        RangeAttribute range => string.Create(CultureInfo.InvariantCulture, $"is {value}; it must be from {range.Minimum} to {range.Maximum}."),
        RegularExpressionAttribute pattern => $"is '{value}'; it must match {pattern.Pattern}.",
        MinLengthAttribute length => $"needs at least {length.Length}.",
        _ => rule.FormatErrorMessage("it"),
    };

    internal static string Kind(Type type) => type switch
    {
        _ when type == typeof(string) => "a text",
        _ when type == typeof(int) => "a whole number",
        _ when type == typeof(double) => "a number",
        _ when type == typeof(bool) => "true or false",
        _ when type.IsEnum => "one of " + string.Join(", ", Enum.GetNames(type).Select(Camel)),
        _ => "a value",
    };

    internal static IReadOnlyDictionary<string, PropertyInfo> Members(Type type) =>
        type.GetProperties().Where(p => p.CanWrite).ToDictionary(p => Camel(p.Name), StringComparer.Ordinal);

    internal static bool IsOptions(Type type) => type.IsClass && type.Namespace == typeof(Domain.Recipes.Recipe).Namespace;

    internal static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..];

    private static IEnumerable<string> Names(Type type) => Members(type).Keys.Order(StringComparer.Ordinal);

    private static bool IsNullable(PropertyInfo member) =>
        Nullable.GetUnderlyingType(member.PropertyType) is not null || new NullabilityInfoContext().Create(member).WriteState == NullabilityState.Nullable;
}
