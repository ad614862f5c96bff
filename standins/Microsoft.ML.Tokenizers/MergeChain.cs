#nullable enable
namespace Microsoft.ML.Tokenizers;

/// <summary>A vocabulary id and how many starting symbols (their UTF-16 or byte length) it covers.</summary>
internal readonly record struct Symbol(int Id, int Length);

/// <summary>The symbols of one piece as a linked list, merged strongest first and, among equals, from the left.</summary>
internal sealed class MergeChain(int capacity)
{
    private readonly List<Node> _nodes = new(capacity);
    private readonly PriorityQueue<(int Left, int LeftId, int RightId, int Id), (int Rank, int Left)> _queue = new();

    public void Add(int id, int length)
    {
        var index = _nodes.Count;
        if (index > 0)
            _nodes[index - 1] = _nodes[index - 1] with { Next = index };
        _nodes.Add(new Node(id, length, index - 1, -1));
    }

    public Symbol[] Run(Dictionary<(int Left, int Right), (int Rank, int Id)> merges)
    {
        for (var i = 0; i < _nodes.Count - 1; i++)
            Offer(i, merges);
        while (_queue.TryDequeue(out var merge, out _))
        {
            var left = _nodes[merge.Left];
            // An entry outlives its symbols when a neighbour was merged first.
            if (left.Id != merge.LeftId || left.Length == 0 || left.Next < 0 || _nodes[left.Next].Id != merge.RightId)
                continue;
            var right = _nodes[left.Next];
            _nodes[left.Next] = right with { Length = 0 };
            if (right.Next >= 0)
                _nodes[right.Next] = _nodes[right.Next] with { Previous = merge.Left };
            _nodes[merge.Left] = new Node(merge.Id, left.Length + right.Length, left.Previous, right.Next);
            if (left.Previous >= 0)
                Offer(left.Previous, merges);
            Offer(merge.Left, merges);
        }
        return _nodes.Where(node => node.Length > 0).Select(node => new Symbol(node.Id, node.Length)).ToArray();
    }

    private void Offer(int left, Dictionary<(int Left, int Right), (int Rank, int Id)> merges)
    {
        var node = _nodes[left];
        if (node.Next >= 0 && merges.TryGetValue((node.Id, _nodes[node.Next].Id), out var merge))
            _queue.Enqueue((left, node.Id, _nodes[node.Next].Id, merge.Id), (merge.Rank, left));
    }

    private readonly record struct Node(int Id, int Length, int Previous, int Next);
}
