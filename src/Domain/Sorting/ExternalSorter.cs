using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace XInstruct.Domain.Sorting;

/// <summary>
/// Puts more records in order than memory should hold: runs of 4 MiB wait, sorted, in a stream and are merged while they are read (external merge sort:
/// Knuth, The Art of Computer Programming, volume 3, section 5.4). What fits in one run is never written. Not stable: <paramref name="order"/>
/// decides everything. Not thread-safe.
/// </summary>
/// <param name="spill">Opens the stream for the runs: empty, to be written, read and sought in. It is disposed with the sorter.</param>
/// <param name="order">Order of two records; null for their own.</param>
public sealed class ExternalSorter<T>(Func<Stream> spill, Comparison<T>? order = null) : IDisposable
    where T : unmanaged
{
    private const int RunBytes = 1 << 22;
    private const int PageBytes = 1 << 14;

    private static readonly int RunLength = RunBytes / Unsafe.SizeOf<T>();
    private readonly IComparer<T> _order = order is null ? Comparer<T>.Default : Comparer<T>.Create(order);
    private readonly List<T> _run = [];
    private Stream? _runs;

    /// <summary>Records added so far.</summary>
    public long Count { get; private set; }

    /// <summary>Adds a record.</summary>
    public void Add(T record)
    {
        if (_run.Count == RunLength) Spill();
        _run.Add(record);
        Count++;
    }

    /// <summary>All records in order; nothing is added after it.</summary>
    public IEnumerable<T> Sorted()
    {
        if (_runs is null)
        {
            _run.Sort(_order);
            return _run;
        }

        if (_run.Count > 0) Spill();
        _run.Capacity = 0;
        return Merged(_runs);
    }

    /// <inheritdoc/>
    public void Dispose() => _runs?.Dispose();

    private void Spill()
    {
        _runs ??= spill();
        _run.Sort(_order);
        _runs.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_run)));
        _run.Clear();
    }

    private IEnumerable<T> Merged(Stream runs)
    {
        var queue = new PriorityQueue<Run, T>(_order);
        for (var first = 0L; first < Count; first += RunLength)
        {
            var run = new Run(runs, first, Math.Min(first + RunLength, Count));
            if (run.TryTake(out var record)) queue.Enqueue(run, record);
        }

        while (queue.TryPeek(out var run, out var least))
        {
            yield return least;
            if (run.TryTake(out var next)) queue.DequeueEnqueue(run, next);
            else queue.Dequeue();
        }
    }

    /// <summary>Reads a run page by page.</summary>
    private sealed class Run(Stream runs, long first, long end)
    {
        private readonly T[] _page = new T[PageBytes / Unsafe.SizeOf<T>()];
        private long _next = first;
        private int _taken;
        private int _read;

        public bool TryTake(out T record)
        {
            if (_taken == _read) Read();
            record = _taken < _read ? _page[_taken] : default;
            return _taken++ < _read;
        }

        private void Read()
        {
            (_taken, _read) = (0, (int)Math.Min(_page.Length, end - _next));
            runs.Position = _next * Unsafe.SizeOf<T>();
            runs.ReadExactly(MemoryMarshal.AsBytes(_page.AsSpan(0, _read)));
            _next += _read;
        }
    }
}
