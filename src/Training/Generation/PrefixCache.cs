using System.Diagnostics.CodeAnalysis;
using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Generation;

/// <summary>
/// Keys and values of texts' beginnings, in blocks of tokens: prompts that begin alike, and a conversation that goes on, take them over. Bounded;
/// the blocks that were not used for the longest time go first.
/// </summary>
internal sealed class PrefixCache : IDisposable
{
    /// <summary>Tokens of a block.</summary>
    public const int Block = 16;

    private readonly SlotCache _slots;
    private readonly int _layers;
    private readonly Dictionary<Key, Node> _nodes = [];
    private readonly LinkedList<Node> _recent = [];
    private readonly Stack<int> _free = new();
    private (Tensor Keys, Tensor Values)[] _pool = [];
    private int _room;
    private long _serial;
    private int _size;

    /// <summary>A cache beside slots.</summary>
    /// <param name="slots">From and to where blocks are copied.</param>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="tokens">Tokens that are kept at most.</param>
    public PrefixCache(SlotCache slots, int layers, int tokens) => (_slots, _layers, _size) = (slots, layers, tokens / Block);

    /// <summary>Whether it keeps anything.</summary>
    public bool IsOn => _size > 0;

    /// <summary>Blocks kept.</summary>
    public int Count => _nodes.Count;

    /// <summary>Copies into the row's slot what is known of its prompt beyond what the slot has. The last token is always left: the next one comes from it.</summary>
    /// <returns>Tokens that were found.</returns>
    public int Load(EngineRow row)
    {
        if (!IsOn || row.Filled % Block != 0 || row.Remaining <= Block) return 0;
        var chain = Chain(row.Prompt[..^1]);
        var known = row.Filled / Block;
        if (chain.Count <= known) return 0;
        Touch(chain);
        _slots.Reserve(row.Slot + 1, chain.Count * Block);
        using var scope = NewDisposeScope();
        var places = tensor([.. chain.Skip(known).Select(node => (long)node.Place)], device: _slots.Device);
        var count = (chain.Count - known) * Block;
        for (var i = 0; i < _layers; i++)
        {
            var (keys, values) = _slots.Layer(i);
            Copy(_pool[i].Keys, keys);
            Copy(_pool[i].Values, values);
        }

        return count;

        // (n, H, B, D) to (H, n · B, D).
        void Copy(Tensor from, Tensor to)
        {
            var shape = from.shape;
            to[row.Slot].narrow(1, row.Filled, count).copy_(from.index_select(0, places).transpose(0, 1).reshape(shape[1], count, shape[3]));
        }
    }

    /// <summary>Keeps the whole blocks of a row that are in its slot.</summary>
    public void Store(EngineRow row)
    {
        if (!IsOn) return;
        try
        {
            Add(row);
        }
        catch (Exception)
        {
            // No memory for what only saves time: better without it than without the rows.
            Dispose();
            _size = 0;
        }
    }

    /// <summary>Whether two rows would work out the same block next, and one of them could take it over.</summary>
    public bool AreAlike(EngineRow one, EngineRow other)
    {
        if (!IsOn || !one.IsShareable || !other.IsShareable) return false;
        var shared = (Math.Max(one.Filled, other.Filled) / Block * Block) + Block;
        return shared <= _size * Block && one.Prompt.Length > shared && other.Prompt.Length > shared && one.Prompt[..shared].SequenceEqual(other.Prompt[..shared]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (keys, values) in _pool)
        {
            keys.Dispose();
            values.Dispose();
        }

        _pool = [];
        _nodes.Clear();
        _recent.Clear();
    }

