using XInstruct.Training.Tuning;

namespace XInstruct.Training.Tests.Tuning;

public sealed class LearningRateScheduleTests
{
    [Fact]
    public void At_NegativeStep_Throws()
        => Should.Throw<ArgumentOutOfRangeException>(() => new LearningRateSchedule(1, Decay.Linear, 0, 10).At(-1));
}
