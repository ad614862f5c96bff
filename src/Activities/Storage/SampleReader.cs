using Marten;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Samples;

namespace XInstruct.Activities.Storage;

/// <summary>Reads samples' current state by id.</summary>
public sealed class SampleReader(IDocumentStore store)
{
    private const int BatchSize = 2000;

    /// <summary>States of the given samples, in the order of their ids.</summary>
    /// <exception cref="TamperedException">One is missing.</exception>
    public async Task<IReadOnlyList<Sample>> LoadAsync(string run, IReadOnlyList<Guid> ids, CancellationToken ct)
    {
        await using var session = store.QuerySession();
        var byId = new Dictionary<Guid, Sample>(ids.Count);
        foreach (var batch in ids.Chunk(BatchSize))
        {
            var streams = batch.Select(id => Identity.Stream(run, id)).ToArray();
            foreach (var sample in await session.LoadManyAsync<Sample>(ct, streams)) byId[sample.SampleId] = sample;
        }

        return [.. ids.Select(id => byId.GetValueOrDefault(id)
            ?? throw new TamperedException($"Sample {id} of run {run} has no state. Run 'xinstruct audit verify {run}'."))];
    }
}
