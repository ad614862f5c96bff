using TorchSharp.Modules;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            /// <summary>Something with a learning rate.</summary>
            public interface ILearningRateController
            {
                double LearningRate { get; set; }

                double InitialLearningRate { get; set; }
            }

            /// <summary>Something with the two decay rates of Adam.</summary>
            public interface IBetas
            {
                (double, double) Betas { get; set; }
            }

            /// <summary>Base of optimizers.</summary>
            public abstract class Optimizer : IDisposable
            {
                protected IList<ParamGroup> _parameter_groups = [];

                private protected Optimizer()
                {
                }

                public virtual IEnumerable<ILearningRateController> ParamGroups => _parameter_groups;

                public virtual IEnumerable<Parameter> parameters() => _parameter_groups.SelectMany(g => g.Parameters);

                public virtual void zero_grad()
                {
                    foreach (var parameter in parameters())
                    {
                        using var grad = parameter.grad;
                        grad?.zero_();
                    }
                }

                public virtual Tensor? step(Func<Tensor>? closure = null) => throw new NotImplementedException();

                public virtual void add_param_group(ParamGroup param_group) => throw new NotImplementedException();

                public void Dispose()
                {
                    Dispose(true);
                    GC.SuppressFinalize(this);
                }

                protected virtual void Dispose(bool disposing)
                {
                }

                /// <summary>What an optimizer knows, group by group and parameter by parameter; the tensors are its own.</summary>
                public class StateDictionary
                {
                    internal StateDictionary()
                    {
                    }

                    public List<OptimizerOptions> Options { get; } = [];

                    public List<OptimizerState> State { get; } = [];

                    public List<List<int>> StateIndexRef { get; } = [];
                }
            }

            public static AdamW AdamW(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static AdamW AdamW(
                IEnumerable<(string name, Parameter parameter)> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters.Select(p => p.parameter), lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static AdamW AdamW(IEnumerable<AdamW.ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static partial class lr_scheduler
            {
                /// <summary>Multiplies the initial rate by a function of the step, from step 0 on.</summary>
                public static LRScheduler LambdaLR(Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false) => new Lambda(optimizer, lr_lambda, last_epoch);

                /// <summary>Sets the learning rates of an optimizer step by step.</summary>
                public abstract class LRScheduler
                {
                    internal readonly Optimizer _optimizer;
                    internal int _last_epoch;

                    private protected LRScheduler(Optimizer optimizer, int last_epoch) => (_optimizer, _last_epoch) = (optimizer, last_epoch);

                    public IEnumerable<double> get_last_lr() => _optimizer.ParamGroups.Select(g => g.LearningRate);

                    public virtual void step() => step(null);

                    public virtual void step(int? epoch)
                    {
                        _last_epoch = epoch ?? (_last_epoch + 1);
                        foreach (var (group, rate) in _optimizer.ParamGroups.Zip(get_lr().ToList())) group.LearningRate = rate;
                    }

                    protected virtual IEnumerable<double> get_lr() => get_last_lr();
                }

                private sealed class Lambda : LRScheduler
                {
                    private readonly double[] _initial;
                    private readonly Func<int, double> _factor;

                    public Lambda(Optimizer optimizer, Func<int, double> factor, int last_epoch)
                        : base(optimizer, last_epoch)
                    {
                        (_initial, _factor) = ([.. optimizer.ParamGroups.Select(g => g.InitialLearningRate)], factor);
                        step();
                    }

                    protected override IEnumerable<double> get_lr() => _initial.Select(rate => rate * _factor(_last_epoch));
                }
            }
        }
    }
}

namespace TorchSharp.Modules
{
    /// <summary>Base of optimizers with groups of parameters.</summary>
    public abstract class OptimizerHelper : torch.optim.Optimizer
    {
        public OptimizerHelper()
        {
        }

        public override IEnumerable<Parameter> parameters() => base.parameters();

        public override void zero_grad() => base.zero_grad();

        public virtual StateDictionary state_dict() => throw new NotImplementedException();
    }

    /// <summary>What an optimizer knows of a parameter.</summary>
    public abstract class OptimizerState
    {
        protected Parameter _parameter;

        protected OptimizerState(Parameter parameter) => _parameter = parameter;
    }

    /// <summary>Settings of a group; null takes the optimizer's.</summary>
    public class OptimizerOptions
    {
        public double? LearningRate { get; set; }

        public double InitialLearningRate { get; set; }
    }

    /// <summary>Parameters with settings of their own.</summary>
    public class ParamGroup : torch.optim.ILearningRateController
    {
        public IEnumerable<Parameter> Parameters { get; set; } = [];

        public OptimizerOptions Options { get; set; } = null!;

        public double LearningRate
        {
            get => Options.LearningRate!.Value;
            set => Options.LearningRate = value;
        }

        public double InitialLearningRate
        {
            get => Options.InitialLearningRate;
            set => Options.InitialLearningRate = value;
        }
    }

    /// <summary>Parameters with settings of a kind.</summary>
    public class ParamGroup<TOptions> : ParamGroup
        where TOptions : OptimizerOptions
    {
        public ParamGroup()
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, TOptions? options = null) => (Parameters, base.Options) = (parameters, options!);

        public new TOptions Options
        {
            get => (TOptions)base.Options;
            set => base.Options = value;
        }
    }
}
