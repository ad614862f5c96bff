namespace XInstruct.Domain.Provenance;

/// <summary>
/// What many events share: content-addressed, stored once in <c>xi_contents</c> as canonical JSON; the event's header carries its hash.
/// </summary>
/// <param name="Stage">What was done: ingest, generate, rate, keep, select, release, train, evaluate, steer.</param>
/// <param name="Code">Version of XInstruct that did it.</param>
/// <param name="Models">Hashes of the models that took part, in the order of their use.</param>
/// <param name="Prompt">Content hash of the prompt template.</param>
/// <param name="Sampling">How the model wrote, as canonical JSON of the recipe's sampling options.</param>
/// <param name="Device">CPU kind, libtorch build and thread count, or the API's base address and model.</param>
public sealed record Act(
    string Stage,
    string Code,
    IReadOnlyList<string>? Models = null,
    string? Prompt = null,
    string? Sampling = null,
    string? Device = null);

/// <summary>Header names of every event. Permanent.</summary>
public static class EventHeaders
{
    /// <summary>Id of the run.</summary>
    public const string Run = "run";

    /// <summary>Content hash of the <see cref="Act"/>.</summary>
    public const string Act = "act";

    /// <summary>Seed of the random choice behind the event, when there was one.</summary>
    public const string Seed = "seed";

    /// <summary>Tokens read by a model.</summary>
    public const string TokensIn = "tokensIn";

    /// <summary>Tokens written by a model.</summary>
    public const string TokensOut = "tokensOut";

    /// <summary>Money in US dollars.</summary>
    public const string Usd = "usd";

    /// <summary>Temporal workflow id.</summary>
    public const string Workflow = "workflow";

    /// <summary>Temporal run id of the workflow.</summary>
    public const string WorkflowRun = "workflowRun";

    /// <summary>Activity id within the workflow.</summary>
    public const string Activity = "activity";

    /// <summary>Attempt of the activity, from 1.</summary>
    public const string Attempt = "attempt";

    /// <summary>Of an event that a fork took over: record hash of its parent's event.</summary>
    public const string Origin = "origin";

    /// <summary>Identity of the worker.</summary>
    public const string Worker = "worker";

    /// <summary>Time of the write, ISO 8601 UTC.</summary>
    public const string At = "at";

    /// <summary>Content chain hash at this version.</summary>
    public const string Content = "content";

    /// <summary>Record chain hash at this version; the one header that it does not cover.</summary>
    public const string Record = "record";
}

/// <summary>Tokens and money that one event took.</summary>
/// <param name="TokensIn">Tokens read.</param>
/// <param name="TokensOut">Tokens written.</param>
/// <param name="Usd">US dollars.</param>
public readonly record struct Cost(long TokensIn, long TokensOut, decimal Usd = 0);

/// <summary>Where a stream's two chains stand. Every aggregate carries one, so that a writer needs no second look-up.</summary>
/// <param name="Version">Version of the stream.</param>
/// <param name="Content">Content hash at that version.</param>
/// <param name="Record">Record hash at that version.</param>
public sealed record ChainHead(long Version, string Content, string Record);

/// <summary>An aggregate whose stream is hash-chained.</summary>
public interface IChained
{
    /// <summary>Stream id.</summary>
    Guid Id { get; }

    /// <summary>Run that the stream belongs to.</summary>
    string? Run { get; }

    /// <summary>Chain head after the last folded event.</summary>
    ChainHead? Head { get; }
}
