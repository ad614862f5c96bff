using XInstruct.Domain.Samples;

namespace XInstruct.Domain.Tests.Samples;

public sealed class SampleTests
{
    private static readonly TextAccepted Accepted = new(Guid.NewGuid(), "sw", Guid.NewGuid(), 1, null, "t", 10, "profile");
    private static readonly object[] First = [Accepted, new InstructionGenerated(0, "a", -1, 2), new SampleRated(0, 2, [0.1, 0.2, 0.7]), new SampleKept(0, 3)];

    [Fact]
    public void Restore_RejectedIteration_LeavesTheSampleAsItWasBefore()
    {
        object[] second = [new InstructionRevised(1, "b", -2, 1), new RatingFailed(1, "unparsed")];
        var before = Fold(First);
        var now = Fold([.. First, .. second]);
        Sample.Before([.. First, .. second], 1).ShouldBe(before);
        var restored = now.Restore(before, 1).ShouldBeOfType<SampleRestored>();
        var after = Sample.Fold(now, restored).ShouldNotBeNull();
        after.ShouldBe(before);
        after.Restore(before, 1).ShouldBeNull();
        before.Restore(before, 1).ShouldBeNull();
    }

    [Fact]
    public void Rerate_SecondVerdict_StandsBesideTheFirstOncePerJobAndInstruction()
    {
        var first = Fold(First);
        var verdict = new SampleRerated("job", "other", "a", 0, [1, 0, 0], 0);
        first.Rerate(verdict).ShouldBe(verdict);
        var both = Sample.Fold(first, verdict)!;
        both.ShouldBe(first with { Rerated = both.Rerated });
        both.Rerated.ShouldBe([verdict]);
        both.Rerate(verdict with { Level = 2 }).ShouldBeNull();
        both.Rerate(verdict with { Job = "another" }).ShouldNotBeNull();
        both.Rerate(verdict with { Pair = "b" }).ShouldNotBeNull();
        Sample.Fold(both, new InstructionRevised(1, "b", -2, 1))!.Rerated.ShouldBe([verdict]);
    }

    [Theory]
    [InlineData(null, null, true)]
    [InlineData("generate", "timeout", true)]
    [InlineData("rate", null, false)]
    [InlineData(null, "refused", false)]
    public void Reopen_FailedGeneration_OpensItOnceByReasonAndStage(string? stage, string? reason, bool opens)
    {
        var failed = Fold([Accepted, new GenerationFailed(0, "timeout")]);
        var reopened = failed.Reopen(0, stage, reason);
        (reopened is not null).ShouldBe(opens);
        if (reopened is null) return;
        reopened.ShouldBe(new FailureReopened(0, "generate", "timeout"));
        var open = Sample.Fold(failed, reopened)!;
        (open.Failure, open.Retries, open.Reopen(0, null, null)).ShouldBe((null, 1, null));
        open.Generate(0, "a", null, 1).ShouldBeOfType<InstructionGenerated>();
        failed.Reopen(1, null, null).ShouldBeNull();
    }

    [Fact]
    public void Reopen_FailedRating_LeavesTheInstructionAndIsRatedAnew()
    {
        var failed = Fold([Accepted, new InstructionGenerated(0, "a", -1, 2), new RatingFailed(0, "unparsed")]);
        var open = Sample.Fold(failed, failed.Reopen(0, null, null)!)!;
        failed.Reopen(0, null, null).ShouldBe(new FailureReopened(0, "rate", "unparsed"));
        (open.Instruction, open.Generated).ShouldBe(("a", 0));
        open.Rate(0, 2, [0, 0, 1]).ShouldBeOfType<SampleRated>();
    }

    [Fact]
    public void Reopen_LaterGenerationThatFailed_RatesThePairAnewToo()
    {
        var failed = Fold([.. First, new GenerationFailed(1, "timeout"), new SampleRated(1, 1, [0, 1, 0])]);
        var open = Sample.Fold(failed, failed.Reopen(1, null, null)!)!;
        var written = Sample.Fold(open, open.Generate(1, "b", null, 1)!)!;
        written.Rate(1, 2, [0, 0, 1]).ShouldBeOfType<SampleRated>();
    }

    private static Sample Fold(object[] events) => events.Aggregate(default(Sample), Sample.Fold)!;
}
