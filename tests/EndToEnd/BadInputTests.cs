using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace XInstruct.EndToEnd;

/// <summary>Bad input through the built command: exit code 2 and one clear message, and nothing half done is left in the way.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-bad-").FullName;

    public BadInputTests()
    {
        var samples = Path.Combine(Tests.SharedData.Root, "samples");
        Directory.CreateDirectory(Path.Combine(_folder, "seeds"));
        Write("corpus.jsonl", string.Join('\n', File.ReadLines(Path.Combine(samples, "corpus/sw.jsonl")).Take(40)) + "\n");
        File.Copy(Path.Combine(samples, "seeds/sw.jsonl"), Path.Combine(_folder, "seeds/sw.jsonl"));
        Write("recipe.yaml", """
            name: bad
            languages: [sw]
            corpus: {path: corpus.jsonl, minChars: 20}
            seeds: {path: "seeds/{lang}.jsonl"}

            """);
    }

    private string Recipe => Path.Combine(_folder, "recipe.yaml");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_MoreMalformedRowsThanAllowed_StopsAndTheMendedFileIsANewRun()
    {
        await using var product = await ProductProcess.CreateAsync();
        var whole = File.ReadAllText(Path.Combine(_folder, "corpus.jsonl"));
        Write("corpus.jsonl", "oops\n{\"title\":1}\n" + whole);
        var stopped = await product.RunAsync("run", Recipe, "--set", "corpus.maxBadRows=1");
        (stopped.Code, stopped.Error).ShouldSatisfyAllConditions(r => r.Code.ShouldBe(2), r => r.Error.ShouldContain("2 malformed rows, corpus.maxBadRows allows 1"));

        Write("corpus.jsonl", whole);
        var refused = await product.RunAsync("run", Recipe, "--set", "corpus.maxBadRows=1");
        refused.Code.ShouldBe(2);
        refused.Error.ShouldContain(Path.Combine(_folder, "corpus.jsonl"));
        refused.Error.ShouldContain("--new");
        System.Text.RegularExpressions.Regex.Count(refused.Error, "[0-9a-f]{64}", default, TimeSpan.FromSeconds(1)).ShouldBe(2, refused.Error);

        // Nobody works on a detached run: started twice, it is one run.
        var detached = await product.RunAsync("run", Recipe, "--set", "corpus.maxBadRows=1", "--new", "--detach", "--json");
        detached.Code.ShouldBe(0, detached.Error);
        var id = JsonDocument.Parse(detached.Output).RootElement.GetProperty("run").GetString()!;
        var again = await product.RunAsync("run", Recipe, "--set", "corpus.maxBadRows=1", "--id", id, "--new", "--detach", "--json");
        again.Code.ShouldBe(0, again.Error);
        JsonDocument.Parse(again.Output).RootElement.GetProperty("run").GetString().ShouldBe(id);
    }

    [Fact]
    public async Task Run_CorpusThatIsCut_StopsInsteadOfLosingTheRest()
    {
        await using var product = await ProductProcess.CreateAsync();
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(File.ReadAllBytes(Path.Combine(_folder, "corpus.jsonl")));
        var whole = packed.ToArray();
        File.WriteAllBytes(Path.Combine(_folder, "corpus.jsonl"), whole[..(whole.Length / 2)]);
        var (code, _, error) = await product.RunAsync("run", Recipe);
        code.ShouldBe(2, error);
        error.ShouldContain("gzip data, JSON array or Parquet is damaged or cut after");
    }

    [Fact]
    public async Task Run_NoTextOfALanguageIsLeft_StopsAndSaysWhereToLook()
    {
        await using var product = await ProductProcess.CreateAsync();
        var (code, output, _) = await product.RunAsync("run", Recipe, "--set", "corpus.minChars=3000", "--json");
        code.ShouldBe(2, output);
        var last = JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;
        last.GetProperty("status").GetString().ShouldBe("failed");
        last.GetProperty("error").GetString()!.ShouldContain("No sw text is left");
    }

    [Fact]
    public async Task Run_BaseModelWhoseWeightsDoNotFit_StopsAndNamesTheTensor()
    {
        await using var product = await ProductProcess.CreateAsync();
        // Its files can be read, but hold one of twelve tensors.
        WriteModel("base");
        var (code, _, error) = await product.RunAsync("run", Recipe, "--set", $"models.generator.base={_folder}/base");
        code.ShouldBe(2, error);
        error.ShouldContain("lm_head.weight: is missing. (11 in all)");
    }

    [Fact]
    public async Task Run_StoredSeedsThatAreNoSeedsAnyMore_StopsWithTwo()
    {
        await using var product = await ProductProcess.CreateAsync();
        (await product.RunAsync("run", Recipe, "--detach")).Code.ShouldBe(0);
        var seeds = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(_folder, "seeds/sw.jsonl"))));
        var blob = Directory.EnumerateFiles(product.Home, "*", SearchOption.AllDirectories).Single(f => Path.GetFileName(f) == seeds);
        File.WriteAllText(blob, "{\"output\":\"o\"}");
        var (code, _, error) = await product.RunAsync("run", Recipe);
        code.ShouldBe(2, error);
        error.ShouldContain("no column 'instruction'");
    }

    [Fact]
    public async Task RecipeCheck_WarningsAndProblems_GoToTheErrorOutputOrTheJson()
    {
        await using var product = await ProductProcess.CreateAsync();
        string[] warned = ["recipe", "check", Recipe, "--set", "truth.path=nowhere", "--set", "truth.fields=[topic]"];
        var (code, output, error) = await product.RunAsync(warned);
        (code, error.TrimEnd().Split('\n').Length).ShouldBe((0, 1));
        error.ShouldStartWith("warning: --set truth.path=nowhere: truth.path: No file");
        output.ShouldContain("recipe bad for sw is good");
        var json = await product.RunAsync([.. warned, "--json"]);
        json.Error.ShouldBeEmpty();
        JsonDocument.Parse(json.Output).RootElement.GetProperty("warnings")[0].GetProperty("key").GetString().ShouldBe("truth.path");
        (await product.RunAsync([.. warned, "--detach"])).Code.ShouldBe(2);
        var started = await product.RunAsync(["run", .. warned.Skip(2), "--detach"]);
        (started.Code, started.Error).ShouldBe((0, error));

        // A key may hold anything, and none of it reaches the terminal as a command.
        Write("recipe.yaml", "name: bad\n\"corp\\u001b[31mus\": x\n");
        var bad = await product.RunAsync("recipe", "check", Recipe);
        bad.Code.ShouldBe(2);
        bad.Error.ShouldContain($"{Recipe}:2:1: ");
        bad.Error.ShouldNotContain("\u001b");
        var problems = JsonDocument.Parse((await product.RunAsync("recipe", "check", Recipe, "--json")).Output).RootElement;
        problems.GetProperty("status").GetString().ShouldBe("bad");
        problems.GetProperty("problems").GetArrayLength().ShouldBeGreaterThan(1);
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);

    private void WriteModel(string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        var symbols = Enumerable.Range(0, 256).Select(i => i is >= 33 and <= 126 or >= 161 and <= 172 or >= 174 ? (char)i : (char)0).ToArray();
        for (var (i, next) = (0, 256); i < 256; i++) symbols[i] = symbols[i] == 0 ? (char)next++ : symbols[i];
        var vocabulary = symbols.Select((s, i) => (Piece: s.ToString(), Id: i + 1)).ToDictionary(p => p.Piece, p => p.Id);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), JsonSerializer.Serialize(new
        {
            added_tokens = new[] { new { id = 0, content = "<|end|>", special = true } },
            pre_tokenizer = new { type = "ByteLevel", add_prefix_space = false },
            decoder = new { type = "ByteLevel" },
            model = new { type = "BPE", vocab = vocabulary, merges = Array.Empty<string>() },
        }));
        File.WriteAllText(Path.Combine(folder, "config.json"), """
            {"model_type":"llama","vocab_size":300,"hidden_size":8,"intermediate_size":8,"num_hidden_layers":1,"num_attention_heads":2,"eos_token_id":0}
            """);
        var header = """{"model.norm.weight":{"dtype":"F32","shape":[8],"data_offsets":[0,32]}}"""u8;
        File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), [(byte)header.Length, 0, 0, 0, 0, 0, 0, 0, .. header, .. new byte[32]]);
    }
}
