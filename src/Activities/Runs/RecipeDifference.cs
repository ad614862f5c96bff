using System.Text.Json;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Runs;

/// <summary>A recipe is not what it was when the run began that has its name.</summary>
public sealed class RecipeChangedException(string run, IReadOnlyList<RecipeDifference> differences, bool isNamed) : Exception(
    $"The recipe changed since run {run} began: {string.Join("; ", differences.Take(3))}{(differences.Count > 3 ? $"; and {differences.Count - 3} more" : "")}. What the run has made came from the old one. " +
    $"Put it back to go on with {run}; or 'xinstruct fork {run} RECIPE --from STAGE {string.Join(' ', differences.Take(3).Select(d => $"--set {d.Key}={d.Now}"))}' makes a run of its own of what is done before that stage; " +
    (isNamed ? "or give the new run another --id." : $"or start from the beginning with --new ('xinstruct cancel {run}' first, if it is not wanted any more)."))
{
    /// <summary>The run.</summary>
    public string Run { get; } = run;
}

/// <summary>A key of a recipe with two values.</summary>
/// <param name="Key">Dotted.</param>
/// <param name="Before">As JSON.</param>
/// <param name="Now">As JSON.</param>
public sealed record RecipeDifference(string Key, string Before, string Now)
{
    private const int Longest = 60;

    /// <summary>The keys of two recipes that differ, in their order.</summary>
    public static IReadOnlyList<RecipeDifference> Between(Recipe before, Recipe now)
    {
        var found = new List<RecipeDifference>();
        Add(found, "", JsonSerializer.SerializeToElement(before, EventJson.Options), JsonSerializer.SerializeToElement(now, EventJson.Options));
        return found;
    }

    /// <summary>In words.</summary>
    public override string ToString() => $"{Key} was {Cut(Before)}, is {Cut(Now)}";

    private static void Add(List<RecipeDifference> found, string key, JsonElement before, JsonElement now)
    {
        if (JsonElement.DeepEquals(before, now)) return;
        if (before.ValueKind != JsonValueKind.Object || now.ValueKind != JsonValueKind.Object)
        {
            found.Add(new RecipeDifference(key, Text(before), Text(now)));
            return;
        }

        foreach (var name in before.EnumerateObject().Concat(now.EnumerateObject()).Select(p => p.Name).Distinct(StringComparer.Ordinal))
        {
            Add(found, key.Length == 0 ? name : $"{key}.{name}", before.TryGetProperty(name, out var b) ? b : default, now.TryGetProperty(name, out var n) ? n : default);
        }
    }

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.Undefined ? "null" : value.GetRawText();

    private static string Cut(string text) => text.Length <= Longest ? text : text[..Longest] + "…";
}
