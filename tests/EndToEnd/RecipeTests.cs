namespace XInstruct.EndToEnd;

/// <summary>What a user gets wrong in a recipe, as the command answers it.</summary>
public sealed class RecipeTests
{
    [Fact]
    public async Task Run_UnknownKey_ExitsWithTwoAndNamesTheNearest()
    {
        await using var product = await ProductProcess.CreateAsync();
        var (code, _, error) = await product.RunAsync("run", UndisturbedRun.Recipe, "--set", "refine.iteration=3");
        code.ShouldBe(2);
        error.ShouldContain("iterations");
    }
}
