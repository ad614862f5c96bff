using XInstruct.Activities.Diversification;
using XInstruct.Activities.Releases;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Texts;
using XInstruct.Training.Clustering;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;

namespace XInstruct.Activities.DataSheets;

/// <summary>Draws the vectors that clustering saw on a plane.</summary>
public sealed class ClusterMapReader(FileStore files)
{
    /// <summary>Points of one map: what a page can show and a hand can hover over.</summary>
    public const int MaxPoints = 1500;

    private const int Clip = 140;

    /// <summary>The map of some released rows; null when their vectors, which are work files, are lost or too few.</summary>
    public async Task<ClusterMap?> ReadAsync(Run run, string language, Recipe recipe, IReadOnlyList<ReleaseRow> rows, int released, CancellationToken ct)
    {
        var input = new LanguageInput(new RunInput(run.Name, run.Recipe), language);
        var wanted = rows.ToDictionary(r => r.Id);
        var (found, vectors) = (new List<ReleaseRow>(rows.Count), new List<double[]>(rows.Count));
        for (var shard = 0; await files.ReadWorkAsync<VectorFile>(run.Name, VectorFile.Key(input, shard), ct) is { } file; shard++)
        {
            foreach (var (id, vector) in file.Ids.Zip(file.Vectors))
            {
                if (!wanted.TryGetValue(id, out var row)) continue;
                found.Add(row);
                vectors.Add(Array.ConvertAll(vector, v => (double)v));
            }
        }

        if (vectors.Count < 3 || vectors[0].Length < 2) return null;
        var plane = PrincipalComponents.Fit(vectors, 2, recipe.Threads);
        var points = plane.Transform(vectors);
        return new ClusterMap(language, plane.ExplainedVarianceRatio.Sum(), released, [.. found.Zip(points, (row, p) =>
            new MapPoint(Math.Round(p[0], 4), Math.Round(p[1], 4), row.Cluster, DisplayText.Clip(row.Instruction, Clip)))]);
    }
}
