using TorchSharp;
using static TorchSharp.torch;

namespace XInstruct.StandIns.Tests;

public sealed class ScopeTests
{
    [Fact]
    public void Dispose_Scope_FreesWhatWasMadeInIt()
    {
        var before = Tensor.TotalCount;
        Tensor inside, kept, moved;
        using (var outer = NewDisposeScope())
        {
            using (var inner = NewDisposeScope())
            {
                inside = ones(2);
                kept = ones(2).DetachFromDisposeScope();
                moved = (ones(2) + 1).MoveToOuterDisposeScope();
                inner.DisposablesCount.ShouldBe(2);
                inner.Contains(inside).ShouldBeTrue();
            }

            inside.IsInvalid.ShouldBeTrue();
            moved.IsInvalid.ShouldBeFalse();
            outer.DisposablesCount.ShouldBe(1);
        }

        moved.IsInvalid.ShouldBeTrue();
        kept.IsInvalid.ShouldBeFalse();
        kept.Dispose();
        kept.Dispose();
        Tensor.TotalCount.ShouldBe(before);
        Should.Throw<InvalidOperationException>(() => inside.shape);
    }

    [Fact]
    public void MoveToOuter_OutermostScope_DetachesTheTensor()
    {
        Tensor moved;
        using (NewDisposeScope()) moved = ones(1).MoveToOuterDisposeScope();
        moved.IsInvalid.ShouldBeFalse();
        moved.Dispose();
    }

    [Fact]
    public void DisposeEverythingBut_SomeTensors_KeepsThemInTheScope()
    {
        Tensor kept;
        using (var scope = NewDisposeScope())
        {
            kept = ones(1);
            var other = ones(1);
            scope.DisposeEverythingBut(kept).ShouldBeSameAs(kept);
            other.IsInvalid.ShouldBeTrue();
            scope.DisposablesCount.ShouldBe(1);
        }

        kept.IsInvalid.ShouldBeTrue();
    }

    [Fact]
    public void Attach_DetachedTensor_IsFreedWithTheScope()
    {
        using var outside = ones(1);
        using (var scope = NewDisposeScope()) scope.Attach(outside);
        outside.IsInvalid.ShouldBeTrue();
        Should.Throw<ObjectDisposedException>(() => { using var closed = NewDisposeScope(); closed.Dispose(); _ = closed.DisposablesCount; });
    }

    [Fact]
    public void Statistics_OfAThread_CountItsTensors()
    {
        var statistics = DisposeScopeManager.Statistics;
        statistics.Reset();
        using (NewDisposeScope())
        {
            ones(1);
            ones(1).DetachFromDisposeScope().Dispose();
        }

        statistics.TensorStatistics.CreatedInScopeCount.ShouldBe(2);
        statistics.TensorStatistics.DisposedInScopeCount.ShouldBe(1);
        statistics.TensorStatistics.DisposedOutsideScopeCount.ShouldBe(1);
        statistics.ThreadTotalLiveCount.ShouldBe(0);
    }

    [Fact]
    public void WrappedTensorDisposeScope_Expression_LeavesOnlyItsResult()
    {
        using var scope = NewDisposeScope();
        var x = ones(2);
        WrappedTensorDisposeScope(() => (((x + 1) * 2) - 1).sum()).item<float>().ShouldBe(6);
        scope.DisposablesCount.ShouldBe(2);
    }
}
