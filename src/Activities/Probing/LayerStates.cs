using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using XInstruct.Activities.Evaluation;
using XInstruct.Activities.Jobs;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Training.Clustering;

namespace XInstruct.Activities.Probing;

/// <summary>A layer whose components are taken.</summary>
/// <param name="Model">Place of the model in the recipe.</param>
/// <param name="Group">Place of the task's files in <see cref="ProbeKind.Groups"/>.</param>
/// <param name="Layer">The layer; 0 is the embedding.</param>
internal sealed record ProbedLayer(int Model, int Group, int Layer);

/// <summary>A text along a layer's components.</summary>
/// <param name="Unit">Place of its file.</param>
/// <param name="Row">Its row, from 1.</param>
/// <param name="X">Along the first component.</param>
/// <param name="Y">Along the second one.</param>
internal sealed record LayerPoint(int Unit, long Row, double X, double Y);

/// <summary>A layer's components: the line of a part of the stage <c>components</c>.</summary>
/// <param name="Layer">Which layer.</param>
/// <param name="Explained">Share of the variance along each component; empty where there are fewer than two texts.</param>
/// <param name="Points">The texts, file by file.</param>
internal sealed record LayerComponents(ProbedLayer Layer, IReadOnlyList<double> Explained, IReadOnlyList<LayerPoint> Points);

/// <summary>
/// The states of a job, in files of a JSON line that says what follows and single-precision numbers, layer after layer: a layer is read without the others.
/// </summary>
internal sealed class LayerStates(JobContext<ProbeRecipe> job)
{
    /// <summary>Writes a part of the stage <c>states</c>.</summary>
    public static async Task WriteAsync(JobWork work, WindowStates states, CancellationToken ct)
    {
        await work.WriteAsync(new Head(states.Layers, states.Width, states.Rows), ct);
        foreach (var vector in states.Vectors.SelectMany(layer => layer)) await work.Stream.WriteAsync(Bytes(vector), ct);
        work.Rows = states.Rows.Count;
    }

    /// <summary>The layers whose components are taken, in the order of the stage's parts.</summary>
    public async Task<IReadOnlyList<ProbedLayer>> LayersAsync(CancellationToken ct)
    {
        var windows = await ProbeKind.WindowsAsync(job, ProbeKind.States, ct);
        var groups = ProbeKind.Groups(EvaluationKind.Units(job, ProbeKind.Questions(job.Recipe)));
        var layers = new List<ProbedLayer>();
        for (var model = 0; model < job.Recipe.Models.Count; model++)
        {
            var part = windows.ToList().FindIndex(window => window.Model == model);
            await using var file = File.OpenRead(await job.PartPathAsync(ProbeKind.States, part, ct));
            var count = Read(file).Layers;
            layers.AddRange(Enumerable.Range(0, groups.Count).SelectMany(group => Enumerable.Range(0, count).Select(layer => new ProbedLayer(model, group, layer))));
        }

        return layers;
    }

    /// <summary>Takes the components of a layer, jointly over the languages of a task.</summary>
    public async Task<LayerComponents> ComponentsAsync(int part, CancellationToken ct)
    {
        var probed = (await LayersAsync(ct))[part];
        var units = ProbeKind.Groups(EvaluationKind.Units(job, ProbeKind.Questions(job.Recipe)))[probed.Group];
        var windows = await ProbeKind.WindowsAsync(job, ProbeKind.States, ct);
        var (places, vectors) = (new List<(int Unit, long Row)>(), new List<double[]>());
        for (var i = 0; i < windows.Count; i++)
        {
            if (windows[i].Model != probed.Model || !units.Contains(windows[i].Unit)) continue;
            await using var file = File.OpenRead(await job.PartPathAsync(ProbeKind.States, i, ct));
            var head = Read(file);
            file.Seek((long)probed.Layer * head.Rows.Count * head.Width * sizeof(float), SeekOrigin.Current);
            var vector = new float[head.Width];
            foreach (var row in head.Rows)
            {
                file.ReadExactly(MemoryMarshal.AsBytes(vector.AsSpan()));
                places.Add((windows[i].Unit, row));
                vectors.Add(Array.ConvertAll(vector, number => (double)number));
            }
        }

        if (vectors.Count < 2) return new LayerComponents(probed, [], []);
        return await ProbeKind.OnThreadOfItsOwn(() => Fit(probed, places, vectors), ct);
    }

    private LayerComponents Fit(ProbedLayer probed, List<(int Unit, long Row)> places, List<double[]> vectors)
    {
        var components = PrincipalComponents.Fit(vectors, 2, job.Recipe.Threads);
        var points = components.Transform(vectors);
        return new LayerComponents(
            probed,
            [.. components.ExplainedVarianceRatio.Select(share => Math.Round(share, 6))],
            [.. places.Zip(points, (place, point) => new LayerPoint(place.Unit, place.Row, Rounded(point[0]), Rounded(point[1])))]);
    }

    // Six digits, whatever the size of a model's states.
    private static double Rounded(double value) => double.Parse(value.ToString("G6", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);

    private static byte[] Bytes(float[] vector) => MemoryMarshal.AsBytes(vector.AsSpan()).ToArray();

    private static Head Read(FileStream file)
    {
        var line = new List<byte>();
        for (var next = file.ReadByte(); next is not ('\n' or < 0); next = file.ReadByte()) line.Add((byte)next);
        return JsonSerializer.Deserialize<Head>(Encoding.UTF8.GetString([.. line]), EventJson.Options)!;
    }

    private sealed record Head(int Layers, int Width, IReadOnlyList<long> Rows);
}
