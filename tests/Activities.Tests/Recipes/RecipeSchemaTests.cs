using System.Text.Json.Nodes;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Tests;

namespace XInstruct.Activities.Tests.Recipes;

public sealed class RecipeSchemaTests : IDisposable
{
    private readonly RecipeFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Json_CommittedCopy_IsCurrent()
    {
        var path = Path.Combine(SharedData.Root, "docs", "recipe.schema.json");
        File.ReadAllText(path).ShouldBe(RecipeSchema.Json() + "\n", "write it anew with './xinstruct recipe schema > docs/recipe.schema.json'");
    }

    [Fact]
    public void Json_EveryKey_HasADescriptionAndTheTypesLimits()
    {
        var schema = JsonNode.Parse(RecipeSchema.Json())!;
        schema["$schema"]!.GetValue<string>().ShouldBe("https://json-schema.org/draft/2020-12/schema");
        foreach (var (key, property) in Properties(schema, "")) property["description"].ShouldNotBeNull(key);
        var batch = schema["properties"]!["plan"]!["properties"]!["microBatch"]!;
        (batch["minimum"]!.GetValue<int>(), batch["maximum"]!.GetValue<int>(), batch["default"]!.GetValue<int>()).ShouldBe((1, 1024, 32));
        schema["properties"]!["refine"]!["properties"]!["rank"]!["enum"]!.AsArray().Select(n => n!.GetValue<string>()).ShouldBe(["both", "evaluator", "generator", "random"]);
        schema["required"]!.AsArray().Select(n => n!.GetValue<string>()).ShouldBe(["name", "languages", "corpus", "seeds"], ignoreOrder: true);
        schema["properties"]!["corpus"]!["additionalProperties"]!.GetValue<bool>().ShouldBeFalse();
    }

    [Fact]
    public void Commented_AsWritten_LoadsWithAllDefaults()
    {
        var loaded = _folder.Load(RecipeTemplate.Commented(), "languages=[sw, th]");
        var expected = new Recipe { Name = "my-recipe", Languages = ["sw", "th"], Corpus = { Path = loaded.Recipe.Corpus.Path }, Seeds = { Path = loaded.Recipe.Seeds.Path } };
        ContentHash.OfCanonical(loaded.Recipe).ShouldBe(ContentHash.OfCanonical(expected));
    }

    [Fact]
    public void Commented_EveryLineTakenIn_LoadsWithTheSameValues()
    {
        _folder.Write("truth/sw.jsonl", """{"topic":"x"}""");
        _folder.Write("truth/th.jsonl", """{"topic":"x"}""");
        TinyEncoder.Write(Path.Combine(_folder.Root, "encoder"));
        var all = string.Join('\n', RecipeTemplate.Commented().Split('\n').Select(TakeIn));
        all.ShouldNotBe(RecipeTemplate.Commented());
        var loaded = _folder.Load(all, "languages=[sw, th]");
        loaded.Recipe.Truth!.Fields.ShouldBe(["topic"]);
        loaded.Recipe.Truth = null;
        loaded.Recipe.Diversify.Encoder!.MaxTokens.ShouldBe(256);
        loaded.Recipe.Diversify.Encoder = null;
        loaded.Recipe.Models.Generator.Api!.Model.ShouldNotBeEmpty();
        loaded.Recipe.Models.Generator.Api = null;
        loaded.Recipe.Models.Evaluator.Api = null;
        var expected = _folder.Load(RecipeTemplate.Commented(), "languages=[sw, th]").Recipe;
        ContentHash.OfCanonical(loaded.Recipe).ShouldBe(ContentHash.OfCanonical(expected));
    }

    private static string TakeIn(string line)
    {
        var hash = line.Length - line.TrimStart().Length;
        return hash + 1 < line.Length && line[hash] == '#' && line[hash + 1] != ' ' ? line.Remove(hash, 1) : line;
    }

    private static IEnumerable<(string Key, JsonNode Property)> Properties(JsonNode schema, string prefix)
    {
        foreach (var (name, property) in schema["properties"]!.AsObject())
        {
            yield return (prefix + name, property!);
            if (property!["properties"] is null) continue;
            foreach (var inner in Properties(property, $"{prefix}{name}.")) yield return inner;
        }
    }
}
