namespace TorchSharp;

/// <summary>Frees the tensors made on its thread while it is the innermost open one, but for those moved out of it.</summary>
public sealed class DisposeScope : IDisposable
{
    private readonly DisposeScopeManager _manager;
    private List<torch.Tensor?> _items = [];
    private int _count;
    private bool _closed;

    internal DisposeScope(DisposeScopeManager manager, DisposeScope? outer) => (_manager, Outer) = (manager, outer);

    /// <summary>What it holds now, as a copy.</summary>
    public IReadOnlyList<IDisposable> DisposablesView => [.. Open()._items.OfType<torch.Tensor>()];

    public int DisposablesCount => Open()._count;

    internal DisposeScope? Outer { get; set; }

    public bool Contains(IDisposable disposable) => disposable is torch.Tensor tensor && tensor.OwningDisposeScope == this;

    /// <summary>Gives it to the scope around this one, or to none.</summary>
    public T MoveToOuter<T>(T disposable)
        where T : IDisposable => MoveToOther(Outer, disposable);

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable
        where T2 : IDisposable => MoveToOther(Outer, first, second);

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable
        where T2 : IDisposable
        where T3 : IDisposable => MoveToOther(Outer, first, second, third);

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOther(Outer, (IEnumerable<IDisposable>)disposables);

    public void MoveToOuter(IEnumerable<IDisposable> disposables) => MoveToOther(Outer, disposables);

    public T MoveToOther<T>(DisposeScope? scope, T disposable)
        where T : IDisposable
    {
        MoveToOther(scope, (IEnumerable<IDisposable>)[disposable]);
        return disposable;
    }

    public (T1 first, T2 second) MoveToOther<T1, T2>(DisposeScope? scope, T1 first, T2 second)
        where T1 : IDisposable
        where T2 : IDisposable
    {
        MoveToOther(scope, (IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) MoveToOther<T1, T2, T3>(DisposeScope? scope, T1 first, T2 second, T3 third)
        where T1 : IDisposable
        where T2 : IDisposable
        where T3 : IDisposable
    {
        MoveToOther(scope, (IEnumerable<IDisposable>)[first, second, third]);
        return (first, second, third);
    }

    public void MoveToOther(DisposeScope? scope, params IDisposable[] disposables) => MoveToOther(scope, (IEnumerable<IDisposable>)disposables);

    public void MoveToOther(DisposeScope? scope, IEnumerable<IDisposable> disposables)
    {
        Open();
        if (scope is null)
        {
            Detach(disposables);
            return;
        }

        foreach (var disposable in disposables)
        {
            if (Contains(disposable)) scope.Add((torch.Tensor)disposable);
        }
    }

    /// <summary>Takes it out of every scope: its owner disposes it.</summary>
    public T Detach<T>(T disposable)
        where T : IDisposable
    {
        Detach((IEnumerable<IDisposable>)[disposable]);
        return disposable;
    }

    public (T1 first, T2 second) Detach<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable
        where T2 : IDisposable
    {
        Detach((IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) Detach<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable
        where T2 : IDisposable
        where T3 : IDisposable
    {
        Detach((IEnumerable<IDisposable>)[first, second, third]);
        return (first, second, third);
    }

    public void Detach(params IDisposable[] disposables) => Detach((IEnumerable<IDisposable>)disposables);

    public void Detach(IEnumerable<IDisposable> disposables)
    {
        Open();
        foreach (var disposable in disposables)
        {
            if (!Contains(disposable)) continue;
            Remove((torch.Tensor)disposable);
            _manager.StatisticsInstance.TensorStatistics.DetachedFromScopeCount++;
        }
    }

    public void Attach(IDisposable disposable) => Attach((IEnumerable<IDisposable>)[disposable]);

    public void Attach(params IDisposable[] disposables) => Attach((IEnumerable<IDisposable>)disposables);

    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        Open();
        var all = disposables.ToList();
        foreach (var disposable in all)
        {
            if (disposable is not torch.Tensor tensor) throw new InvalidOperationException("DisposeScope can only manage tensors.");
            if (tensor.OwningDisposeScope == this) continue;
            Add(tensor);
            _manager.StatisticsInstance.TensorStatistics.AttachedToScopeCount++;
        }

        return all;
    }

    public void DisposeEverything() => DisposeEverythingBut((IEnumerable<IDisposable>)[]);

    /// <summary>Frees everything held but for some tensors, which stay held.</summary>
    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        Open();
        var keep = new HashSet<object>(inKeep, ReferenceEqualityComparer.Instance);
        var all = _items;
        (_items, _count) = ([], 0);
        foreach (var tensor in all)
        {
            if (tensor is null) continue;
            if (keep.Contains(tensor)) Place(tensor);
            else tensor.Dispose();
        }
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public T DisposeEverythingBut<T>(T keep)
        where T : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[keep]);
        return keep;
    }

    public (T1 first, T2 second) DisposeEverythingBut<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable
        where T2 : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public void MarkAsDisposed(IDisposable disposable)
    {
        Open();
        if (Contains(disposable)) Remove((torch.Tensor)disposable);
    }

    public void Dispose()
    {
        if (_closed) return;
        DisposeEverything();
        _manager.Remove(this);
        _closed = true;
    }

    /// <summary>Takes a tensor from where it is held.</summary>
    internal void Add(torch.Tensor tensor)
    {
        tensor.OwningDisposeScope?.Remove(tensor);
        Place(tensor);
    }

    internal void Remove(torch.Tensor tensor)
    {
        // While everything is being disposed the list is another one already.
        if (tensor.ScopeIndex < _items.Count && ReferenceEquals(_items[tensor.ScopeIndex], tensor))
        {
            _items[tensor.ScopeIndex] = null;
            _count--;
            while (_items.Count > 0 && _items[^1] is null) _items.RemoveAt(_items.Count - 1);
        }

        tensor.OwningDisposeScope = null;
    }

    private void Place(torch.Tensor tensor)
    {
        (tensor.OwningDisposeScope, tensor.ScopeIndex) = (this, _items.Count);
        _items.Add(tensor);
        _count++;
    }

    private DisposeScope Open() => _closed ? throw new ObjectDisposedException(GetType().FullName) : this;
}

public static partial class torch
{
    public static DisposeScope? CurrentDisposeScope => DisposeScopeManager.ThreadSingleton.Current;

    /// <summary>Opens a scope on this thread.</summary>
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.ThreadSingleton.Open();

    /// <summary>Works an expression out in a scope of its own; only its result stays.</summary>
    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using var scope = NewDisposeScope();
        return expr().MoveToOuterDisposeScope();
    }
}
