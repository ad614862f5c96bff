using XInstruct.Domain.Runs;

namespace XInstruct.Workflows.Steering;

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
