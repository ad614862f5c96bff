using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using XInstruct.Training.Clustering;

namespace XInstruct.Training.Tests.Clustering;

public sealed class KMeansTests
{
    public static TheoryData<string> Datasets => [.. Golden.Json(Golden.Copied("clustering/kmeans_pca.json")).GetProperty("datasets").EnumerateArray().Select(set => set.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Datasets))]
    public void Fit_GoldenRuns_GiveTheSameClusters(string name)
    {
        var set = Dataset(name);
        var points = set.GetProperty("X").Rows();
        KMeansResult? last = null;
        foreach (var run in set.GetProperty("runs").EnumerateArray())
        {
            last = KMeans.Fit(points, new KMeansOptions
            {
                Clusters = set.GetProperty("n_clusters").GetInt32(),
                InitialCenters = set.GetProperty("init_centers").Rows(),
                MaxIterations = run.GetProperty("max_iter").GetInt32(),
                Tolerance = 0,
            });
            last.Labels.ShouldBe(run.GetProperty("labels").Ints());
            last.Inertia.ShouldBe(run.GetProperty("inertia").GetDouble(), 1e-6 * last.Inertia);
            last.Iterations.ShouldBe(run.GetProperty("n_iter").GetInt32());
            ShouldMatch(last.Centers, run.GetProperty("centers").Rows());
        }
        KMeans.Predict(set.GetProperty("predict_X").Rows(), last!.Centers).ShouldBe(set.GetProperty("predict_labels").Ints());
    }

    [Theory]
    [MemberData(nameof(Datasets))]
    public void FitComponents_GoldenPca_GivesTheSameCoordinates(string name)
    {
        var set = Dataset(name);
        var points = set.GetProperty("X").Rows();
        var golden = set.GetProperty("pca");
        var pca = PrincipalComponents.Fit(points, golden.GetProperty("n_components").GetInt32());
        ShouldMatch([pca.Mean], [golden.GetProperty("mean").Doubles()]);
        ShouldMatch([pca.ExplainedVariance], [golden.GetProperty("explained_variance").Doubles()]);
        ShouldMatch([pca.ExplainedVarianceRatio], [golden.GetProperty("explained_variance_ratio").Doubles()]);
        ShouldMatch([pca.SingularValues], [golden.GetProperty("singular_values").Doubles()]);
        var expected = golden.GetProperty("components").Rows();
        // The sign of a component is free: line ours up with the vectors.
        double[] signs = [.. pca.Components.Zip(expected, (ours, theirs) => (double)Math.Sign(ours.Zip(theirs, (a, b) => a * b).Sum()))];
        ShouldMatch(pca.Components, [.. expected.Select((row, c) => row.Select(value => value * signs[c]).ToArray())]);
        var coordinates = pca.Transform(points);
        ShouldMatch(coordinates, Flip(golden.GetProperty("coordinates").Rows()));
        ShouldMatch(pca.Inverse(coordinates[..3]), golden.GetProperty("inverse_first3").Rows());
        ShouldMatch(pca.Transform(points[..3], whiten: true), Flip(golden.GetProperty("whitened_first3").Rows()));

        double[][] Flip(double[][] rows) => [.. rows.Select(row => row.Select((value, c) => value * signs[c]).ToArray())];
    }

    [Fact]
    public void Fit_SinglePrecision_FindsSeparatedBlobs()
    {
        var points = Blobs(300, 16, 5);
        var result = KMeans.Fit(points, new KMeansOptions { Clusters = 5, Starts = 3 });
        // Point i belongs to blob i mod 5: each blob has one label, each label one blob.
        for (var blob = 0; blob < 5; blob++)
            result.Labels.Where((_, i) => i % 5 == blob).Distinct().Count().ShouldBe(1);
        result.Labels.Distinct().Count().ShouldBe(5);
        var again = KMeans.Fit(points, new KMeansOptions { Clusters = 5, Starts = 3 });
        again.Labels.ShouldBe(result.Labels);
        again.Inertia.ShouldBe(result.Inertia);
    }

    [Fact]
    public void Fit_AnyPoints_EachLabelIsTheNearestCentre()
        => Prop.ForAll(Gen.Choose(0, 10_000).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            double[][] points = [.. Enumerable.Range(0, 30).Select(_ => new[] { Math.Round(random.NextDouble(), 3), Math.Round(random.NextDouble(), 3) })];
            var result = KMeans.Fit(points, new KMeansOptions { Clusters = 4, Starts = 1, Seed = (ulong)seed, Tolerance = 0 });
            return points.Select((point, i) => Distance(point, result.Centers[result.Labels[i]]) <= result.Centers.Min(center => Distance(point, center)) + 1e-9).All(nearest => nearest);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Fit_EqualPoints_DoesNotFail()
        => KMeans.Fit([.. Enumerable.Repeat(new[] { 1.0, 2.0 }, 6)], new KMeansOptions { Clusters = 3, Starts = 2 }).Inertia.ShouldBe(0);

    [Fact]
    public void Fit_FewerPointsThanClusters_SaysSo()
        => Should.Throw<ArgumentException>(() => KMeans.Fit([[1.0]], new KMeansOptions { Clusters = 2 })).Message.ShouldContain("1 points cannot form 2 clusters");

    [Fact]
    public void Fit_NotANumber_Throws()
        => Should.Throw<ArgumentException>(() => KMeans.Fit([[1.0], [double.NaN]], new KMeansOptions { Clusters = 1 }));

    [Fact]
    public void Fit_BatchByBatch_OnSeparablePointsIsNearlyAsGood()
    {
        var points = Blobs(3000, 16, 5);
        var full = KMeans.Fit(points, new KMeansOptions { Clusters = 5, Starts = 3 });
        var options = new MiniBatchOptions { Clusters = 5, BatchSize = 128 };
        var batches = MiniBatchKMeans.Fit(new PointList<float>(points), options);
        batches.Inertia.ShouldBeInRange(full.Inertia * 0.999999, full.Inertia * 1.02);
        for (var blob = 0; blob < 5; blob++)
            batches.Labels.Where((_, i) => i % 5 == blob).Distinct().Count().ShouldBe(1);
        batches.Labels.Distinct().Count().ShouldBe(5);
        var again = MiniBatchKMeans.Fit(new PointList<float>(points), options);
        again.Labels.ShouldBe(batches.Labels);
        again.Inertia.ShouldBe(batches.Inertia);
        MiniBatchKMeans.Fit(new PointList<float>(points), options with { Seed = 43 }).Inertia.ShouldNotBe(batches.Inertia);
        Should.Throw<ArgumentException>(() => MiniBatchKMeans.Fit(new PointList<float>(points[..4]), options)).Message.ShouldContain("4 points cannot form 5 clusters");
        Should.Throw<ArgumentException>(() => MiniBatchKMeans.Fit(new PointList<float>(points), options with { BatchSize = 4 })).Message.ShouldContain("too small");
    }

    [Fact]
    public void Fit_PointsOfFiles_GiveWhatPointsInMemoryGive()
    {
        var points = Blobs(300, 16, 5);
        var folder = Directory.CreateTempSubdirectory("xi-vectors-").FullName;
        try
        {
            string[] paths = [Path.Combine(folder, "0"), Path.Combine(folder, "1"), Path.Combine(folder, "2")];
            Write(paths[0], points[..101]);
            Write(paths[1], []);
            Write(paths[2], points[101..]);
            using var files = new VectorFiles(paths, 16);
            var options = new KMeansOptions { Clusters = 5, Starts = 2 };
            var (expected, read) = (KMeans.Fit(points[90..], options), KMeans.Fit(files.Range(90, 210), options));
            read.Labels.ShouldBe(expected.Labels);
            read.Inertia.ShouldBe(expected.Inertia);
            Should.Throw<InvalidDataException>(() => new VectorFiles(paths, 15)).Message.ShouldContain("15 columns");
            Should.Throw<ArgumentOutOfRangeException>(() => files.Range(200, 101));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        static void Write(string path, float[][] rows) =>
            File.WriteAllBytes(path, System.Runtime.InteropServices.MemoryMarshal.AsBytes(rows.SelectMany(row => row).ToArray().AsSpan()).ToArray());
    }

    private static float[][] Blobs(int count, int width, int blobs)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(i => Enumerable.Range(0, width).Select(j => (float)(random.NextDouble() + (j % blobs == i % blobs ? 8 : 0))).ToArray())];
    }

    private static double Distance(double[] a, double[] b) => a.Zip(b, (x, y) => (x - y) * (x - y)).Sum();

    private static JsonElement Dataset(string name)
        => Golden.Json(Golden.Copied("clustering/kmeans_pca.json")).GetProperty("datasets").EnumerateArray().Single(set => set.GetProperty("name").GetString() == name);

    private static void ShouldMatch(double[][] actual, double[][] expected)
    {
        actual.Length.ShouldBe(expected.Length);
        for (var i = 0; i < actual.Length; i++)
        {
            for (var j = 0; j < expected[i].Length; j++)
                actual[i][j].ShouldBe(expected[i][j], 1e-6 * Math.Max(1, Math.Abs(expected[i][j])));
        }
    }
}
