using System.Security.Cryptography;
using System.Text.Json;
using XInstruct.Activities.Releases;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Audit;

/// <summary>Compares a release's files with its seal.</summary>
internal static class ReleaseCheck
{
    /// <summary>Checks all files of a release.</summary>
    /// <param name="check">Takes findings.</param>
    /// <param name="release">The seal.</param>
    /// <param name="roots">Roots over the events that it covers.</param>
    /// <param name="place">Names a file in a finding.</param>
    /// <param name="open">Opens a file; null when it is not there.</param>
    /// <param name="ct">Cancellation.</param>
    /// <returns>How many files were checked.</returns>
    public static async Task<int> RunAsync(LogCheck check, ReleaseSealed release, Roots roots, Func<string, string> place, Func<string, Stream?> open, CancellationToken ct)
    {
        foreach (var (name, expected) in release.Files.Select(f => (f.Name, f.Sha256)).Prepend(("manifest.json", release.Sha256)))
        {
            await using var stream = open(name);
            if (stream is null) check.Findings.Add(new Finding(place(name), "The file is missing."));
            else check.Expect(place(name), "SHA-256", expected, Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, ct)));
        }

        await using var recordFile = open("record.json");
        if (recordFile is null)
        {
            check.Findings.Add(new Finding(place("record.json"), "The file is missing."));
            return release.Files.Count + 1;
        }

        using var bytes = new MemoryStream();
        await recordFile.CopyToAsync(bytes, ct);
        // No hash of it is sealed, and all that it says is known.
        var expectedRecord = JsonSerializer.SerializeToUtf8Bytes(new ReleaseRecord(check.Run, release.RecordRoot, roots.Events), EventJson.Indented);
        check.Expect(place("record.json"), "SHA-256", ContentHash.Of(expectedRecord), ContentHash.Of(bytes.ToArray()));
        return release.Files.Count + 2;
    }
}
