using System.Text.Json.Serialization;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;

namespace XInstruct.Domain.Samples;

/// <summary>What a sample is after its last event: a text with its instruction and verdict.</summary>
public sealed record Sample : IChained
{
    /// <summary>Stream id.</summary>
    public Guid Id { get; init; }

    /// <inheritdoc/>
    public string? Run { get; init; }

    /// <inheritdoc/>
    public ChainHead? Head { get; init; }

    /// <summary>Sample id: language and text alone decide it.</summary>
    public Guid SampleId { get; init; }

    public string Language { get; init; } = "";

    public Guid Source { get; init; }

    public long Row { get; init; }

    public string? Key { get; init; }

    /// <summary>Hash of the text.</summary>
    public string Text { get; init; } = "";

    /// <summary>Hash of the current instruction.</summary>
    public string? Instruction { get; init; }

    /// <summary>Iteration that last wrote (or failed to write) the instruction; -1 before.</summary>
    public int Generated { get; init; } = -1;

    public double? LogProbability { get; init; }

    public string? Failure { get; init; }

    /// <summary>Iteration that last rated the pair; -1 before.</summary>
    public int Rated { get; init; } = -1;

    public int? Level { get; init; }

    public IReadOnlyList<double>? Probabilities { get; init; }

    /// <summary>Iteration at whose end the pair was kept; null again once it is written or rated anew.</summary>
    public int? Kept { get; init; }

    public int? KeptRank { get; init; }

    public string? Rejected { get; init; }

    /// <summary>How often a failure was tried again.</summary>
    public int Retries { get; init; }

    public int? Cluster { get; init; }

    public int? ClusterRank { get; init; }

    /// <summary>Other evaluators' verdicts, in their order; null before there is one.</summary>
    public IReadOnlyList<SampleRerated>? Rerated { get; init; }

    /// <summary>Version of the stream without what was only said beside it: the revision that a release names.</summary>
    [JsonIgnore]
    public long Revision => Head!.Version - (Rerated?.Count ?? 0);

    /// <summary>P(level 2), or 0 for a pair without a rating.</summary>
    public double BestProbability => Probabilities is { Count: 3 } p ? p[2] : 0;

    /// <summary>The state after <paramref name="event"/>. Pure; a stream begins with <see cref="TextAccepted"/>, and events of other streams change nothing.</summary>
    public static Sample? Fold(Sample? current, object @event) => (current, @event) switch
    {
        (null, TextAccepted e) => new Sample
        {
            SampleId = e.Sample,
            Language = e.Language,
            Source = e.Source,
            Row = e.Row,
            Key = e.Key,
            Text = e.Text,
        },
        (null, _) => null,
        (var s, InstructionGenerated e) => s.Written(e.Iteration, e.Instruction, e.LogProbability),
        (var s, InstructionRevised e) => s.Written(e.Iteration, e.Instruction, e.LogProbability),
        (var s, GenerationFailed e) => s with { Generated = e.Iteration, Failure = e.Reason },
        (var s, SampleRated e) => s with { Rated = e.Iteration, Level = e.Level, Probabilities = e.Probabilities, Kept = null, KeptRank = null },
        (var s, RatingFailed e) => s with { Rated = e.Iteration, Level = null, Probabilities = null, Failure = e.Reason, Kept = null, KeptRank = null },
        (var s, SampleKept e) => s with { Kept = e.Iteration, KeptRank = e.Rank },
        (var s, SampleRejected e) => s with { Rejected = e.Reason },
        (var s, SampleRerated e) => s with { Rerated = [.. s.Rerated ?? [], e] },
        (var s, FailureReopened e) => s with
        {
            Generated = e.Stage == "generate" ? Math.Min(s.Generated, e.Iteration - 1) : s.Generated,
            Rated = Math.Min(s.Rated, e.Iteration - 1),
            Failure = null,
            Retries = s.Retries + 1,
        },
        (var s, SampleRestored e) => s with
        {
            Instruction = e.Instruction,
            Generated = e.Generated,
            LogProbability = e.LogProbability,
            Failure = e.Failure,
            Rated = e.Rated,
            Level = e.Level,
            Probabilities = e.Probabilities,
            Kept = e.Kept,
            KeptRank = e.KeptRank,
        },
        (var s, SampleSelected e) => s with { Cluster = e.Cluster, ClusterRank = e.Rank },
        (var s, _) => s,
    };

    // A new instruction has no verdict yet.
    private Sample Written(int iteration, string instruction, double? logProbability) => this with
    {
        Instruction = instruction,
        Generated = iteration,
        LogProbability = logProbability,
        Failure = null,
        Level = null,
        Probabilities = null,
        Kept = null,
        KeptRank = null,
    };

    /// <summary>The text joins the run; nothing when it already did.</summary>
    public static object? Accept(Sample? current, TextAccepted text) => current is null ? text : null;

