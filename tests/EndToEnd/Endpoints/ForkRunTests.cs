using System.Text.Json;

namespace XInstruct.EndToEnd.Endpoints;

/// <summary>What a fork asks an endpoint for.</summary>
public sealed class ForkRunTests
{
    [Fact]
    public async Task Fork_FromKeepOverAnEndpoint_AsksNothingAndSealsWhatAWholeRunSeals()
    {
        await using var server = await ChatServer.StartAsync();
        server.Reply = ApiRunTests.Reply;
        await using var product = await ProductProcess.CreateAsync();
        product.Variables["XI_TEST_API_KEY"] = ChatServer.Key;
        string[] options = [.. UndisturbedRun.Small, .. ApiRunTests.Api(server, "generator"), .. ApiRunTests.Api(server, "evaluator")];
        var parent = await UndisturbedRun.FinishAsync(product, options);
        server.Asked.ShouldNotBeEmpty();
        server.Forget();
        string[] changed = [.. options, "--set", "refine.keep=[0.2]"];
        var run = parent.GetProperty("run").GetString()!;
        var (code, output, error) = await product.RunAsync(["fork", run, UndisturbedRun.Recipe, "--from", "keep", "--id", "forked", "--json", .. changed]);
        code.ShouldBe(0, error + output);
        var fork = JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;
        server.Asked.ShouldBeEmpty();
        fork.GetProperty("ledger").GetProperty("usd").GetDecimal().ShouldBe(0);
        fork.GetProperty("release").GetProperty("sha256").GetString().ShouldNotBe(parent.GetProperty("release").GetProperty("sha256").GetString());
        var whole = await UndisturbedRun.FinishAsync(product, [.. changed, "--id", "whole"]);
        server.Asked.ShouldNotBeEmpty();
        fork.GetProperty("release").GetProperty("sha256").GetString().ShouldBe(whole.GetProperty("release").GetProperty("sha256").GetString());
        (await product.RunAsync("audit", "verify")).Code.ShouldBe(0);
        (code, _, error) = await product.RunAsync(["fork", run, UndisturbedRun.Recipe, "--from", "keep", "--id", "other", .. options, "--set", "seed=7"]);
        code.ShouldBe(2);
        error.ShouldContain("seed was 1, is 7");
    }
}
