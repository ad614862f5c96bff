using System.Text.Json;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Releases;

/// <summary>Reads the manifest of a release folder, wherever it lies.</summary>
public static class ReleaseManifest
{
    /// <summary>The manifest.</summary>
    /// <exception cref="TamperedException">It is no manifest, or names a file outside its folder.</exception>
    public static Manifest Read(string folder)
    {
        var path = Path.Combine(folder, "manifest.json");
        try
        {
            var manifest = JsonSerializer.Deserialize<Manifest>(File.ReadAllBytes(path), EventJson.Options);
            if (manifest?.Files is { Count: > 0 } files && files.All(f => f?.Name is { Length: > 0 } name && name is not ("." or "..") && Path.GetFileName(name) == name)) return manifest;
        }
        catch (JsonException)
        {
            // Said below.
        }

        throw new TamperedException($"{path} is no manifest of a release.");
    }
}
