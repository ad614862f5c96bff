using System.Reflection;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp.Modules
{
    /// <summary>A tensor that is learnt.</summary>
    public sealed class Parameter : torch.Tensor
    {
        public Parameter(torch.Tensor data, bool requires_grad = true)
            : base(data.detach().DetachFromDisposeScope().Release())
        {
            // A parameter outlives the scope it was made in only when that scope is not its own: official parameters die with it.
            this.requires_grad = requires_grad;
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public partial class Tensor
        {
            /// <summary>Gives the native tensor to another owner.</summary>
            internal IntPtr Release()
            {
                var handle = Interlocked.Exchange(ref _handle, IntPtr.Zero);
                if (handle != IntPtr.Zero) Interlocked.Decrement(ref s_count);
                _scope?.Remove(this);
                _scope = null;
                GC.SuppressFinalize(this);
                return handle;
            }
        }

        public static partial class nn
        {
            public static Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);

            /// <summary>A part of a model: named parameters, buffers and parts of its own.</summary>
            public class Module : IDisposable
            {
                private readonly List<(string Name, Module Module)> _modules = [];
                private readonly List<(string Name, Parameter Parameter)> _parameters = [];
                private readonly List<(string Name, Tensor Buffer)> _buffers = [];
                private readonly string _name;
                private bool _registered;

                protected Module(string name) => _name = name;

                public bool training { get; private set; } = true;

                public virtual string GetName() => _name;

                protected virtual void RegisterComponents()
                {
                    if (_registered) return;
                    foreach (var field in Fields(GetType()))
                    {
                        var name = field.GetCustomAttribute<ComponentNameAttribute>()?.Name ?? field.Name;
                        switch (field.GetValue(this))
                        {
                            case Module module: register_module(name, module); break;
                            case Parameter parameter: register_parameter(name, parameter); break;
                            case Tensor buffer: register_buffer(name, buffer); break;
                            default: break;
                        }
                    }

                    _registered = true;
                }

                public virtual void register_module(string name, Module submodule) => _modules.Add((name, submodule));

                public virtual void register_parameter(string name, Parameter param)
                {
                    param.DetachFromDisposeScope();
                    _parameters.Add((name, param));
                }

                public virtual void register_buffer(string name, Tensor buffer, bool persistent = true)
                {
                    buffer.DetachFromDisposeScope();
                    _buffers.Add((name, buffer));
                }

                public virtual IEnumerable<(string name, Module module)> named_children() => _modules;

                public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
                {
                    foreach (var own in _parameters) yield return own;
                    if (!recurse) yield break;
                    foreach (var (name, module) in _modules)
                    {
                        foreach (var (inner, parameter) in module.named_parameters()) yield return ($"{name}.{inner}", parameter);
                    }
                }

                public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(p => p.parameter);

                public virtual void train(bool on = true)
                {
                    training = on;
                    foreach (var (_, module) in _modules) module.train(on);
                }

                public void eval() => train(false);

                public virtual void zero_grad(bool set_to_none = true)
                {
                    foreach (var parameter in parameters()) parameter.grad = null;
                }

                public void Dispose()
                {
                    Dispose(true);
                    GC.SuppressFinalize(this);
                }

                protected virtual void Dispose(bool disposing)
                {
                    foreach (var (_, parameter) in _parameters) parameter.Dispose();
                    foreach (var (_, buffer) in _buffers) buffer.Dispose();
                    foreach (var (_, module) in _modules) module.Dispose();
                }

                private static IEnumerable<FieldInfo> Fields(Type type)
                {
                    for (Type? t = type; t is not null && t != typeof(Module); t = t.BaseType)
                    {
                        foreach (var field in t.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly)) yield return field;
                    }
                }

            }

            /// <summary>A module of one argument.</summary>
            public abstract class Module<T, TResult>(string name) : Module(name)
            {
                public abstract TResult forward(T input);

                public TResult call(T input) => forward(input);
            }

            public static Modules.ModuleList<T> ModuleList<T>(params T[] modules)
                where T : Module => new(modules);

            public static class functional
            {
                private static readonly Native.Op LinearOp = new("aten::linear"), EmbeddingOp = new("aten::embedding"), DropoutOp = new("aten::dropout"), SiluOp = new("aten::silu"), GeluOp = new("aten::gelu"), LayerNormOp = new("aten::layer_norm"), CrossEntropyOp = new("aten::cross_entropy_loss");

                public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) => LinearOp.Call(input, weights, bias);

                public static Tensor embedding(Tensor x, Tensor weight) => EmbeddingOp.Call(weight, x);

                public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => DropoutOp.Call(input, p, training);

                public static Tensor silu(Tensor x, bool inplace = false) => SiluOp.Call(x);

                public static Tensor gelu(Tensor x, bool inplace = false) => GeluOp.Call(x);

                public static Tensor cross_entropy(
                    Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean, double label_smoothing = 0.0) =>
                    CrossEntropyOp.Call(input, target, weight, (long)reduction, ignore_index, label_smoothing);
            }

            public enum Reduction : long
            {
                None = 0,
                Mean = 1,
                Sum = 2,
            }

            public static class utils
            {
                public static double clip_grad_norm_(IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2.0)
                {
                    if (norm_type != 2.0) throw new NotSupportedException("Only the L2 norm is built here.");
                    using var scope = NewDisposeScope();
                    using var noGrad = no_grad();
                    var grads = tensors.Select(p => p.grad).OfType<Tensor>().ToArray();
                    if (grads.Length == 0) return 0;
                    var total = stack(grads.Select(g => g.norm())).norm().item<float>();
                    var scale = max_norm / (total + 1e-6);
                    if (scale < 1)
                    {
                        foreach (var grad in grads) grad.mul_(scale);
                    }

                    return total;
                }
            }
        }
    }
}

namespace TorchSharp.Modules
{
    /// <summary>Numbered modules.</summary>
    public sealed class ModuleList<T> : torch.nn.Module, IReadOnlyList<T>
        where T : torch.nn.Module
    {
        private readonly T[] _list;

        internal ModuleList(T[] modules)
            : base(nameof(ModuleList<T>))
        {
            _list = modules;
            for (var i = 0; i < modules.Length; i++) register_module(i.ToString(System.Globalization.CultureInfo.InvariantCulture), modules[i]);
        }

        public int Count => _list.Length;

        public T this[int index] => _list[index];

        public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)_list).GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
