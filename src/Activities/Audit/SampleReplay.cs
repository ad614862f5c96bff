using XInstruct.Activities.Storage;
using XInstruct.Domain.Samples;

namespace XInstruct.Activities.Audit;

/// <summary>What a sample was at a point of its history.</summary>
/// <param name="Version">Version of the last event that counts.</param>
/// <param name="Last">Version of the stream's last event of all.</param>
/// <param name="Type">That event's type.</param>
/// <param name="At">When it was written.</param>
/// <param name="State">The state, folded from the events up to there.</param>
/// <param name="Text">Plain text; null when its source is withdrawn.</param>
/// <param name="Instruction">Plain text of the instruction; null when there is none yet, or its source is withdrawn.</param>
public sealed record Replayed(string Run, Guid Sample, long Version, long Last, string Type, DateTimeOffset? At, Sample State, string? Text, string? Instruction);

/// <summary>Folds samples' states from the log.</summary>
public sealed class SampleReplay(EventLog log, Contents contents)
{
    /// <summary>A stream's state after its events up to a version, and up to a time; null when it had none then.</summary>
    public async Task<Replayed?> OfAsync(Guid stream, long? version, DateTimeOffset? time, CancellationToken ct)
    {
        var events = await log.ReadStreamAsync(stream, ct);
        var (state, last) = ((Sample?)null, (StoredEvent?)null);
        foreach (var e in events.Where(e => (version is null || e.Version <= version) && e.WasThere(time))) (state, last) = (state.After(e), e);
        if (state is null) return null;
        var texts = await contents.ReadAsync([.. new[] { state.Text, state.Instruction }.OfType<string>()], ct);
        return new Replayed(
            state.Run ?? "", state.SampleId, last!.Version, events[^1].Version, last.Type, last.At(), state,
            texts.GetValueOrDefault(state.Text), state.Instruction is { } hash ? texts.GetValueOrDefault(hash) : null);
    }
}
