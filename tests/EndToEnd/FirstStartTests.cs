namespace XInstruct.EndToEnd;

/// <summary>Processes that meet an empty database together.</summary>
public sealed class FirstStartTests
{
    [Fact]
    public async Task FirstStarts_ManyAtOnce_AllFindTheirTables()
    {
        for (var round = 0; round < 3; round++)
        {
            await using var product = await ProductProcess.CreateAsync();
            foreach (var (code, output, error) in await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => product.RunAsync("status", "--json")))) code.ShouldBe(0, error + output);
        }
    }
}
