using System.Text.Json.Serialization;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Jobs;

/// <summary>The endpoints of a job by the dotted keys of their options; the settings of them may change between its starts.</summary>
/// <param name="Endpoints">E.g. <c>judges.0.api</c>.</param>
public sealed record JobEndpoints(IReadOnlyDictionary<string, EndpointSettings> Endpoints)
{
    /// <summary>Settings of a recipe as the user wrote it; null when all its models are local.</summary>
    public static JobEndpoints? Of(JobRecipe recipe)
    {
        var found = Options(recipe).ToDictionary(o => o.Key, o => EndpointSettings.Of(o.Api)!, StringComparer.Ordinal);
        return found.Count > 0 ? new JobEndpoints(found) : null;
    }

    /// <summary>Environment variables that hold keys.</summary>
    [JsonIgnore]
    public IEnumerable<string> Keys => Endpoints.Values.Select(e => e.Key).OfType<string>().Distinct(StringComparer.Ordinal);

    /// <summary>The endpoints of a recipe.</summary>
    internal static IEnumerable<(string Key, ApiOptions Api)> Options(object section, string prefix = "")
    {
        foreach (var key in RecipeKey.Of(section.GetType()))
        {
            var (name, value) = (prefix + key.Name, key.Get(section));
            var inner = value switch
            {
                ApiOptions api => [(name, api)],
                IEnumerable<object> items when key.Kind == KeyKind.SectionList => items.SelectMany((item, i) => Options(item, $"{name}.{i}.")),
                not null when key.Kind == KeyKind.Section => Options(value, $"{name}."),
                _ => [],
            };
            foreach (var option in inner) yield return option;
        }
    }
}
