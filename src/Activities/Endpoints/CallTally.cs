using XInstruct.Domain.Provenance;
using XInstruct.Workflows.Languages;

namespace XInstruct.Activities.Endpoints;

/// <summary>Counts what the calls of a shard came to. Not shared between threads: results are committed one group after the other.</summary>
/// <param name="done">Rows that an earlier attempt dealt with.</param>
/// <param name="failed">Those of them that failed.</param>
public sealed class CallTally(int done, int failed)
{
    private ShardResult _result = new(done, failed);

    /// <summary>The shard's result.</summary>
    public ShardResult Result => _result;

    /// <summary>Counts one row.</summary>
    public void Add(Cost cost, string? reason) => _result = _result.Add(new ShardResult(1, reason is null ? 0 : 1, cost.TokensIn, cost.TokensOut, reason));
}
