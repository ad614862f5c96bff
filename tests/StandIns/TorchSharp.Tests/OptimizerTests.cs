using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XInstruct.StandIns.Tests;

public sealed class OptimizerTests
{
    [Fact]
    public void Step_TwoSteps_AreThoseWorkedOutByHand()
    {
        using var scope = NewDisposeScope();
        var p = Parameter(tensor(new double[] { 1, -2 }));
        using var optimizer = optim.AdamW([p], lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.5);
        double[] value = [1, -2], m = [0, 0], v = [0, 0];
        for (var step = 1; step <= 2; step++)
        {
            optimizer.zero_grad();
            p.pow(3).sum().backward();
            optimizer.step();
            for (var i = 0; i < 2; i++)
            {
                var gradient = 3 * value[i] * value[i];
                value[i] -= 0.1 * 0.5 * value[i];
                m[i] = (0.9 * m[i]) + (0.1 * gradient);
                v[i] = (0.99 * v[i]) + (0.01 * gradient * gradient);
                value[i] -= 0.1 * (m[i] / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.99, step))) + 1e-8);
            }

            p.data<double>().ToArray().ShouldBe(value, 1e-12);
        }
    }

    [Fact]
    public void ParamGroups_OwnOptions_AreUsed()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (Parameter(ones(1)), Parameter(ones(1)));
        using var optimizer = new AdamW(
            [new AdamW.ParamGroup { Parameters = [a], Options = new AdamW.Options { weight_decay = 0.5 } }, new AdamW.ParamGroup([b], new AdamW.Options { weight_decay = 0, LearningRate = 0 })], lr: 0.1);
        optimizer.ParamGroups.Select(g => g.LearningRate).ShouldBe([0.1, 0]);
        (a * 0).sum().backward();
        (b * 5).sum().backward();
        optimizer.step();
        a.item<float>().ShouldBe(0.95f, 1e-6f);
        b.item<float>().ShouldBe(1);
        optimizer.ParamGroups.First().LearningRate = 0;
        optimizer.step();
        a.item<float>().ShouldBe(0.95f, 1e-6f);
        Should.Throw<ArgumentException>(() => new AdamW([a], lr: -1));
    }

    [Fact]
    public void StateDict_OfAnotherOptimizer_PutInPlace_GoesOnAlike()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (Parameter(tensor(new float[] { 1, -2 })), Parameter(tensor(new float[] { 3 })));
        using var first = new AdamW([new AdamW.ParamGroup { Parameters = [a] }, new AdamW.ParamGroup { Parameters = [b] }], lr: 0.1);
        Step(first, a, b);
        var (c, d) = (Parameter(a.detach().clone()), Parameter(b.detach().clone()));
        using var second = new AdamW([new AdamW.ParamGroup { Parameters = [c] }, new AdamW.ParamGroup { Parameters = [d] }], lr: 0.1);
        var (from, to) = (first.state_dict(), second.state_dict());
        from.StateIndexRef.ShouldBe([[0], [1]]);
        from.Options.Count.ShouldBe(2);
        foreach (var (source, target) in from.State.Cast<AdamW.State>().Zip(to.State.Cast<AdamW.State>()))
        {
            source.step.ShouldBe(1);
            source.max_exp_avg_sq.ShouldBeNull();
            target.step = source.step;
            target.exp_avg.copy_(source.exp_avg);
            target.exp_avg_sq.copy_(source.exp_avg_sq);
        }

        Step(first, a, b);
        Step(second, c, d);
        c.data<float>().ToArray().ShouldBe(a.data<float>().ToArray());
        d.data<float>().ToArray().ShouldBe(b.data<float>().ToArray());

        static void Step(AdamW optimizer, Parameter one, Parameter other)
        {
            optimizer.zero_grad();
            (one.pow(3).sum() + other.pow(2).sum()).backward();
            optimizer.step();
        }
    }

    [Fact]
    public void LambdaLR_Steps_MultiplyTheInitialRate()
    {
        using var scope = NewDisposeScope();
        using var optimizer = optim.AdamW([Parameter(ones(1))], lr: 0.2);
        var scheduler = optim.lr_scheduler.LambdaLR(optimizer, step => 1.0 / (step + 1));
        optimizer.ParamGroups.Single().LearningRate.ShouldBe(0.2);
        scheduler.step();
        optimizer.ParamGroups.Single().LearningRate.ShouldBe(0.1);
        scheduler.step();
        optimizer.ParamGroups.Single().LearningRate.ShouldBe(0.2 / 3, 1e-12);
    }

    [Fact]
    public void ClipGradNorm_LongGradients_AreScaledTogether()
    {
        using var scope = NewDisposeScope();
        var (a, b, unused) = (Parameter(ones(1)), Parameter(ones(1)), Parameter(ones(1)));
        ((a * 3) + (b * 4)).sum().backward();
        nn.utils.clip_grad_norm_([a, b, unused], 1).ShouldBe(5, 1e-6);
        a.grad!.item<float>().ShouldBe(0.6f, 1e-5f);
        b.grad!.item<float>().ShouldBe(0.8f, 1e-5f);
        nn.utils.clip_grad_norm_([a, b], 10).ShouldBe(1, 1e-5);
        a.grad!.item<float>().ShouldBe(0.6f, 1e-5f);
    }

    [Fact]
    public void ZeroGrad_Gradients_AreZero()
    {
        using var scope = NewDisposeScope();
        var p = Parameter(ones(2));
        using var optimizer = optim.AdamW([p]);
        p.sum().backward();
        optimizer.zero_grad();
        (p.grad?.abs().sum().item<float>() ?? 0).ShouldBe(0);
    }

    [Fact]
    public void TrainingSteps_InAScope_LeaveTheTensorCountUnchanged()
    {
        using var model = Sequential(Linear(4, 8), Linear(8, 1));
        using var optimizer = optim.AdamW(model.parameters(), lr: 0.05);
        using var x = randn(16, 4);
        Step();
        var before = Tensor.TotalCount;
        var first = Step();
        var last = first;
        for (var i = 0; i < 50; i++) last = Step();
        Tensor.TotalCount.ShouldBe(before);
        last.ShouldBeLessThan(first);

        float Step()
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            var loss = functional.mse_loss(model.call(x), x.sum(1, keepdim: true));
            loss.backward();
            nn.utils.clip_grad_norm_(model.parameters(), 1.0);
            optimizer.step();
            return loss.item<float>();
        }
    }
}