    private void Add(EngineRow row)
    {
        var ids = row.Known;
        var chain = Chain(ids);
        var first = chain.Count;
        var used = chain.ToHashSet();
        while ((chain.Count + 1) * Block <= ids.Length && Place(used) is { } place)
        {
            var key = new Key(chain.Count == 0 ? 0 : chain[^1].Serial, ids.Slice(chain.Count * Block, Block).ToArray());
            var node = new Node(++_serial, place, key);
            _nodes.Add(key, node);
            node.Link = _recent.AddFirst(node);
            chain.Add(node);
            used.Add(node);
        }

        Touch(chain);
        if (chain.Count == first) return;
        using var scope = NewDisposeScope();
        var places = tensor([.. chain.Skip(first).Select(node => (long)node.Place)], device: _slots.Device);
        for (var i = 0; i < _layers; i++)
        {
            var (keys, values) = _slots.Layer(i);
            _pool[i].Keys.index_copy_(0, places, Blocks(keys));
            _pool[i].Values.index_copy_(0, places, Blocks(values));
        }

        // (H, n · B, D) to (n, H, B, D).
        Tensor Blocks(Tensor from)
        {
            var shape = from.shape;
            return from[row.Slot].narrow(1, (long)first * Block, (long)(chain.Count - first) * Block).reshape(shape[1], chain.Count - first, Block, shape[3]).transpose(0, 1);
        }
    }

    // The longest known beginning.
    private List<Node> Chain(ReadOnlySpan<int> ids)
    {
        var chain = new List<Node>();
        while ((chain.Count + 1) * Block <= ids.Length
            && _nodes.TryGetValue(new Key(chain.Count == 0 ? 0 : chain[^1].Serial, ids.Slice(chain.Count * Block, Block).ToArray()), out var node)) chain.Add(node);
        return chain;
    }

    // The first block last: it goes after all that follow it.
    private void Touch(List<Node> chain)
    {
        for (var i = chain.Count - 1; i >= 0; i--)
        {
            _recent.Remove(chain[i].Link!);
            _recent.AddFirst(chain[i].Link!);
        }
    }

    // Room for one block more, if not all that could go are needed now.
    private int? Place(HashSet<Node> used)
    {
        if (_free.TryPop(out var free)) return free;
        if (_room < _size)
        {
            Grow(Math.Min(_size, Math.Max(16, _room * 2)));
            return _free.Pop();
        }

        var oldest = _recent.Last!.Value;
        if (used.Contains(oldest)) return null;
        _recent.RemoveLast();
        _nodes.Remove(oldest.Key);
        return oldest.Place;
    }

    private void Grow(int room)
    {
        var pool = new (Tensor Keys, Tensor Values)[_layers];
        for (var i = 0; i < _layers; i++)
        {
            var (keys, values) = _slots.Layer(i);
            pool[i] = (Grown(keys, i < _pool.Length ? _pool[i].Keys : null), Grown(values, i < _pool.Length ? _pool[i].Values : null));
        }

        foreach (var (keys, values) in _pool)
        {
            keys.Dispose();
            values.Dispose();
        }

        _pool = pool;
        for (var place = room - 1; place >= _room; place--) _free.Push(place);
        _room = room;

        Tensor Grown(Tensor like, Tensor? old)
        {
            using var scope = NewDisposeScope();
            // Every block is written before it is read.
            var larger = empty([room, like.shape[1], Block, like.shape[3]], like.dtype, like.device);
            if (old is not null) larger.narrow(0, 0, _room).copy_(old);
            return larger.DetachFromDisposeScope();
        }
    }

    /// <summary>A block's tokens after those of the blocks before it.</summary>
    private readonly struct Key(long parent, int[] ids) : IEquatable<Key>
    {
        private readonly long _parent = parent;
        private readonly int[] _ids = ids;

        public bool Equals(Key other) => _parent == other._parent && _ids.AsSpan().SequenceEqual(other._ids);

        public override bool Equals([NotNullWhen(true)] object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            hash.Add(_parent);
            foreach (var id in _ids) hash.Add(id);
            return hash.ToHashCode();
        }
    }

    private sealed class Node(long serial, int place, Key key)
    {
        public long Serial => serial;

        public int Place => place;

        public Key Key => key;

        public LinkedListNode<Node>? Link { get; set; }
    }
}
