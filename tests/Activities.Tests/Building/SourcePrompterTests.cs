using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using XInstruct.Activities.Building;
using XInstruct.Activities.Jobs;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Tasks;

namespace XInstruct.Activities.Tests.Building;

public sealed class SourcePrompterTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Read_AnyMixOfClusters_NeverTrainsOnAHeldOutOne()
    {
        var rows = ArbMap.Default.GeneratorFor<int>().Select(i => Math.Abs(i % 6)).ListOf();
        var held = ArbMap.Default.GeneratorFor<int>().Select(i => Math.Abs(i % 3)).ListOf(2);
        var (leaks, clean) = (0, 0);
        Prop.ForAll(rows.Zip(held).Zip(Gen.Elements(DataSplit.Train, DataSplit.Dev, DataSplit.Test)).ToArbitrary(), drawn =>
        {
            var ((numbers, clusters), split) = drawn;
            var names = clusters.Select(c => $"cluster{c}").ToHashSet(StringComparer.Ordinal);
            Write(numbers.Select((n, i) => new { input = $"Question {i}", output = "x", dataset_name = $"set{n}", id = i }));
            // Two data sets of each cluster.
            var isLeak = split != DataSplit.Test && numbers.Any(n => names.Contains($"cluster{n / 2}"));
            try
            {
                var built = Rows(new MixOptions { HoldOut = [.. names], PerDataset = 3 }, new BuildSource { Path = "", Lang = "sw" }, split);
                isLeak.ShouldBeFalse();
                if (split != DataSplit.Test) built.ShouldAllBe(row => !names.Contains(row.Cluster));
                built.Count.ShouldBe(numbers.CountBy(n => n).Sum(n => split == DataSplit.Train ? Math.Min(3, n.Value) : n.Value));
                clean++;
            }
            catch (JobException e)
            {
                isLeak.ShouldBeTrue();
                e.Message.ShouldMatch("The cluster cluster[0-2] is held out, but my-file, row [0-9]+, has rows of it to train on");
                names.ShouldContain(e.Message.Split(' ')[2]);
                leaks++;
            }
        }).QuickCheckThrowOnFailure();
        (leaks > 5, clean > 5).ShouldBe((true, true));
    }

    [Fact]
    public void Read_DrawnRows_AreTheSameInEveryOrderAndMix()
    {
        var rows = Enumerable.Range(0, 40).Select(i => new { input = $"Question {i}", output = "x", dataset_name = $"set{i % 2}", id = $"{i}.0" }).ToArray();
        Write(rows);
        var mix = new MixOptions { PerDataset = 5, Settings = [new() { Name = "a", Template = TemplateStyle.Native }, new() { Name = "b", Template = TemplateStyle.Other }, new() { Name = "c", Train = ["en"] }] };
        var built = Rows(mix, new BuildSource { Path = "", Lang = "sw" }, DataSplit.Train);
        built.CountBy(r => (r.Mix, r.Dataset)).Select(c => c.Value).ShouldBe([5, 5, 5, 5]);
        built.Where(r => r.Mix == "a").Select(r => r.Id).ShouldBe(built.Where(r => r.Mix == "b").Select(r => r.Id), ignoreOrder: true);
        built.ShouldAllBe(r => !r.Id.EndsWith(".0"));
        // Fewer are the first of more.
        mix.PerDataset = 2;
        Rows(mix, new BuildSource { Path = "", Lang = "sw" }, DataSplit.Train).Select(r => r.Id).ShouldBeSubsetOf(built.Select(r => r.Id));
        mix.PerDataset = 40;
        Rows(mix, new BuildSource { Path = "", Lang = "sw" }, DataSplit.Train).Count.ShouldBe(80);
    }

    [Fact]
    public void Read_WhatIsWrongWithRows_IsToldRowByRow()
    {
        File.WriteAllText(_path, """
            {"input": "q", "output": "yes", "choices": "yes|||no", "dataset_name": "set0", "id": 1}
            {"input": "q", "output": "yes", "choices": "yes|||no", "dataset_name": "set0", "id": 2}
            {"input": "r", "output": "Yes", "choices": "yes|||no", "dataset_name": "set0"}
            {"input": "s", "output": "", "dataset_name": "set0"}
            {"output": "t", "dataset_name": "set0"}
            {"input": "u", "output": "u"}
            [broken
            """);
        var lines = Lines(new MixOptions(), new BuildSource { Path = "", Lang = "sw" }, DataSplit.Train);
        lines.Select(l => l.Drop).OfType<BuildDrop>().Select(d => (d.Row, d.Reason, d.Detail)).ShouldBe(
        [
            (2, "duplicate", null), (3, "answer-not-a-choice", "Yes"), (4, "answer-missing", "output"), (5, "column-missing", "input"), (6, "column-missing", "dataset_name"), (7, "not-json", null),
        ]);
        lines.Select(l => l.Count).OfType<BuildCount>().ShouldBe([new BuildCount("my-file", "set0", DataSplit.Train, "read", 5)]);
        Should.Throw<JobException>(() =>
        {
            Write([new { input = "q", output = "a", dataset_name = "sett0" }]);
            Lines(new MixOptions(), new BuildSource { Path = "", Lang = "sw" }, DataSplit.Train);
        }).Message.ShouldBe("my-file, row 1: There is no data set 'sett0'. Did you mean 'set0'? Known: set0, set1, set2, set3, set4, set5. A registry file adds others.");
    }

    [Theory]
    [InlineData(true, false, "set1 (CC-BY-NC-4.0) is refused: licence-non-commercial")]
    [InlineData(false, true, "set3 (CC-BY-ND-4.0) is refused: licence-no-derivatives")]
    public void Read_RefusedLicence_IsAnErrorOrLeftOut(bool commercial, bool derivatives, string refused)
    {
        Write(Enumerable.Range(0, 6).Select(i => new { input = $"Question {i}", output = "x", dataset_name = $"set{i}" }));
        var licences = new LicenceOptions { Commercial = commercial, Derivatives = derivatives };
        Should.Throw<JobException>(() => Lines(new MixOptions(), new BuildSource { Path = "", Lang = "sw" }, DataSplit.Train, licences)).Message.ShouldContain(refused);
        licences.Action = RefusedAction.Drop;
        Lines(new MixOptions(), new BuildSource { Path = "", Lang = "sw" }, DataSplit.Train, licences).Count(l => l.Row is not null).ShouldBe(5);
        // Nobody says anything of set5.
        licences.Known = true;
        Lines(new MixOptions(), new BuildSource { Path = "", Lang = "sw" }, DataSplit.Train, licences).Where(l => l.Row is not null).Select(l => l.Row!.Dataset).ShouldNotContain("set5");
    }

    private static TaskCatalogue Catalogue() => new([new TaskRegistry
    {
        Name = "test",
        Clusters = [.. Enumerable.Range(0, 3).Select(i => new RegistryCluster { Name = $"cluster{i}" })],
        Datasets = [.. Enumerable.Range(0, 6).Select(i => new RegistryDataset { Name = $"set{i}", Cluster = $"cluster{i / 2}", Licence = i switch { 1 => "CC-BY-NC-4.0", 3 => "CC-BY-ND-4.0", 5 => "unknown", _ => "MIT" } })],
    }]);

    private void Write(IEnumerable<object> rows) => File.WriteAllLines(_path, rows.Select(row => JsonSerializer.Serialize(row)));

    private List<BuildLine> Lines(MixOptions mix, BuildSource source, DataSplit split, LicenceOptions? licences = null) =>
        new SourcePrompter(new BuildRecipe { Mix = mix, Sources = [source], Licences = licences ?? new LicenceOptions() }, Catalogue(), new SourceFile("sources.0.path", "my-file", source, split, "")).ReadAsync(_path, default).ToBlockingEnumerable().ToList();

    private List<BuildRow> Rows(MixOptions mix, BuildSource source, DataSplit split) => [.. Lines(mix, source, split).Select(line => line.Row).OfType<BuildRow>()];
}
