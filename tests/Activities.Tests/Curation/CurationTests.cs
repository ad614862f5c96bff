using System.Text;
using System.Text.Json;
using XInstruct.Activities.Curation;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Models;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Curation;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Tests;
using static TorchSharp.torch;

namespace XInstruct.Activities.Tests.Curation;

public sealed class CurationTests : IDisposable
{
    private static readonly string Model = Path.Combine(SharedData.Root, "samples", "models", "tiny");

    private readonly string _folder = Directory.CreateTempSubdirectory("xi-curation-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Perplexities_OfInstructions_AreThoseOfTheFormula()
    {
        using var library = new ModelLibrary(new FileStore(_folder));
        using var models = new InstructionModels(library);
        var recipe = new CurationRecipe { Device = ComputeDevice.Cpu, Perplexity = new() { MaxTokens = 6 } };
        string[] texts = ["Compare two options about cooking in Swahili.", "a", "Tell a story"];
        var lines = models.Perplexities(Model, recipe, texts, default);
        // One token has nothing before it.
        lines[1].ShouldBe(new PerplexityLine(null, "one-token"));
        var model = new ModelFolder(Model, Device: "cpu", Type: "float32").Load();
        foreach (var i in (int[])[0, 2])
        {
            int[] ids = [.. model.Tokenizer.Encode(texts[i]).Take(6)];
            ids.Length.ShouldBeGreaterThan(2);
            var sum = 0.0;
            using (no_grad())
            {
                using var scope = NewDisposeScope();
                var log = model.Decoder.Logits(model.Decoder.Hidden(tensor(ids.Select(id => (long)id).ToArray(), [1, ids.Length]))).log_softmax(-1);
                for (var t = 1; t < ids.Length; t++) sum += log[0, t - 1, ids[t]].item<float>();
            }

            lines[i].Ppl!.Value.ShouldBe(Math.Exp(-sum / (ids.Length - 1)), 0.0051);
        }

        model.Decoder.Dispose();
        recipe.Perplexity.MaxTokens = 4096;
        Should.Throw<JobException>(() => models.Perplexities(Model, recipe, texts, default)).Message.ShouldContain("perplexity.maxTokens is 4096, but the model of perplexity.model takes 2048 tokens");
    }

    [Fact]
    public void Measured_RowsInAnyOrder_AreSortedAndTiesStayInTheirOrder()
    {
        string[] parts = [In("0"), In("1")];
        Write(parts[0], new MergedRow("bbb", "first", "a", 3), new RejectedRow(2, "not-json"), new MergedRow("aa", "x", "a", 2), new MergedRow("ccc", "y", "a", 3));
        Write(parts[1], new MergedRow("bbb", "first", "b", 3), new MergedRow("ddd", "z", "b", 3), new MergedRow("é", "w", "b", 1));
        using var merged = RowTables.Merged(In("merged"), parts, dropDuplicates: false);
        Read(merged).ShouldBe(["é", "aa", "bbb", "ccc", "bbb", "ddd"]);
        using var rows = RowTables.Measured(In("measured"), merged, [5, 6, 2, null, 2, 1]);
        // Reopened from its files: it is not made again.
        using var again = RowTable.Find(In("measured"))!;
        Read(again).ShouldBe(["é", "aa", "ddd", "bbb", "bbb"]);
        again.Rows.Select(row => row.Source).ShouldBe([1, 0, 1, 0, 1]);
        Encoding.UTF8.GetString(again.Line(2)).ShouldBe("""{"len":3,"ppl":1,"group":"b","instruction":"ddd","output":"z"}""");
        // The group takes no part in what is a duplicate; the first of the sort stays.
        using var dropped = RowTables.Merged(In("dropped"), parts, dropDuplicates: true);
        Read(dropped).ShouldBe(["é", "aa", "bbb", "ccc", "ddd"]);

        static IEnumerable<string> Read(RowTable table) => Enumerable.Range(0, table.Count).Select(i => table.Read<MeasuredRow>(i).Instruction);
    }

    [Fact]
    public void Sample_AnyClusters_KeepsRoundedUpShareOfEach()
    {
        var random = new Random(3);
        string[] parts = [In("0")];
        Write(parts[0], [.. Enumerable.Range(0, 3000).Select(i => (object)new MergedRow(new string('a', 1 + random.Next(200)) + i, "x", "a", 1 + random.Next(200), Math.Round(random.NextDouble() * 100, 2)))]);
        using var merged = RowTables.Merged(In("merged"), parts, dropDuplicates: false);
        using var rows = RowTables.Measured(In("measured"), merged, null);
        var ranges = CurationGroups.Ranges(rows, 5);
        ranges.Sum(range => range.Count).ShouldBe(3000);
        foreach (var range in ranges) rows.Rows.Skip(range.First).Take(range.Count).ShouldAllBe(row => row.Length >= range.Shortest);
        int[] labels = [.. Enumerable.Range(0, 3000).Select(_ => random.Next(20))];
        var kept = CurationKind.Sample(rows, ranges, labels, new CurationCell(5, 20, SampleRule.Ppl, 0.05), 42);
        foreach (var range in ranges)
        {
            foreach (var cluster in Enumerable.Range(range.First, range.Count).GroupBy(row => labels[row]))
                kept.Count(row => row >= range.First && row < range.First + range.Count && labels[row] == cluster.Key).ShouldBe((cluster.Count() + 19) / 20);
        }

        ((double)kept.Count).ShouldBe((3000 * 0.05) + (20 * 5 / 2), 25);
        kept.ShouldBeUnique();
        // Sorted as published: group, cluster, perplexity, length.
        var order = kept.Select(row => (ranges.Last(range => range.First <= row).Group, labels[row], rows.Rows[row].Perplexity, rows.Rows[row].Length)).ToList();
        order.ShouldBe([.. order.Order()]);
    }

    [Fact]
    public void Cells_Grid_HaveTheRecipesOwnFirst()
    {
        var recipe = new CurationRecipe { Grid = new() { LengthGroups = [1, 5], Methods = ["rand", "ppl"] } };
        CurationGroups.Cells(recipe).Select(cell => cell.Name).ShouldBe(["L5-K100-ppl-0.01", "L1-K100-rand-0.01", "L1-K100-ppl-0.01", "L5-K100-rand-0.01"]);
        CurationGroups.Cells(new CurationRecipe()).Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("sources: []", "sources: Must have at least 1 item.")]
    [InlineData("sources: [{ path: rows.jsonl, group: a, instruction: promt }]", "sources.0.instruction: The first rows of", "no column 'promt'. Did you mean 'prompt'? There are: prompt, output.")]
    [InlineData("sources: [{ path: rows.jsonl }]", "sources.0.group: Missing.")]
    [InlineData("sources: [{ path: bad.jsonl, group: a }]", "bad.jsonl cannot be read as JSONL")]
    [InlineData("perplexity: {}", "sampling.method: ppl and pplH need perplexities")]
    [InlineData("perplexity: { column: pl }", "perplexity.column: The first rows of")]
    [InlineData("vectors: {}", "vectors: Give encoder (a folder with model.onnx) or model")]
    [InlineData("vectors: { model: MODEL, pooling: cls }", "vectors.pooling: A model's hidden states are averaged (mean).")]
    [InlineData("grid: { methods: [best] }", "grid.methods: 'best' is no method. Allowed: rand, ppl, pplH.")]
    [InlineData("grid: { clusters: [0] }", "grid.clusters: Must be numbers from 1 to 100000.")]
    [InlineData("clusters: { count: 50, batchRows: 20 }", "clusters.batchRows: Must be 0 or at least the clusters, 50; it is 20.")]
    [InlineData("formats: [xml]", "formats: 'xml' is no format. Allowed: alpaca, sharegpt, messages.")]
    public async Task Load_BadRecipe_NamesKeyAndWhatIsAllowed(string wrong, params string[] problems)
    {
        File.WriteAllText(In("rows.jsonl"), """{"prompt":"a","output":"b"}""" + "\n");
        File.WriteAllText(In("bad.jsonl"), "{\n{\n");
        var keys = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["name"] = "name: bad",
            ["sources"] = "sources: [{ path: rows.jsonl, group: a, instruction: prompt }]",
            ["perplexity"] = $"perplexity: {{ model: {Model} }}",
            ["vectors"] = $"vectors: {{ model: {Model} }}",
        };
        keys[wrong.Split(':')[0]] = wrong.Replace("MODEL", Model, StringComparison.Ordinal);
        File.WriteAllText(In("bad.yaml"), string.Join('\n', keys.Values) + "\n");
        var error = await Should.ThrowAsync<RecipeException>(() => JobRecipeFile.LoadAsync(new CurationKind(), In("bad.yaml"), [], default));
        foreach (var problem in problems) error.Message.ShouldContain(problem);
    }

    [Fact]
    public async Task Load_Sample_IsGood() => (await JobRecipeFile.LoadAsync(new CurationKind(), Path.Combine(SharedData.Root, "samples/recipes/curate-tiny.yaml"), [], default)).Recipe.Name.ShouldBe("curate-tiny");

    private string In(string name) => Path.Combine(_folder, name);

    private static void Write(string path, params object[] rows) => File.WriteAllLines(path, rows.Select(row => JsonSerializer.Serialize(row, row.GetType(), EventJson.Options)));
}
