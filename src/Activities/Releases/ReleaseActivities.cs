using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Temporalio.Activities;
using XInstruct.Activities.Audit;
using XInstruct.Activities.DataSheets;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Releases;
using XInstruct.Workflows.Runs;

namespace XInstruct.Activities.Releases;

/// <summary>One row of a release. Member order is the order in the file.</summary>
/// <param name="Score">P(level 2).</param>
/// <param name="Version">Version of the sample's stream, without second verdicts: the revision that was released.</param>
public sealed record ReleaseRow(
    string Instruction, string Output, string Lang, Guid Id, double Score, int Cluster, int Iteration, long Version, Guid Source, long Row);

/// <summary>manifest.json: what a release holds. Its SHA-256 names the release.</summary>
public sealed record Manifest(int Format, string Name, int Number, string Recipe, string ContentRoot, IReadOnlyList<ReleaseFile> Files);

/// <summary>record.json, beside the manifest and never in it: what depends on who, when and where.</summary>
public sealed record ReleaseRecord(string Run, string RecordRoot, long Events);

/// <summary>Writes the data set and seals it.</summary>
public sealed class ReleaseActivities(
    EventWriter writer, RunLibrary library, SampleReader samples, Contents contents, FileStore files, EventLog log, RunReader runs, DataSheetWriter sheets) : IReleaseActivities
{
    /// <inheritdoc/>
    [Activity]
    public async Task<SealedRelease> SealReleaseAsync(RunInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var recipe = (await library.RecipeAsync(input, ct)).Recipe;
        const int number = 1;
        var folder = files.NewFolder();
        var table = new List<ReleaseFile>();
        foreach (var language in recipe.Languages)
        {
            table.Add(await ReleaseTable.WriteAsync(folder, language, BatchesAsync(input, language, ct), contents, lost: null, ct));
            heartbeat.Advance(1);
        }

        var roots = await log.RootsAsync(input.Run, untilRelease: true, ct);
        var release = await ReleaseTable.DescribeAsync(folder, input.Run, recipe.Name, number, input.Recipe, roots, table, ct);
        Publish(folder, Path.Combine(files.Releases(input.Run), $"{number}"));
        Moments.Reached(Moments.Manifest);
        var stream = Identity.RunStream(input.Run);
        await writer.WriteAsync<Run>(
            input.Run, new Act("release", CodeVersion.Current), [new Change<Run>(stream, stream, r => r?.Seal(release) is { } e ? new Fact(e) : null)], ct);
        await DescribeAsync(input.Run, Path.Combine(files.Releases(input.Run), $"{number}"), ct);
        return new SealedRelease(number, release.Sha256, table.Sum(f => f.Rows));
    }

    /// <summary>The data sheet lies beside what was sealed and is no part of it: a release without one is still sealed, and 'xinstruct report' writes it again.</summary>
    private async Task DescribeAsync(string run, string folder, CancellationToken ct)
    {
        try
        {
            await sheets.WriteAsync(await runs.LoadAsync(run, ct), null, folder, ct);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            ActivityExecutionContext.Current.Logger.LogWarning(e, "No data sheet for {Run}", run);
        }
    }

    private async IAsyncEnumerable<IReadOnlyList<Sample>> BatchesAsync(RunInput run, string language, [EnumeratorCancellation] CancellationToken ct)
    {
        var plan = await library.PlanAsync(new LanguageInput(run, language), ct);
        foreach (var ids in plan.Ids.Chunk(1000)) yield return await samples.LoadAsync(run.Run, ids, ct);
    }

    /// <summary>The folder appears whole; what an earlier, unsealed attempt left is replaced.</summary>
    private static void Publish(string folder, string target)
    {
        FileStore.Flush(folder);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        if (Directory.Exists(target)) Directory.Delete(target, recursive: true);
        Directory.Move(folder, target);
    }
}
