using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    /// <summary>Optimizer with decoupled weight decay (Loshchilov and Hutter 2019).</summary>
    public class AdamW : optim.Optimizer
    {
        private readonly List<ParamGroup> _groups;
        private readonly Dictionary<Parameter, (Tensor First, Tensor Second)> _moments = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Parameter>);
        private long _step;

        public AdamW(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
            : this([new ParamGroup { Parameters = parameters }], lr, beta1, beta2, eps, weight_decay, amsgrad, maximize)
        {
        }

        public AdamW(IEnumerable<ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
        {
            if (amsgrad || maximize) throw new NotSupportedException("amsgrad and maximize are not built here.");
            _groups = [.. parameters];
            foreach (var group in _groups)
            {
                group.Parameters = [.. group.Parameters];
                group.Options ??= new Options();
                group.Options.beta1 ??= beta1;
                group.Options.beta2 ??= beta2;
                group.Options.eps ??= eps;
                group.Options.weight_decay ??= weight_decay;
                group.LearningRate = group.Options.LearningRate ?? lr;
            }
        }

        public override IEnumerable<optim.ILearningRateController> ParamGroups => _groups;

        public override IEnumerable<Parameter> parameters() => _groups.SelectMany(g => g.Parameters);

        public override Tensor? step(Func<Tensor>? closure = null)
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            var loss = closure?.Invoke();
            _step++;
            foreach (var group in _groups)
            {
                foreach (var parameter in group.Parameters) Step(parameter, group);
            }

            return loss?.MoveToOuterDisposeScope();
        }

        private void Step(Parameter parameter, ParamGroup group)
        {
            if (parameter.grad is not { } grad) return;
            var (beta1, beta2) = (group.Options!.beta1!.Value, group.Options.beta2!.Value);
            if (!_moments.TryGetValue(parameter, out var moments))
            {
                _moments[parameter] = moments = (zeros(parameter.shape, parameter.dtype, parameter.device).DetachFromDisposeScope(), zeros(parameter.shape, parameter.dtype, parameter.device).DetachFromDisposeScope());
            }

            parameter.mul_(1 - (group.LearningRate * group.Options.weight_decay!.Value));
            moments.First.mul_(beta1).add_(grad, 1 - beta1);
            moments.Second.mul_(beta2).addcmul_(grad, grad, 1 - beta2);
            var correction2 = Math.Sqrt(1 - Math.Pow(beta2, _step));
            var denominator = moments.Second.sqrt().div_(correction2).add_(group.Options.eps!.Value);
            parameter.addcdiv_(moments.First, denominator, -group.LearningRate / (1 - Math.Pow(beta1, _step)));
        }

        protected override void Dispose(bool disposing)
        {
            foreach (var (first, second) in _moments.Values)
            {
                first.Dispose();
                second.Dispose();
            }

            _moments.Clear();
        }

        /// <summary>Settings of a group; null takes the optimizer's.</summary>
        public class Options
        {
            public double? LearningRate;
            public double? beta1;
            public double? beta2;
            public double? weight_decay;
            public double? eps;
        }

        /// <summary>Parameters with settings of their own.</summary>
        public class ParamGroup : optim.ILearningRateController
        {
            public IEnumerable<Parameter> Parameters { get; set; } = [];

            public Options? Options { get; set; }

            public double LearningRate { get; set; }

            public double InitialLearningRate { get; set; }
        }
    }
}

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

            /// <summary>Base of optimizers.</summary>
            public abstract class Optimizer : IDisposable
            {
                public abstract IEnumerable<ILearningRateController> ParamGroups { get; }

                public abstract IEnumerable<Modules.Parameter> parameters();

                public abstract Tensor? step(Func<Tensor>? closure = null);

                public virtual void zero_grad(bool set_to_none = true)
                {
                    foreach (var parameter in parameters()) parameter.grad = null;
                }

                public void Dispose()
                {
                    Dispose(true);
                    GC.SuppressFinalize(this);
                }

                protected abstract void Dispose(bool disposing);
            }
        }
    }
}
