using XInstruct.Domain.Runs;

namespace XInstruct.Workflows.Steering;

/// <summary>Settings from now on.</summary>
/// <param name="Who">Who asked.</param>
/// <param name="Why">Why, in their words.</param>
/// <param name="Sets"><c>key=value</c> pairs.</param>
public sealed record SettingsInput(string? Who, string? Why, IReadOnlyList<string> Sets);

/// <summary>What someone says of an iteration.</summary>
/// <param name="Who">Who.</param>
/// <param name="Why">Why, in their words.</param>
/// <param name="IsApproved">Whether the run goes on with it.</param>
/// <param name="Iteration">The iteration; null for the one that waits.</param>
public sealed record VerdictInput(string? Who, string? Why, bool IsApproved, int? Iteration);

/// <summary>Failed samples to be tried again.</summary>
/// <param name="Who">Who asked.</param>
/// <param name="Why">Why, in their words.</param>
/// <param name="Reason">Only those that failed for this reason; null for any.</param>
/// <param name="Stage">generate or rate; null for both.</param>
/// <param name="Language">Only of this language.</param>
public sealed record RetryInput(string? Who, string? Why, string? Reason, string? Stage, string? Language)
{
    /// <summary>The event of it.</summary>
    public RunSteered Event(int iteration, string? request) => new("retry", Who, Why, Language: Language, Stage: Stage, Request: request, Iteration: iteration, Reason: Reason);
}

/// <summary>What is set over what the recipe says.</summary>
/// <param name="Revision">So many changes of settings there were.</param>
/// <param name="Values">What holds after them, by key.</param>
public sealed record SettingsState(int Revision, IReadOnlyDictionary<string, string> Values);

/// <summary>How a stage goes on.</summary>
/// <param name="Revision">Revision of the settings of its next shards.</param>
/// <param name="Window">Shards at once.</param>
public sealed record StageSteering(int Revision, int Window);

/// <summary>An audited intervention.</summary>
/// <param name="Who">Who asked.</param>
/// <param name="Why">Why, in their words.</param>
/// <param name="Language">The language that it is about; null for all.</param>
/// <param name="Stage">The stage that it is about, one of <see cref="RunPart.Stages"/>; null for all.</param>
/// <param name="All">Resume whatever is paused.</param>
public sealed record SteerInput(string? Who, string? Why, string? Language = null, string? Stage = null, bool All = false)
{
    /// <summary>What it is about.</summary>
    public RunPart Part() => new(Language, Stage);

    /// <summary>The event of it.</summary>
    /// <param name="command">What is asked for.</param>
    /// <param name="part">Of which part.</param>
    /// <param name="request">Names the request.</param>
    public RunSteered Event(string command, RunPart part, string? request)
    {
        ArgumentNullException.ThrowIfNull(part);
        return new RunSteered(command, Who, Why, Language: part.Language, Stage: part.Stage, Request: request is null || !All ? request : $"{request}/{part}");
    }
}
