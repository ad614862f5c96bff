using XInstruct.Training.Models;
using XInstruct.Training.Tuning;
using static TorchSharp.torch;

namespace XInstruct.Training.Generation;

/// <summary>The steps of an engine over the rows it works on. For its thread alone.</summary>
internal sealed class EngineSteps : IDisposable
{
    // A shorter piece of a prompt is not worth a pass of its own.
    private const int SmallestPiece = 32;
    private readonly Decoder _model;
    private readonly EngineOptions _options;
    private readonly SlotCache _cache;
    private readonly SlotTable _slots;
    private readonly PrefixCache _prefixes;
    private readonly List<EngineRow> _reading = [];
    private readonly bool _usesCandidates;
    private long _promptTokens;
    private long _reusedTokens;
    private long _newTokens;
    private long _steps;

    public EngineSteps(Decoder model, EngineOptions options)
    {
        _usesCandidates = options.UsesCandidates ?? model.Device().type != TorchSharp.DeviceType.CPU;
        (_model, _options) = (model, options);
        _cache = new SlotCache(model.Config, model.Device(), model.parameters().First().dtype) { MostSlots = options.MaxRows + 1, MostTokens = options.MaxContext ?? model.Config.MaxPositions };
        _slots = new SlotTable(_cache, options.MaxRows);
        _prefixes = new PrefixCache(_cache, model.Config.Layers, options.PrefixCacheTokens);
    }

    public int Rows => _slots.Count;

    public bool IsFull => _slots.IsFull;

    public EngineStatus Status => new(0, Rows, _promptTokens, _reusedTokens, _newTokens, _steps);

    public void Add(EngineRow row)
    {
        _slots.Add(row);
        _reading.Add(row);
    }

    /// <summary>Frees the places of rows that nobody waits for.</summary>
    public void DropCancelled()
    {
        foreach (var row in All().Where(row => row.Generation.IsCancelled))
        {
            row.End(FinishReason.Cancelled);
            // Nobody has looked at its numbers yet.
            if (row.Filled > 0) _cache.Clear(row.Slot);
            Drop(row);
        }
    }

    /// <summary>Ends all rows, as cancelled or as failed, and gives their memory back: nothing that may fail is asked of the device.</summary>
    public void EndAll(Exception? error = null)
    {
        foreach (var row in All())
        {
            if (error is null) row.End(FinishReason.Cancelled);
            else row.Fail(error);
        }

        _reading.Clear();
        _slots.Clear();
        _cache.Dispose();
    }

    /// <summary>One token for each row that is being continued, and as much of the prompts as the budget allows, the oldest first.</summary>
    public void Step()
    {
        _steps++;
        var budget = _options.TokenBudget - _slots.Decoding;
        if (_slots.Decoding > 0) Pass([.. _slots.Continued], _ => 1);
        var isFirst = true;
        while (NextPieces(budget, isFirst) is { Count: > 0 } pieces)
        {
            isFirst = false;
            var length = pieces.Max(piece => piece.Count);
            budget -= pieces.Count * length;
            _promptTokens += pieces.Sum(piece => piece.Count);
            Pass([.. pieces.Select(piece => piece.Row)], row => pieces.First(piece => piece.Row == row).Count);
        }
    }

    public void Dispose()
    {
        _prefixes.Dispose();
        _cache.Dispose();
    }

    private List<EngineRow> All() => [.. _slots.Continued, .. _slots.Reading];

    // Rows, the oldest first, that fit the budget as one padded batch. A long prompt gets what there is.
    private List<(EngineRow Row, int Count)> NextPieces(int budget, bool isFirst)
    {
        var pieces = new List<(EngineRow Row, int Count)>();
        var length = 0;
        foreach (var row in _reading)
        {
            // What another row works out in this pass need not be worked out twice: it is there for the next one.
            if (pieces.Any(piece => _prefixes.AreAlike(piece.Row, row))) continue;
            Reuse(row);
            var count = pieces.Count == 0 ? Piece(row, budget) : row.Remaining;
            if (count <= 0 || (count < row.Remaining && !isFirst && count < SmallestPiece)) break;
            if ((pieces.Count + 1L) * Math.Max(length, count) > budget) break;
            length = Math.Max(length, count);
            pieces.Add((row, count));
        }

        return pieces;
    }

    // Ends where a block does, if that is no loss.
    private static int Piece(EngineRow row, int budget)
    {
        if (row.Remaining <= budget) return row.Remaining;
        var whole = ((row.Filled + budget) / PrefixCache.Block * PrefixCache.Block) - row.Filled;
        return whole > 0 ? whole : budget;
    }

