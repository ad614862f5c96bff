using Temporalio.Activities;
using XInstruct.Activities.Encoders;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Selection;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Clustering;
using XInstruct.Workflows.Diversification;
using XInstruct.Workflows.Languages;

namespace XInstruct.Activities.Diversification;

/// <summary>Seeded k-means++ over a language's instructions, then quotas across clusters.</summary>
public sealed class ClusteringActivities(EventWriter writer, RunLibrary library, FileStore files) : IClusteringActivities
{
    /// <inheritdoc/>
    [Activity]
    public async Task<ShardResult> SelectAsync(ClusterInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var run = input.Language.Run;
        var document = await library.RecipeAsync(run, ct);
        var recipe = document.Recipe;
        var (ids, vectors) = await ReadAsync(input, ct);
        if (ids.Count == 0) return new ShardResult(0, 0);
        var options = new KMeansOptions
        {
            Clusters = Math.Min(recipe.Diversify.Clusters, ids.Count),
            Seed = (ulong)recipe.Seed,
            Threads = recipe.Threads,
        };
        var clusters = KMeans.Fit(vectors, options, ct);
        var chosen = Choose(ids, vectors, clusters, recipe);
        var act = recipe.Diversify.Encoder is null
            ? new Act("select", CodeVersion.Current)
            : new Act("select", CodeVersion.Current, Models: [EncoderLibrary.Hash(document)]);
        foreach (var batch in chosen.Chunk(recipe.Plan.ShardSize))
        {
            await writer.WriteAsync<Sample>(run.Run, act, [.. batch.Select(c => new Change<Sample>(
                Identity.Stream(run.Run, c.Id), c.Id, s => s?.Select(c.Cluster, c.Rank) is { } e ? new Fact(e) : null))], ct);
            heartbeat.Advance(batch.Length);
        }

        return new ShardResult(chosen.Count, ids.Count - chosen.Count);
    }

    private static List<(Guid Id, int Cluster, int Rank)> Choose(
        IReadOnlyList<Guid> ids, IReadOnlyList<float[]> vectors, KMeansResult clusters, Recipe recipe)
    {
        var members = Enumerable.Range(0, clusters.Centers.Length).Select(_ => new List<int>()).ToArray();
        for (var i = 0; i < ids.Count; i++) members[clusters.Labels[i]].Add(i);
        var quotas = Quota.Allocate(recipe.Diversify.Target, [.. members.Select(m => m.Count)]);
        var chosen = new List<(Guid, int, int)>();
        for (var cluster = 0; cluster < members.Length; cluster++)
        {
            var center = clusters.Centers[cluster];
            var order = recipe.Diversify.Pick == Pick.Nearest
                ? members[cluster].OrderBy(i => SquaredDistance(vectors[i], center)).ThenBy(i => i)
                : members[cluster].OrderBy(i => DeterministicRandom.SeedOf($"pick/{recipe.Seed}/{ids[i]}")).ThenBy(i => i);
            chosen.AddRange(order.Take(quotas[cluster]).Select((i, rank) => (ids[i], cluster, rank + 1)));
        }

        return [.. chosen.OrderBy(c => c.Item1, Comparer<Guid>.Create(Identity.Compare))];
    }

    private static double SquaredDistance(float[] vector, double[] center)
    {
        var sum = 0.0;
        for (var i = 0; i < vector.Length; i++) sum += (vector[i] - center[i]) * (vector[i] - center[i]);
        return sum;
    }

    private async Task<(List<Guid> Ids, List<float[]> Vectors)> ReadAsync(ClusterInput input, CancellationToken ct)
    {
        var (ids, vectors) = (new List<Guid>(), new List<float[]>());
        for (var shard = 0; shard < input.Shards; shard++)
        {
            var key = VectorFile.Key(input.Language, shard);
            var file = await files.ReadWorkAsync<VectorFile>(input.Language.Run.Run, key, ct)
                ?? throw new TamperedException($"Work file {files.Work(input.Language.Run.Run, key)} is missing. Do all workers share this directory? 'xinstruct doctor' checks it.");
            ids.AddRange(file.Ids);
            vectors.AddRange(file.Vectors);
        }

        return (ids, vectors);
    }
}
