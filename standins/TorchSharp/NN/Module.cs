using System.Reflection;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>A part of a model: named parameters, buffers and parts of its own.</summary>
        public class Module : IDisposable
        {
            private readonly List<(string Name, Module Module)> _modules = [];
            private readonly List<(string Name, Parameter Parameter)> _parameters = [];
            private readonly List<(string Name, Tensor Buffer, bool Persistent)> _buffers = [];
            private readonly string _name;
            private bool _registered;
            private bool _training = true;

            protected Module(string name) => _name = name;

            public virtual bool training => _training;

            public virtual string GetName() => _name;

            public virtual void train(bool train = true)
            {
                _training = train;
                foreach (var (_, module) in named_children()) module.train(train);
            }

            public virtual void eval() => train(false);

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (var parameter in parameters())
                {
                    if (set_to_none)
                    {
                        parameter.grad = null;
                        continue;
                    }

                    using var grad = parameter.grad;
                    grad?.zero_();
                }
            }

            public virtual Module apply(Action<Module> fn)
            {
                foreach (var (_, module) in _modules) module.apply(fn);
                fn(this);
                return this;
            }

            public virtual IEnumerable<(string name, Module module)> named_children() => _modules;

            public virtual IEnumerable<Module> children() => named_children().Select(child => child.module);

            public virtual IEnumerable<(string name, Module module)> named_modules()
            {
                foreach (var child in _modules) yield return child;
                foreach (var (name, module) in _modules)
                {
                    foreach (var (inner, part) in module.named_modules()) yield return ($"{name}.{inner}", part);
                }
            }

            public virtual IEnumerable<Module> modules() => named_modules().Select(m => m.module);

            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                var seen = new HashSet<Parameter>(ReferenceEqualityComparer.Instance);
                foreach (var own in _parameters)
                {
                    if (!own.Parameter.IsInvalid && seen.Add(own.Parameter)) yield return own;
                }

                if (!recurse) yield break;
                foreach (var (name, module) in _modules)
                {
                    foreach (var (inner, parameter) in module.named_parameters())
                    {
                        if (seen.Add(parameter)) yield return ($"{name}.{inner}", parameter);
                    }
                }
            }

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(p => p.parameter);

            /// <summary>As in the package, buffers that are not persistent are never listed.</summary>
            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                foreach (var (name, buffer, persistent) in _buffers)
                {
                    if (persistent && !buffer.IsInvalid) yield return (name, buffer);
                }

                if (!recurse) yield break;
                foreach (var (name, module) in _modules)
                {
                    foreach (var (inner, buffer) in module.named_buffers(true, include_nonpersistent)) yield return ($"{name}.{inner}", buffer);
                }
            }

            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true) => named_buffers(recurse, include_nonpersistent).Select(b => b.buffer);

            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
            {
                destination ??= [];
                string Key(string name) => string.IsNullOrEmpty(prefix) ? name : $"{prefix}.{name}";
                foreach (var (name, parameter) in named_parameters()) destination.TryAdd(Key(name), parameter);
                foreach (var (name, buffer) in named_buffers(include_nonpersistent: false)) destination.TryAdd(Key(name), buffer);
                foreach (var (name, module) in _modules) module.state_dict(destination, Key(name));
                return destination;
            }

            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(Dictionary<string, Tensor> source, bool strict = true, IList<string>? skip = null)
            {
                var target = state_dict();
                bool Wanted(string key) => skip is null || !skip.Contains(key);
                var missing = target.Keys.Where(key => Wanted(key) && !source.ContainsKey(key)).ToList();
                var unexpected = source.Keys.Where(key => Wanted(key) && !target.ContainsKey(key)).ToList();
                if (strict && missing.Count + unexpected.Count > 0) throw new InvalidOperationException("The loaded state_dict is not identical to the target dictionary.");
                using var noGrad = no_grad();
                foreach (var (key, tensor) in source)
                {
                    if (Wanted(key) && target.TryGetValue(key, out var own)) own.copy_(tensor);
                }

                return (missing, unexpected);
            }

            public virtual bool has_parameter(string target) => get_parameter(target) is not null;

            public virtual bool has_buffer(string target) => get_buffer(target) is not null;

            public virtual Parameter? get_parameter(string target) => named_parameters().FirstOrDefault(p => p.name == target).parameter;

            public virtual Tensor? get_buffer(string target) => named_buffers().FirstOrDefault(b => b.name == target).buffer;

            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                if (tensor is null || tensor.IsInvalid) throw new ArgumentNullException(nameof(tensor), "A null tensor cannot be registered as a buffer.");
                if (_buffers.Exists(b => b.Name == name)) throw new InvalidOperationException($"Tensor {name} is already registered.");
                _buffers.Add((name, tensor, persistent));
            }

            public virtual void register_parameter(string name, Parameter param)
            {
                if (param is null || param.IsInvalid) throw new ArgumentNullException(nameof(param), "A null tensor cannot be registered as a parameter.");
                if (_parameters.Exists(p => p.Name == name)) throw new InvalidOperationException($"Parameter {name} is already registered.");
                _parameters.Add((name, param));
            }

            public void add_module(string name, Module module) => register_module(name, module);

            public virtual void register_module(string name, Module submodule)
            {
                if (submodule is null)
                {
                    _modules.RemoveAll(m => m.Name == name);
                    return;
                }

                if (name.Contains('.', StringComparison.Ordinal)) throw new ArgumentException($"module name can't contain \".\", got: {name}");
                if (name.Length == 0) throw new ArgumentException("module name can't be empty string \"\"");
                if (_modules.Exists(m => m.Name == name)) throw new InvalidOperationException($"Sub-module {name} is already registered.");
                submodule.RegisterComponents();
                _modules.Add((name, submodule));
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void RegisterComponents()
            {
                if (_registered) return;
                foreach (var field in Fields(GetType()))
                {
                    var name = ComponentName(field);
                    if (_modules.Exists(m => m.Name == name) || _parameters.Exists(p => p.Name == name) || _buffers.Exists(b => b.Name == name)) continue;
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

            protected void ConditionallyRegisterParameter(string name, Parameter? value)
            {
                var at = _parameters.FindIndex(p => p.Name == name);
                if (value is null)
                {
                    if (at >= 0) _parameters.RemoveAt(at);
                }
                else if (at >= 0)
                {
                    _parameters[at] = (name, value);
                }
                else
                {
                    _parameters.Add((name, value));
                }
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing) return;
                foreach (var (_, buffer, _) in _buffers) buffer.DetachFromDisposeScope().Dispose();
                foreach (var (_, parameter) in _parameters) parameter.DetachFromDisposeScope().Dispose();
                foreach (var (_, module) in _modules) module.Dispose();
            }

            /// <summary>Moves and converts what it holds; parameters become new objects, their fields follow.</summary>
            internal void Move(Device? device, ScalarType? dtype)
            {
                foreach (var (_, module) in named_children()) module.Move(device, dtype);
                using var noGrad = no_grad();
                foreach (var (name, parameter) in _parameters.ToArray())
                {
                    if (Same(parameter, device, dtype)) continue;
                    var grad = parameter.grad;
                    var moved = new Parameter(Moved(parameter, device, dtype), parameter.requires_grad).DetachFromDisposeScope();
                    if (grad is not null)
                    {
                        using var movedGrad = Moved(grad, device, dtype);
                        moved.grad = movedGrad;
                        grad.Dispose();
                    }

                    Replace(name, parameter, moved);
                    ConditionallyRegisterParameter(name, (Parameter)moved);
                    parameter.DetachFromDisposeScope().Dispose();
                }

                for (var i = 0; i < _buffers.Count; i++)
                {
                    var (name, buffer, persistent) = _buffers[i];
                    if (Same(buffer, device, dtype)) continue;
                    var moved = Moved(buffer, device, torch.is_floating_point(buffer.dtype) ? dtype : null).DetachFromDisposeScope();
                    Replace(name, buffer, moved);
                    _buffers[i] = (name, moved, persistent);
                    buffer.DetachFromDisposeScope().Dispose();
                }
            }

            private static bool Same(Tensor tensor, Device? device, ScalarType? dtype) =>
                (device is null || (device.type == tensor.device_type && (device.index < 0 || device.index == tensor.device_index)))
                && (dtype is null || dtype == tensor.dtype || !tensor.is_floating_point());

            private static Tensor Moved(Tensor tensor, Device? device, ScalarType? dtype) => tensor.detach().to(dtype ?? tensor.dtype, device ?? tensor.device, copy: true);

            private static string ComponentName(FieldInfo field) => field.GetCustomAttribute<ComponentNameAttribute>() is { Name.Length: > 0 } named ? named.Name : field.Name;

            private static IEnumerable<FieldInfo> Fields(Type type)
            {
                var seen = new HashSet<string>(StringComparer.Ordinal);
                for (Type? t = type; t is not null && t != typeof(Module); t = t.BaseType)
                {
                    foreach (var field in t.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance))
                    {
                        if (field.DeclaringType != typeof(Module) && seen.Add(field.Name)) yield return field;
                    }
                }
            }

            private void Replace(string name, Tensor old, Tensor @new)
            {
                foreach (var field in Fields(GetType()))
                {
                    if (ComponentName(field) == name || ReferenceEquals(field.GetValue(this), old)) field.SetValue(this, @new);
                }
            }
        }
    }
}
