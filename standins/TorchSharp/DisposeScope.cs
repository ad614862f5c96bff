namespace TorchSharp;

/// <summary>Frees the tensors made while it is open, but for those moved out of it.</summary>
public sealed class DisposeScope : IDisposable
{
    private readonly HashSet<IDisposable> _items = new(ReferenceEqualityComparer.Instance as IEqualityComparer<IDisposable>);

    [ThreadStatic]
    private static DisposeScope? t_current;

    internal DisposeScope() => (Outer, t_current) = (t_current, this);

    internal static DisposeScope? Current => t_current;

    internal DisposeScope? Outer { get; }

    public int DisposablesCount => _items.Count;

    internal void Add(IDisposable item) => _items.Add(item);

    internal void Remove(IDisposable item) => _items.Remove(item);

    public T Detach<T>(T disposable)
        where T : IDisposable
    {
        if (disposable is torch.Tensor tensor) tensor.DetachFromDisposeScope();
        return disposable;
    }

    public T MoveToOuter<T>(T disposable)
        where T : IDisposable
    {
        if (disposable is torch.Tensor tensor) tensor.MoveToOuterDisposeScope();
        return disposable;
    }

    public void Dispose()
    {
        if (t_current == this) t_current = Outer;
        foreach (var item in _items.ToArray()) item.Dispose();
        _items.Clear();
    }
}

public static partial class torch
{
    /// <summary>Opens a scope on this thread.</summary>
    public static DisposeScope NewDisposeScope() => new();
}