    private void Reuse(EngineRow row)
    {
        if (!row.IsShareable) return;
        var count = _prefixes.Load(row);
        row.Filled += count;
        row.Generation.ReusedTokens += count;
        _reusedTokens += count;
    }

    // When a pass of several rows fails, each is tried alone: what fails then is at fault itself.
    private void Pass(List<EngineRow> rows, Func<EngineRow, int> count)
    {
        using var scope = NewDisposeScope();
        Chosen? chosen;
        try
        {
            chosen = Forward(rows, count);
        }
        catch (Exception error) when (rows.Count == 1)
        {
            rows[0].Fail(error);
            if (rows[0].Slot < _cache.Slots) _cache.Clear(rows[0].Slot);
            Drop(rows[0]);
            return;
        }
        catch (Exception)
        {
            foreach (var row in rows) Pass([row], count);
            return;
        }

        Commit(rows, count, chosen);
    }

    // What the host needs to know of the rows that get a token: nothing has changed for a row before that is there.
    private Chosen? Forward(List<EngineRow> rows, Func<EngineRow, int> count)
    {
        var pass = new SlotPass(_cache, [.. rows.Select(row => row.Next(count(row)))]);
        var hidden = _model.Hidden(pass); // (B, T, D)
        // Of a prompt that is not read to its end, the next token is known.
        var ready = Enumerable.Range(0, rows.Count).Where(i => rows[i].Remaining <= count(rows[i])).ToArray();
        if (ready.Length == 0) return null;
        var last = hidden.shape[1] == 1 ? hidden.squeeze(1) : hidden.reshape(-1, hidden.shape[2]).index_select(0, pass.LastOfRows());
        var logits = _model.Logits(Picked(last, ready, rows.Count)).to_type(ScalarType.Float32); // (B, V)
        return Fetch([.. ready.Select(i => rows[i])], ready, logits);
    }

    // To the host comes what choosing needs: of most rows the best token, of others the candidates, of few all logits.
    private Chosen Fetch(EngineRow[] rows, int[] ready, Tensor logits)
    {
        var (best, index) = logits.max(1);
        var totals = logits.logsumexp(1);
        var needed = Enumerable.Range(0, rows.Length).Where(i => rows[i].NeedsLogits).ToArray();
        // One transfer: a double holds every id.
        var plain = stack([index.to_type(ScalarType.Float64), best.to_type(ScalarType.Float64), totals.to_type(ScalarType.Float64)]).cpu().data<double>().ToArray();
        var chosen = new Chosen(ready, plain, logits);
        if (needed.Length == 0) return chosen;
        var candidates = _usesCandidates && logits.shape[1] > CandidateSampler.Count ? needed.Where(i => rows[i].MayTakeCandidates).ToArray() : [];
        chosen.SetRows([.. needed.Except(candidates)], Picked);
        if (candidates.Length == 0) return chosen;
        var picked = Picked(logits, candidates, rows.Length);
        var (values, ids) = picked.topk(CandidateSampler.Count, 1);
        var scaled = (picked / tensor([.. candidates.Select(i => rows[i].Temperature)], device: _cache.Device).unsqueeze(1)).logsumexp(1);
        chosen.SetCandidates(candidates, values, ids, scaled);
        return chosen;
    }

    private void Commit(List<EngineRow> rows, Func<EngineRow, int> count, Chosen? chosen)
    {
        foreach (var row in rows)
        {
            row.Filled += count(row);
            if (row.IsShareable && row.Remaining >= 0) _prefixes.Store(row);
        }

        if (chosen is null) return;
        for (var i = 0; i < chosen.Ready.Length; i++)
        {
            var row = rows[chosen.Ready[i]];
            try
            {
                chosen.Choose(i, row);
                _newTokens++;
            }
            catch (Exception error)
            {
                row.Fail(error);
                _cache.Clear(row.Slot);
            }

            if (!row.IsDone && _reading.Remove(row)) _slots.Promote(row);
        }

        foreach (var row in rows.Where(row => row.IsDone))
        {
            // A conversation may go on from its end.
            if (row.IsShareable && row.Generation.FinishReason is not null) _prefixes.Store(row);
            Drop(row);
        }
    }

    private Tensor Picked(Tensor lines, int[] which, int count) =>
        which.Length == count ? lines : lines.index_select(0, tensor([.. which.Select(i => (long)i)], device: _cache.Device));

    private void Drop(EngineRow row)
    {
        _reading.Remove(row);
        _slots.Remove(row);
    }
}