    /// <summary>True when <paramref name="iteration"/> writes and rates this sample, whether or not it already has.</summary>
    public bool IsOpenIn(int iteration, Regenerate regenerate) => regenerate == Regenerate.All || Kept is null || Kept >= iteration;

    /// <summary>The instruction of <paramref name="iteration"/>; nothing when that iteration already wrote, or failed on, it.</summary>
    public object? Generate(int iteration, string instruction, double? logProbability, int candidates) =>
        Generated >= iteration ? null
        : Instruction is null ? new InstructionGenerated(iteration, instruction, logProbability, candidates)
        : new InstructionRevised(iteration, instruction, logProbability, candidates);

    /// <summary>Generation of <paramref name="iteration"/> gave nothing; an earlier instruction stands.</summary>
    public object? FailGeneration(int iteration, string reason) =>
        Generated >= iteration ? null : new GenerationFailed(iteration, reason);

    /// <summary>The evaluator's verdict in <paramref name="iteration"/>; nothing when already given.</summary>
    public object? Rate(int iteration, int level, IReadOnlyList<double> probabilities, int? points = null) =>
        Rated >= iteration || Instruction is null ? null : new SampleRated(iteration, level, probabilities, points);

    /// <summary>The evaluator's answer could not be read.</summary>
    public object? FailRating(int iteration, string reason) =>
        Rated >= iteration || Instruction is null ? null : new RatingFailed(iteration, reason);

    /// <summary>A job's verdict on an instruction; null when it has given none.</summary>
    public SampleRerated? RatingOf(string job, string pair) => Rerated?.FirstOrDefault(r => r.Job == job && r.Pair == pair);

    /// <summary>Another evaluator's verdict; nothing when that job has given its verdict on this instruction.</summary>
    public object? Rerate(SampleRerated rating) => RatingOf(rating.Job, rating.Pair) is null ? rating : null;

    /// <summary>Where an iteration failed on the sample: generate or rate; null when it did not.</summary>
    public string? FailedIn(int iteration) =>
        Failure is null ? null
        : Rated == iteration && Level is null && Instruction is not null ? "rate"
        : Generated == iteration && (Rated < iteration || Level is not null) ? "generate"
        : null;

    /// <summary>Opens a failure of <paramref name="iteration"/> again; nothing when there is none such.</summary>
    /// <param name="iteration">Iteration of the failure.</param>
    /// <param name="stage">generate or rate; null for both.</param>
    /// <param name="reason">Reason of the failure; null for any.</param>
    public object? Reopen(int iteration, string? stage, string? reason) =>
        FailedIn(iteration) is { } failed && (stage is null || stage == failed) && (reason is null || reason == Failure) ? new FailureReopened(iteration, failed, Failure!) : null;

    /// <summary>Undoes <paramref name="iteration"/>; nothing when it left nothing.</summary>
    /// <param name="before">The sample before it: <see cref="Before"/>.</param>
    /// <param name="iteration">The rejected iteration.</param>
    public object? Restore(Sample before, int iteration) =>
        Generated >= iteration || Rated >= iteration || Kept >= iteration
            ? new SampleRestored(iteration, before.Instruction, before.Generated, before.LogProbability, before.Failure, before.Rated, before.Level, before.Probabilities, before.Kept, before.KeptRank)
            : null;

    /// <summary>The sample as it was before an iteration. Pure.</summary>
    /// <param name="events">Its events in their order.</param>
    /// <param name="iteration">What this and later iterations did does not count.</param>
    public static Sample? Before(IEnumerable<object> events, int iteration) => events.Where(e => IterationOf(e) < iteration).Aggregate(default(Sample), Fold);

    private static int IterationOf(object @event) => @event switch
    {
        InstructionGenerated e => e.Iteration,
        InstructionRevised e => e.Iteration,
        GenerationFailed e => e.Iteration,
        SampleRated e => e.Iteration,
        RatingFailed e => e.Iteration,
        FailureReopened e => e.Iteration,
        SampleRestored e => e.Iteration,
        SampleKept e => e.Iteration,
        SampleRejected e => e.Iteration,
        _ => -1,
    };

    /// <summary>Keeps the pair; nothing when it is kept or rejected already.</summary>
    public object? Keep(int iteration, int rank) => Kept is null && Rejected is null ? new SampleKept(iteration, rank) : null;

    /// <summary>Rejects the pair at the loop's end; nothing when it is kept or rejected already.</summary>
    public object? Reject(int iteration, string reason) => Kept is null && Rejected is null ? new SampleRejected(iteration, reason) : null;

    /// <summary>Takes the sample into the release; nothing when it is already taken.</summary>
    public object? Select(int cluster, int rank) => Cluster is null ? new SampleSelected(cluster, rank) : null;
}
