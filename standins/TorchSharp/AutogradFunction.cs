// As in the package, which says nothing of null here.
#nullable disable
using System.Runtime.InteropServices;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        /// <summary>What forward leaves for backward.</summary>
        public class AutogradContext : IDisposable
        {
            private readonly Dictionary<string, object> _data = new(StringComparer.Ordinal);
            private List<Tensor> _toSave = [];
            private List<Tensor> _saved = [];

            internal AutogradContext()
            {
            }

            public bool MaterializeGrads => true;

            public void save_for_backward(List<Tensor> tensors) => _toSave = tensors;

            public void save_data(string key, object value) => _data[key] = value;

            public void mark_dirty(List<Tensor> tensors) => throw new NotSupportedException("Functions that change their inputs are not built here.");

            public void mark_non_differentiable(List<Tensor> tensors) => throw new NotSupportedException("Outputs without a derivative are not built here.");

            public void set_materialize_grads(bool value)
            {
                if (!value) throw new NotSupportedException("Missing gradients are always zeros here.");
            }


            public List<Tensor> get_saved_variables() => [.. _saved.Select(tensor => tensor?.alias())];

            public object get_data(string key) => _data.GetValueOrDefault(key);

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            // An output that is kept would keep its own step of the graph, and that this: it is kept without.
            internal void Save(List<Tensor> outputs) =>
                _saved = [.. _toSave.Select(t => t is null || t.IsInvalid ? null : (outputs.Exists(o => ReferenceEquals(o, t)) ? t.detach() : t.alias()).DetachFromDisposeScope())];

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing) return;
                foreach (var tensor in _saved) tensor?.Dispose();
                _saved = [];
            }
        }

        /// <summary>An operation with a derivative of its own. Tensors among the arguments are inputs of the graph.</summary>
        public abstract class Function<T>
            where T : Function<T>, new()
        {
            private static readonly T s_instance = new();

            public abstract string Name { get; }

            public static unsafe List<Tensor> apply_internal(params object[] vars)
            {
                var inputs = vars.OfType<Tensor>().Where(t => !t.IsInvalid).ToList();
                var context = new AutogradContext();
                var records = is_grad_enabled() && inputs.Exists(t => t.requires_grad);
                List<Tensor> outputs;
                using (no_grad()) outputs = s_instance.forward_internal(context, vars);
                if (!records)
                {
                    context.Dispose();
                    return outputs;
                }

                context.Save(outputs);
                // An input that is given back is another tensor of the graph.
                outputs = [.. outputs.Select(o => inputs.Exists(i => ReferenceEquals(i, o)) ? o.detach() : o)];
                var step = new Step(s_instance, context, [.. vars.Select(v => v is Tensor { IsInvalid: false })], [.. outputs.Select(o => (o.shape, o.dtype, o.device))]);
                var handles = inputs.Select(t => t.Handle).ToArray();
                var made = outputs.Select(t => t.Handle).ToArray();
                fixed (IntPtr* from = handles, to = made)
                    Library.Check(Library.xt_depend(GCHandle.ToIntPtr(GCHandle.Alloc(step)), &Callbacks.Backward, &Callbacks.Dropped, from, handles.Length, to, made.Length));
                return outputs;
            }

            internal abstract List<Tensor> forward_internal(AutogradContext ctx, params object[] vars);

            internal abstract List<Tensor> backward_internal(AutogradContext ctx, List<Tensor> grad_outputs);

            private sealed class Step(T function, AutogradContext context, bool[] isTensor, (long[] Shape, ScalarType Type, Device Device)[] outputs) : IStep
            {
                public Tensor[] Backward(Tensor[] gradients)
                {
                    for (var i = 0; i < gradients.Length; i++) gradients[i] ??= zeros(outputs[i].Shape, outputs[i].Type, outputs[i].Device);
                    var made = function.backward_internal(context, [.. gradients]);
                    if (made.Count > isTensor.Length && made.Skip(isTensor.Length).All(t => t is null || t.IsInvalid)) made = made[..isTensor.Length];
                    if (made.Count != isTensor.Length) throw new NotImplementedException($"Function {function.Name} returned an incorrect number of gradients (expected {isTensor.Length}), got {made.Count}");
                    for (var i = 0; i < made.Count; i++)
                    {
                        if (!isTensor[i] && made[i] is { IsInvalid: false })
                            throw new NotImplementedException($"Function {function.Name} returned a gradient different that is defined at position {i + 1}, but the corresponding forward input was not a Tensor");
                    }

                    return [.. made.Where((_, i) => isTensor[i])];
                }

                public void Dispose() => context.Dispose();
            }
        }

        /// <summary>An operation with one result.</summary>
        public abstract class SingleTensorFunction<T> : Function<T>
            where T : SingleTensorFunction<T>, new()
        {
            public static Tensor apply(params object[] vars) => apply_internal(vars)[0];

            public abstract Tensor forward(AutogradContext ctx, params object[] vars);

            public abstract List<Tensor> backward(AutogradContext ctx, Tensor grad_output);

            internal sealed override List<Tensor> forward_internal(AutogradContext ctx, params object[] vars) => [forward(ctx, vars)];

            internal sealed override List<Tensor> backward_internal(AutogradContext ctx, List<Tensor> grad_outputs) => backward(ctx, grad_outputs[0]);
        }

        /// <summary>An operation with several results.</summary>
        public abstract class MultiTensorFunction<T> : Function<T>
            where T : MultiTensorFunction<T>, new()
        {
            public static List<Tensor> apply(params object[] vars) => apply_internal(vars);

            public abstract List<Tensor> forward(AutogradContext ctx, params object[] vars);

            public abstract List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs);

            internal sealed override List<Tensor> forward_internal(AutogradContext ctx, params object[] vars) => forward(ctx, vars);

            internal sealed override List<Tensor> backward_internal(AutogradContext ctx, List<Tensor> grad_outputs) => backward(ctx, grad_outputs);
        }

        private interface IStep : IDisposable
        {
            Tensor[] Backward(Tensor[] gradients);
        }

        private static unsafe class Callbacks
        {
            [UnmanagedCallersOnly]
            public static int Backward(long key, IntPtr* gradients, int count, IntPtr* made, int madeCount)
            {
                try
                {
                    using var scope = NewDisposeScope();
                    var step = (IStep)GCHandle.FromIntPtr((IntPtr)key).Target;
                    var given = new Tensor[count];
                    for (var i = 0; i < count; i++) given[i] = gradients[i] == IntPtr.Zero ? null : new Tensor(gradients[i]);
                    var results = step.Backward(given);
                    for (var i = 0; i < madeCount; i++) made[i] = results[i] is { IsInvalid: false } result ? Library.xt_alias(result.Handle) : IntPtr.Zero;
                    return 0;
                }
                catch (Exception e)
                {
                    Library.xt_set_error(e.Message);
                    return -1;
                }
            }

            [UnmanagedCallersOnly]
            public static void Dropped(long key)
            {
                var handle = GCHandle.FromIntPtr((IntPtr)key);
                ((IStep)handle.Target).Dispose();
                handle.Free();
            }
        }
    }
}
