using XInstruct.Domain.Runs;

namespace XInstruct.Domain.Tests.Runs;

public sealed class SteeringTests
{
    [Fact]
    public void Paused_PartsAndTheWhole_EachHoldsUntilItIsResumed()
    {
        RunSteered[] steered =
        [
            new("pause", "ana", "odd texts", Language: "sw"), new("pause", "ana", null), new("budget", "ana", null, 5),
            new("pause", "ben", null, Language: "sw", Stage: "rate"), new("resume", "ana", null), new("resume", "ana", null, Language: "sw", Stage: "rate"),
        ];
        Steering.Paused(steered).ShouldBe([steered[0]]);
        Steering.Paused(steered.Take(4)).Select(p => p.Part().ToString()).ShouldBe(["sw", "the run", "rate of sw"]);
    }

    [Fact]
    public void Record_SameRequestTwice_IsRecordedOnce()
    {
        var command = new RunSteered("pause", "ana", null, Request: "r");
        Steering.Record([], command).ShouldBe(command);
        Steering.Record([command], command).ShouldBeNull();
        // Older events have no request.
        Steering.Record([command with { Request = null }], command with { Request = null }).ShouldNotBeNull();
    }

    [Fact]
    public void At_Revision_CountsOnlyWhatWasSetBefore()
    {
        RunSteered[] steered =
        [
            Set("generator.temperature", "0.9"), new("pause", "ana", null), Set("concurrency", "2"), Set("generator.temperature", "0.5"),
        ];
        SteeredSettings.Revision(steered).ShouldBe(3);
        SteeredSettings.At(steered, 0).ShouldBeEmpty();
        SteeredSettings.At(steered, 2).ShouldBe(new Dictionary<string, string> { ["concurrency"] = "2", ["generator.temperature"] = "0.9" }, ignoreOrder: true);
        SteeredSettings.At(steered, 3).Number("generator.temperature").ShouldBe(0.5);
    }

    [Theory]
    [InlineData("models.generator.api.concurrency=32", "generator.concurrency", "32")]
    [InlineData("models.evaluator.sampling.topP=0.50", "evaluator.topP", "0.5")]
    [InlineData("plan.window=4", "concurrency", "4")]
    [InlineData("budget.usd=1e1", "budget", "10")]
    [InlineData("budget=none", "budget", "none")]
    [InlineData("generator.model= big ", "generator.model", "big")]
    public void Parse_KeysOfARecipe_AreWrittenInOneWay(string set, string key, string value) =>
        SteeredSettings.Parse("r", [set], remoteGenerator: true, remoteEvaluator: true).ShouldBe(new Dictionary<string, string> { [key] = value });

    private static RunSteered Set(string key, string value) => new("set", "ana", null, Set: new Dictionary<string, string> { [key] = value });
}
