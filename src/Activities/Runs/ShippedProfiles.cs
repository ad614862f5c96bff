using System.Text.Json;

namespace XInstruct.Activities.Runs;

/// <summary>Language profiles made from samples/: so that a text in a language outside the run is told, too.</summary>
internal static class ShippedProfiles
{
    private const string Prefix = "profiles.";

    /// <summary>Texts by language code.</summary>
    public static IEnumerable<KeyValuePair<string, IReadOnlyList<string>>> Read()
    {
        var assembly = typeof(ShippedProfiles).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            var texts = new List<string>();
            while (reader.ReadLine() is { } line)
            {
                using var row = JsonDocument.Parse(line);
                texts.Add(row.RootElement.GetProperty("output").GetString()!);
            }

            yield return new(name[Prefix.Length..], texts);
        }
    }
}
