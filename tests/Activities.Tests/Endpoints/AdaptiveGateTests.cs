using XInstruct.Activities.Endpoints;

namespace XInstruct.Activities.Tests.Endpoints;

public sealed class AdaptiveGateTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(50);

    private readonly FixedClock _clock = new();

    [Fact]
    public async Task EnterAsync_MoreThanTheLimit_WaitInOrder()
    {
        var gate = new AdaptiveGate(2, 6, _clock);
        await gate.EnterAsync(CancellationToken.None);
        await gate.EnterAsync(CancellationToken.None);
        var (third, fourth) = (gate.EnterAsync(CancellationToken.None), gate.EnterAsync(CancellationToken.None));
        third.IsCompleted.ShouldBeFalse();
        gate.Leave();
        await third.WaitAsync(TimeSpan.FromSeconds(10));
        fourth.IsCompleted.ShouldBeFalse();
        gate.Leave();
        await fourth.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task EnterAsync_Cancelled_TakesNoSlot()
    {
        var gate = new AdaptiveGate(1, 6, _clock);
        await gate.EnterAsync(CancellationToken.None);
        using var source = new CancellationTokenSource();
        var waiting = gate.EnterAsync(source.Token);
        await source.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(waiting);
        gate.Leave();
        await gate.EnterAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void Failed_CallsUnderWayAtTheSameTime_HalveTheLimitOnce()
    {
        var gate = new AdaptiveGate(64, 6, _clock);
        for (var i = 0; i < 24; i++) gate.Succeeded();
        gate.Limit.ShouldBe(32);
        var began = _clock.Time;
        _clock.Time += TimeSpan.FromSeconds(1);
        for (var i = 0; i < 10; i++) gate.Failed(began, isEarly: true);
        gate.Limit.ShouldBe(16);
        // From now on about one more a round trip.
        for (var i = 0; i < 17; i++) gate.Succeeded();
        gate.Limit.ShouldBe(17);
        _clock.Time += TimeSpan.FromSeconds(1);
        for (var i = 0; i < 20; i++) gate.Failed(_clock.Time += TimeSpan.FromSeconds(1), isEarly: true);
        gate.Limit.ShouldBe(1);
    }

    [Fact]
    public async Task Missed_CallsThatFindNobody_OneAtATimeLooksAndAllAreTold()
    {
        var gate = new AdaptiveGate(4, 3, _clock);
        for (var i = 0; i < 4; i++) (await gate.EnterAsync(CancellationToken.None)).ShouldBeTrue();
        var waiting = Enumerable.Range(0, 100).Select(_ => gate.EnterAsync(CancellationToken.None)).ToList();
        var began = _clock.Time;
        // Four calls that were under way together are one try; then one at a time.
        for (var i = 0; i < 4; i++) gate.Missed(began).ShouldBeFalse();
        gate.Limit.ShouldBe(1);
        _clock.Time += TimeSpan.FromSeconds(1);
        gate.Missed(_clock.Time).ShouldBeFalse();
        _clock.Time += TimeSpan.FromSeconds(1);
        gate.Missed(_clock.Time).ShouldBeFalse();
        waiting.ShouldAllBe(w => !w.IsCompleted);
        _clock.Time += TimeSpan.FromSeconds(1);
        gate.Missed(_clock.Time).ShouldBeTrue();
        (await Task.WhenAll(waiting).WaitAsync(TimeSpan.FromSeconds(10))).ShouldAllBe(isIn => !isIn);
        // One that was still under way learns it too; one that begins later looks anew.
        gate.Missed(began).ShouldBeTrue();
        gate.Missed(_clock.Time += TimeSpan.FromSeconds(1)).ShouldBeFalse();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Missed_SomebodyInBetween_CountsFromTheBeginning(bool isReply)
    {
        var gate = new AdaptiveGate(4, 3, _clock);
        for (var i = 0; i < 20; i++)
        {
            _clock.Time += TimeSpan.FromSeconds(60);
            if (i % 2 == 0) gate.Missed(_clock.Time).ShouldBeFalse();
            else if (isReply) gate.Succeeded();
            else gate.Failed(_clock.Time, isEarly: false);
        }

        gate.Missed(_clock.Time += TimeSpan.FromSeconds(60)).ShouldBeFalse();
        gate.Limit.ShouldBe(1);
        gate.Succeeded();
        gate.Limit.ShouldBeGreaterThanOrEqualTo(isReply ? 4 : 1);
    }

    private sealed class FixedClock : TimeProvider
    {
        public DateTimeOffset Time { get; set; } = Now;

        public override DateTimeOffset GetUtcNow() => Time;
    }
}
