using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;

namespace XInstruct.Activities.Audit;

/// <summary>What a run was at a time, folded from the log.</summary>
/// <param name="AsOf">That time.</param>
/// <param name="Status">running or completed, as its events say.</param>
/// <param name="Last">When the last event before it was written.</param>
/// <param name="Texts">Texts accepted.</param>
/// <param name="Rejected">Rows rejected.</param>
/// <param name="Written">Texts with an instruction.</param>
/// <param name="Rated">Pairs with a verdict.</param>
/// <param name="Kept">Pairs kept.</param>
/// <param name="Selected">Samples chosen for the release.</param>
/// <param name="Iterations">Iterations that had ended.</param>
/// <param name="Release">SHA-256 of the release, when it was sealed.</param>
/// <param name="Sealed">When it was sealed, then or later; null when it is not.</param>
public sealed record RunMoment(
    string Run, DateTimeOffset AsOf, string Status, DateTimeOffset? Last, long Events, long Texts, long Rejected, long Written, long Rated, long Kept, long Selected, int Iterations, string? Release, DateTimeOffset? Sealed, long TokensIn, long TokensOut, decimal Usd);

/// <summary>Folds runs up to a time.</summary>
public sealed class RunMoments(EventLog log)
{
    /// <summary>The run at a time; null when it had not begun.</summary>
    public async Task<RunMoment?> OfAsync(string run, DateTimeOffset asOf, CancellationToken ct)
    {
        var (state, sample, moment) = ((Run?)null, (Sample?)null, new RunMoment(run, asOf, "", null, 0, 0, 0, 0, 0, 0, 0, 0, null, null, 0, 0, 0));
        var runStream = Identity.RunStream(run);
        await foreach (var e in log.ReadAsync(run, ct))
        {
            if (e.Stream == runStream && e.Type == "release_sealed") moment = moment with { Sealed = e.At() };
            if (!e.WasThere(asOf)) continue;
            var cost = EventTypes.IsBeside(e.Type) ? default : Trail.CostOf(e.Headers);
            moment = moment with
            {
                Events = moment.Events + 1,
                Last = moment.Last is { } last && last > e.At() ? last : e.At(),
                Rejected = moment.Rejected + (e.Type == "rows_rejected" ? e.Data.GetProperty("rows").GetArrayLength() : 0),
                TokensIn = moment.TokensIn + cost.TokensIn,
                TokensOut = moment.TokensOut + cost.TokensOut,
                Usd = moment.Usd + cost.Usd,
            };
            if (e.Stream == runStream)
            {
                state = state.After(e);
                continue;
            }

            if (e.Stream != sample?.Id) Count();
            sample = sample.After(e);
        }

        Count();
        return state is null ? null : moment with { Status = state.IsCompleted ? "completed" : "running", Iterations = state.Iterations.Count, Release = state.Release?.Sha256 };

        void Count()
        {
            if (sample is not null)
            {
                moment = moment with
                {
                    Texts = moment.Texts + 1,
                    Written = moment.Written + (sample.Instruction is null ? 0 : 1),
                    Rated = moment.Rated + (sample.Level is null ? 0 : 1),
                    Kept = moment.Kept + (sample.Kept is null ? 0 : 1),
                    Selected = moment.Selected + (sample.Cluster is null ? 0 : 1),
                };
            }

            sample = null;
        }
    }
}
